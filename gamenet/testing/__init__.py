# SPDX-License-Identifier: MIT
"""Test a game, or gamenet itself, in simulated time and without sockets.

`Stepper` plays whole matches over a seeded network; `Pair` connects two connection
cores; `MemoryReactor` is Twisted's memory reactor with UDP; `Clock` is exact.
"""

from gamenet.testing.clock import Clock
from gamenet.testing.pair import Pair
from gamenet.testing.reactor import MemoryReactor, MemoryUdpPort
from gamenet.testing.stepper import Stepper

__all__ = ["Clock", "MemoryReactor", "MemoryUdpPort", "Pair", "Stepper"]
