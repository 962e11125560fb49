# SPDX-License-Identifier: MIT
"""Which tick each side lives in, and what players do in it.

At present this is the way of inputs: `InputBuffer` on the client, `InputQueue` for each
player on the server. Clock, prediction and rollback build on them.
"""

from gamenet.prediction.inputs import Input, InputBuffer, InputQueue

__all__ = ["Input", "InputBuffer", "InputQueue"]
