# SPDX-License-Identifier: MIT
"""Measure gamenet against a floor or a peer, in the same run.

`python -m benchmarks NAME --json` prints one JSON object on its last line. Machines are
shared and noisy, so what counts are ratios, and medians of repeated pairs.
"""

from __future__ import annotations
