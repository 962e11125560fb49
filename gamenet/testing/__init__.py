# SPDX-License-Identifier: MIT
"""Test a game, or gamenet itself, in simulated time and without sockets.

`Stepper` plays whole matches over a seeded network; `Pair` connects two connection
cores; `MemoryReactor` is Twisted's memory reactor with UDP; `Clock` is exact;
`synctest` makes every tick twice.
"""

from gamenet.testing.clock import Clock
from gamenet.testing.pair import Pair
from gamenet.testing.reactor import MemoryReactor, MemoryUdpPort
from gamenet.testing.stepper import Stepper
from gamenet.testing.synctest import synctest

__all__ = ["Clock", "MemoryReactor", "MemoryUdpPort", "Pair", "Stepper", "synctest"]
