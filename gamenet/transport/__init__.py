# SPDX-License-Identifier: MIT
"""Carry packets over UDP, TCP, TLS, WebSocket and memory, behind one protocol class.

Subclass `GameProtocol`, give it to a `GameServerFactory`, and `listen` on as many
strings as you like ("udp:7777", "ws:8080"): the protocol cannot tell its peers'
transports apart. `connect` is the other end.
"""

from gamenet.transport.addresses import (
    ConnectSpec,
    ListenSpec,
    is_web,
    parse_connect,
    parse_listen,
)
from gamenet.transport.asking import ask_web
from gamenet.transport.certificates import (
    development_certificate,
    write_development_certificate,
)
from gamenet.transport.clock import monotonic_seconds
from gamenet.transport.conditions import PROFILES
from gamenet.transport.connecting import connect
from gamenet.transport.counters import FactoryStats
from gamenet.transport.factories import GameClientFactory, GameServerFactory
from gamenet.transport.impairing_proxy import ProxyStats, UdpProxy
from gamenet.transport.impairment import Impairment, ImpairmentStats
from gamenet.transport.impairments import AnyImpairment, Impairments
from gamenet.transport.invitation import (
    Invitation,
    ask_invitation,
    connect_url,
    fetch_invitation,
)
from gamenet.transport.limits import Limits
from gamenet.transport.listening import Listening, listen
from gamenet.transport.memory import MemoryNetwork
from gamenet.transport.paths import Path
from gamenet.transport.polled import PolledTransport
from gamenet.transport.protocol import GameProtocol
from gamenet.transport.quiet import Throttle, printable

__all__ = [
    "PROFILES",
    "AnyImpairment",
    "ConnectSpec",
    "FactoryStats",
    "GameClientFactory",
    "GameProtocol",
    "GameServerFactory",
    "Impairment",
    "ImpairmentStats",
    "Impairments",
    "Invitation",
    "Limits",
    "ListenSpec",
    "Listening",
    "MemoryNetwork",
    "Path",
    "PolledTransport",
    "ProxyStats",
    "Throttle",
    "UdpProxy",
    "ask_invitation",
    "ask_web",
    "connect",
    "connect_url",
    "development_certificate",
    "fetch_invitation",
    "is_web",
    "listen",
    "monotonic_seconds",
    "parse_connect",
    "parse_listen",
    "printable",
    "write_development_certificate",
]
