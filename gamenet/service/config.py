# SPDX-License-Identifier: MIT
"""Read the configuration: a file, the command line over it, one frozen record out.

Everything is checked before any port opens, and everything that is wrong is reported
at once, each line with file, key, value and what is allowed. `ServerConfig` is the only
list of keys: the options of `twistd gamenet`, the checks and the reference are made
from its fields.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gamenet.connection import ConnectionConfig
from gamenet.errors import ConfigError
from gamenet.service.forms import (
    game_form,
    host_form,
    key_form,
    listen_form,
    secret_form,
)
from gamenet.service.keys import keys_of, setting
from gamenet.service.reading import Reading
from gamenet.transport import Impairments, Limits

__all__ = ["ConnectionTable", "ServerConfig", "load"]


@dataclass(frozen=True)
class ConnectionTable:
    """Timing and bandwidth of every connection, whatever carries it."""

    timeout: float = setting(5.0, low=0.5, high=300)
    """Seconds of silence after which a player counts as dropped. The session waits for
    the player to come back for `resume_window` seconds more, so that this may be short:
    five outlast a change of mobile cell."""
    resume_window: float = setting(30.0, low=0, high=86400)
    """Seconds that a dropped player's session waits to be resumed, from any address and
    by any transport; 0 ends it at once. Thirty are enough for a router that restarts,
    and short enough that an avatar does not stand about for long."""
    heartbeat: float = setting(0.1, low=0.02, high=30)
    """Longest time in seconds in which a side sends nothing. A tenth keeps the round
    trip measured and address translation open; at most half of `timeout`, so that one
    lost packet is not an end."""
    bandwidth: float = setting(0.0, low=0, high=10**12)
    """Most bytes a second that the server sends to one player; 0 for no limit but that
    of congestion control, which finds what the path takes by itself. What it sends to
    all of them together is `limits.bandwidth`."""
    max_packet_size: int = setting(1452, low=1200, high=16000)
    """Bytes of the largest datagram that the server tries. It begins with 1200, which
    every path takes, and probes upwards; 1200 keeps it there. 1452 fits an Ethernet
    frame with the headers of IPv6 and UDP."""
    nagle: float = setting(0.0, low=0, high=1)
    """Seconds that less than a full packet waits for company, where the game does not
    flush. The default sends what a tick has at the end of the tick."""


@dataclass(frozen=True)
class ServerConfig:
    """Every setting of a server, checked: what `twistd gamenet` runs from."""

    game: str = setting("", form=game_form, allowed="module:Class")
    """The game to serve, as `module:Class`: a subclass of `gamenet.game.Game` that can
    be imported from the current directory. There is no default: a server without a
    game has nothing to do."""
    listen: tuple[str, ...] = setting(
        ("udp:7777", "tcp:7778", "ws:8080"),
        low=1,
        high=32,
        form=listen_form,
        allowed="listen strings",
    )
    """Where to listen: `udp:PORT`, `tcp:PORT`, `tls:PORT:certificate=FILE:key=FILE`,
    `ws:PORT`, `wss:PORT:certificate=FILE:key=FILE`, each with an optional
    `:interface=ADDRESS`. Port 0 takes a free one and logs it. A `ws` or `wss` listener
    serves the page too. The default reaches native clients and browsers alike, on ports
    that need no privilege."""
    name: str = setting("", high=64)
    """The server's name, as `POST /connect` and the log show it; empty for the game's
    title."""
    seed: int | None = setting(None, low=0, high=2**64 - 1)
    """Seed of the game's random numbers, to make a match repeatable; without one, the
    operating system gives it and the log says which."""
    bots: int = setting(0, low=0, high=1000)
    """How many players with random inputs the server adds to the game: fewer than it
    has places, so that a person finds one. They count as players, so the default is
    none. A bot that loses its connection joins again, after 1 second at first and at
    most 30."""
    max_players: int | None = setting(None, low=1, high=65535)
    """How many players may be in the game at once, bots included; without it, the
    game's own `max_players` holds."""
    tick_rate: float | None = setting(None, low=1, high=240)
    """Steps of the game in a second; without it, the game's own `tick_rate` holds."""
    public_host: str = setting("", high=255, form=host_form, allowed="a host name")
    """Host name or address under which players reach the server, for the answer of
    `POST /connect`; empty for the host that the request named, which is right unless
    the web address and the game ports are on different hosts."""
    key: str = setting(
        "",
        form=key_form,
        allowed="64 hexadecimal digits",
        secret=True,
        environment="GAMENET_KEY",
    )
    """The secret with which connect tokens are sealed: whoever has it decides who may
    join. `gamenet keygen` makes one. Without a key the server makes one for its run,
    warns, and `POST /connect` gives a token to everybody: for development. The variable
    `GAMENET_KEY` goes before the file, and keeps the key out of the list of
    processes."""
    protocol_id: int = setting(1, low=0, high=2**64 - 1)
    """Number of the game, to netcode: a token is for one of them, so that games that
    share a key do not let in each other's players."""
    connect_secret: str = setting(
        "",
        form=secret_form,
        allowed="16 to 255 letters, digits and - . _ ~ + /",
        secret=True,
        environment="GAMENET_CONNECT_SECRET",
    )
    """What a caller of `POST /connect` has to show, as `Authorization: Bearer ...`, to
    get a token: for the web service that knows who a player is. With a `key` and
    without this, `POST /connect` gives no tokens. The variable
    `GAMENET_CONNECT_SECRET` goes before the file."""
    impair: str = setting(
        "",
        form=Impairments.from_text,
        allowed="a profile or settings, as lte or latency=80ms loss=5%",
    )
    """A bad network, made on purpose between the server and its players: to play a game
    as its players far away will. Profiles are lan, wifi, lte, 3g, satellite and bad;
    settings are latency, jitter, loss, burst, dup, reorder, rate and queue; `down:` and
    `up:` before them are one way only. Empty for none."""
    record: str = setting("", high=4096)
    """File in which everything that players are sent is recorded, private messages
    included, for `gamenet inspect FILE`; empty for none. It is made when the server
    starts and must not be there before. It grows by what the server sends; when the
    disk is full, the recording ends and the game goes on."""
    log_format: str = setting("text", choices=("text", "json"))
    """`text` for people, `json` for one JSON object a line. Where the log goes is
    twistd's own `--logfile`."""
    limits: Limits = field(default_factory=Limits)
    """What a peer may cost us."""
    connection: ConnectionTable = field(default_factory=ConnectionTable)
    """Timing and bandwidth of connections."""

    @property
    def key_bytes(self) -> bytes | None:
        """Return the key; None has the server make one for its run."""
        return bytes.fromhex(self.key) if self.key else None

    @property
    def is_open(self) -> bool:
        """Return whether `POST /connect` gives a token to everybody."""
        return not self.key and not self.connect_secret

    def connection_config(self) -> ConnectionConfig:
        """Return the settings of every connection.

        Raises:
            ConfigError: one of them is beyond what a connection can do.
        """
        table = self.connection
        return ConnectionConfig(
            timeout=table.timeout,
            resume_window=table.resume_window,
            heartbeat=table.heartbeat,
            handshake_timeout=self.limits.handshake_timeout,
            bandwidth=table.bandwidth,
            max_packet_size=table.max_packet_size,
            nagle=table.nagle,
        )


def load(
    file: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> ServerConfig:
    """Return the configuration of a file with the command line's values over it.

    Args:
        file: a `.toml` or `.json` file, or None for the defaults alone.
        overrides: values by dotted key; a text is read as the key's type.
        environment: variables, some of which are keys; they go before the file.

    Raises:
        ConfigError: one line for each thing that is wrong.
    """
    reading = Reading(keys_of(ServerConfig))
    if file is not None:
        reading.take_file(Path(file))
    reading.take_environment(environment or {})
    reading.take_overrides(overrides or {})
    place = f"{file}: " if file is not None else ""
    if not reading.complaints:
        found = _contradictions(reading.all_values)
        reading.complaints += [place + complaint for complaint in found]
    if reading.complaints:
        raise ConfigError("\n".join(reading.complaints))
    try:
        config: ServerConfig = _build(ServerConfig, reading.values)
        config.connection_config()
    except ConfigError as error:  # what other packages check, they check themselves
        raise ConfigError(f"{place}{error}") from error
    return config


def _contradictions(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong between keys that are each right by themselves."""
    most, bots = values["max_players"], values["bots"]
    if most is not None and bots >= most:
        yield (
            f"bots = {bots} leaves no place for a person; allowed: less than "
            f"max_players = {most}"
        )
    here = values["limits.max_per_address"]
    if bots > here:
        yield (
            f"bots = {bots} is more than limits.max_per_address = {here}; the server's "
            "bots have one address"
        )
    timeout, heartbeat = values["connection.timeout"], values["connection.heartbeat"]
    if heartbeat * 2 > timeout:
        yield (
            f"connection.heartbeat = {heartbeat:g} is out of range; allowed: at most "
            f"half of connection.timeout = {timeout:g}"
        )


def _build(cls: type, values: Mapping[str, Any]) -> Any:
    """Make the dataclass of dotted values, its tables first."""
    hints = typing.get_type_hints(cls)
    members: dict[str, Any] = {}
    for each in dataclasses.fields(cls):
        dotted = each.name + "."
        inner = {
            name[len(dotted) :]: value
            for name, value in values.items()
            if name.startswith(dotted)
        }
        if inner:
            members[each.name] = _build(hints[each.name], inner)
        elif each.name in values:
            members[each.name] = values[each.name]
    return cls(**members)
