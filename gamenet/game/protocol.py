# SPDX-License-Identifier: MIT
"""What a game speaks: its components, inputs and messages, with numbers and a hash.

Both sides derive it from the same game class. A client without the class, such as a
bot, derives it from the server's description instead.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gamenet.connection import Channel, ConnectionConfig, DeliveryMode
from gamenet.errors import (
    CloseReason,
    ConfigError,
    ConnectError,
    RemoteProtocolError,
)
from gamenet.game.messages import FIRST_GAME_MESSAGE, Message, control_registry
from gamenet.game.predicted import check_predicted
from gamenet.prediction import Input
from gamenet.replication import Event, replicated
from gamenet.wire import Schema, protocol_hash, schema_from_description
from gamenet.world import Component, Shown, Sync

if TYPE_CHECKING:
    from gamenet.game.game import Game

__all__ = [
    "CHANNELS",
    "CONTROL",
    "EVENTS",
    "INPUTS",
    "SNAPSHOTS",
    "UNKNOWN_HASH",
    "Protocol",
    "channels_of",
    "game_config",
]

CONTROL, SNAPSHOTS, INPUTS, EVENTS = 0, 1, 2, 3
CHANNELS = (
    Channel(CONTROL, DeliveryMode.RELIABLE_ORDERED, "control", priority=2),
    Channel(SNAPSHOTS, DeliveryMode.UNRELIABLE_RECEIPTS, "snapshots", priority=1),
    Channel(INPUTS, DeliveryMode.UNRELIABLE, "inputs", priority=3),
    Channel(EVENTS, DeliveryMode.RELIABLE_UNORDERED, "events", priority=1),
)
FIRST_GAME_CHANNEL = 8
UNKNOWN_HASH = bytes(8)
MAX_CHANNELS = 31
MAX_DOCUMENT = 1 << 20
MAX_SUMMARY = 1000
MAX_SCHEMAS = 255
SMALLEST_LIMIT = 17000  # the most events of one tick, and some room


class Protocol:
    """The words of one game.

    Args:
        name: of the game.
        components: in the order of their numbers.
        inputs: in the order of their numbers.
        messages: the game's own, in the order of their numbers.
        channels: the game's own, beside those of every game.
        events: in the order of their numbers.

    Raises:
        ConfigError: a class is of the wrong kind, listed twice, or one too many, or a
            message names a channel that there is not.
    """

    def __init__(
        self,
        name: str,
        components: Sequence[type[Component]],
        inputs: Sequence[type[Input]],
        messages: Sequence[type[Message]],
        channels: Sequence[Channel] = (),
        events: Sequence[type[Event]] = (),
    ) -> None:
        self.name = name
        self.channels = (*CHANNELS, *_checked_channels(name, channels))
        known = _checked(name, "components", components, Component)
        self.components = tuple(replicated(known))
        """Those that ever leave the server."""
        self.inputs = _checked(name, "inputs", inputs, Input)
        self.messages = _checked(name, "messages", messages, Message)
        self.events = _checked(name, "events", events, Event)
        self.registry = control_registry()
        for i, schema in enumerate(self.messages):
            self.registry.add(schema, FIRST_GAME_MESSAGE + i)
        numbers = {channel.name: channel.id for channel in self.channels}
        self._channel_of = {
            schema: _channel_number(name, schema, numbers) for schema in self.messages
        }
        self.document: dict[str, Any] = {
            "game": name,
            "components": [_component_described(each) for each in self.components],
            "inputs": [schema.describe() for schema in self.inputs],
            "messages": [schema.describe() for schema in self.messages],
            "events": [schema.describe() for schema in self.events],
        }
        if channels:
            self.document["channels"] = [_described(each) for each in channels]
            self.document["spoken_on"] = list(self._channel_of.values())
        self.hash = protocol_hash({**self.document, "game": ""})
        self._description: bytes | None = None

    @classmethod
    def of(cls, game: type[Game]) -> Protocol:
        """Return what a game class speaks.

        Raises:
            ConfigError: as above, or a client could not predict what the game marks.
        """
        check_predicted(game)
        return cls(
            game.game_name(),
            game.components,
            game.inputs,
            game.messages,
            game.channels,
            game.events,
        )

    @staticmethod
    @lru_cache(maxsize=8)
    def from_description(packed: bytes) -> Protocol:
        """Return what a server's description says.

        Compiling its schemas takes tens of milliseconds, so many bots share the result.

        Raises:
            RemoteProtocolError: the description is malformed or too large.
        """
        try:
            unpacker = zlib.decompressobj()
            document = json.loads(unpacker.decompress(packed, MAX_DOCUMENT))
            _refuse_many(document)
            parts = [
                [_schema_of(d, base) for d in document[key]] for key, base in _PARTS
            ]
            channels = [_channel(each) for each in document.get("channels", ())]
            by_number = {each.id: each.name for each in (*CHANNELS, *channels)}
            for message, number in zip(
                parts[2], document.get("spoken_on", ()), strict=False
            ):
                message.channel = by_number[number]  # type: ignore[attr-defined]
            name = str(document["game"])[:64]
            components, inputs, messages, events = parts
            return Protocol(name, components, inputs, messages, channels, events)  # type: ignore[arg-type]
        except RemoteProtocolError:
            raise
        except (
            zlib.error,
            ValueError,
            TypeError,
            KeyError,
            ConfigError,
            RecursionError,
        ) as error:
            msg = f"the server's description of its game cannot be used: {error}"
            raise RemoteProtocolError(msg) from error

    def channel_of(self, message: Message) -> int:
        """Return the channel on which a message travels."""
        return self._channel_of.get(type(message), CONTROL)

    def browser_channels(self) -> dict[str, Any]:
        """Return what `javascript_module` takes of channels."""
        return {
            "channels": [
                {
                    "id": each.id,
                    "mode": each.mode.value,
                    "name": each.name,
                    "priority": each.priority,
                    "weight": each.weight,
                    "maxMessage": each.max_message,
                    "compression": each.compression,
                }
                for each in self.channels
            ],
            "message_channels": {
                FIRST_GAME_MESSAGE + i: self._channel_of[schema]
                for i, schema in enumerate(self.messages)
                if self._channel_of[schema] != CONTROL
            },
        }

    def browser_shown(self) -> dict[str, dict[str, Any]]:
        """Return what `javascript_module` takes of how components are shown."""
        return {each.__name__: _shown(each.shown) for each in self.components}

    def description(self) -> bytes:
        """Return the document as `from_description` takes it."""
        if self._description is None:
            # Once: a peer that joins again and again should not cost a compression.
            packed = zlib.compress(json.dumps(self.document).encode(), 9)
            self._description = packed
        return self._description

    def summary(self) -> str:
        """Return names and hashes in one line, for peers that speak otherwise."""
        words = " ".join(f"{key}:{value}" for key, value in self._digests().items())
        text = f"{self.name} {self.hash.hex()} {words}"
        return text.encode()[:MAX_SUMMARY].decode(errors="ignore")

    def differences(self, summary: str) -> str:
        """Say what differs between us and a server, from its summary."""
        theirs = dict(
            word.rsplit(":", 1) for word in summary.split()[2:] if ":" in word
        )
        ours = self._digests()
        changed = [key for key in ours if key in theirs and theirs[key] != ours[key]]
        parts = [
            ("differ: ", changed),
            ("unknown to the server: ", [key for key in ours if key not in theirs]),
            ("unknown here: ", [key for key in theirs if key not in ours]),
        ]
        return "; ".join(
            head + ", ".join(_spelled_out(name) for name in names)
            for head, names in parts
            if names
        )

    def _digests(self) -> dict[str, str]:
        return {
            f"{key[0]}.{described['name']}": protocol_hash([i, described]).hex()[:8]
            for key, _ in _PARTS
            for i, described in enumerate(self.document[key])
        }


def _refuse_many(document: Any) -> None:
    """Refuse more schemas than a game can have, before any of them is compiled."""
    counts = [len(document[key]) for key, _ in _PARTS]
    if max(counts) > MAX_SCHEMAS:
        msg = f"{max(counts)} schemas of a kind: the limit is {MAX_SCHEMAS}"
        raise RemoteProtocolError(msg)


def _spelled_out(name: str) -> str:
    """Return "component Position" for the summary's "c.Position"."""
    letter, _, rest = name.partition(".")
    kinds = [key[:-1] for key, _ in _PARTS if key[0] == letter]
    return f"{kinds[0]} {rest}" if kinds else name


def game_config(
    config: ConnectionConfig | None, protocol: Protocol | None = None
) -> ConnectionConfig:
    """Return connection settings with the channels that a game has.

    Raises:
        ConfigError: messages may not be as large as those of every game are.
    """
    config = config or ConnectionConfig()
    if config.max_message < SMALLEST_LIMIT:
        msg = (
            f"max_message = {config.max_message}: a game needs at least "
            f"{SMALLEST_LIMIT} bytes, to tell what happened in a tick"
        )
        raise ConfigError(msg)
    channels = CHANNELS if protocol is None else protocol.channels
    return replace(config, channels=channels)


def channels_of(answer: Mapping[str, Any]) -> tuple[Channel, ...]:
    """Return the channels that a server's answer to `/connect` declares.

    Raises:
        ConnectError: they are none that a connection could have.
    """
    given = answer.get("channels")
    if given is None:
        return CHANNELS
    try:
        channels = tuple(
            Channel(
                id=int(each["id"]),
                mode=DeliveryMode(each["mode"]),
                name=str(each["name"])[:64],
                priority=int(each["priority"]),
                weight=int(each["weight"]),
                max_message=int(each["maxMessage"]),
                compression=bool(each["compression"]),
            )
            for each in given
        )
        ConnectionConfig(channels=channels)
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        msg = f"the server's channels are not understood: {error!r}"
        raise ConnectError(msg, CloseReason.MALFORMED) from None
    return channels


def _checked_channels(game: str, channels: Sequence[Channel]) -> Sequence[Channel]:
    names = [each.name for each in (*CHANNELS, *channels)]
    numbers = [each.id for each in channels]
    if (
        not all(FIRST_GAME_CHANNEL <= number < MAX_CHANNELS for number in numbers)
        or len(set(numbers)) < len(numbers)
        or len(set(names)) < len(names)
        or not all(names)
    ):
        given = list(zip(numbers, names[len(CHANNELS) :], strict=True))
        msg = (
            f"{game}.channels are {given}: each needs a number of its own "
            f"from {FIRST_GAME_CHANNEL} to {MAX_CHANNELS - 1} and a name of its own"
        )
        raise ConfigError(msg)
    ConnectionConfig(channels=(*CHANNELS, *channels))  # it checks weights and limits
    return channels


def _channel_number(game: str, schema: Any, numbers: dict[str, int]) -> int:
    name = schema.channel or "control"
    if name not in numbers or numbers[name] in (SNAPSHOTS, INPUTS, EVENTS):
        reserved = (SNAPSHOTS, INPUTS, EVENTS)
        known = [each for each in numbers if numbers[each] not in reserved]
        msg = f"{game}: {schema.__name__}.channel = {name!r}; there are {known}"
        raise ConfigError(msg)
    return numbers[name]


def _component_described(component: type[Component]) -> dict[str, Any]:
    described = component.describe()
    if component.sync.owner_writes:
        described["owner_writes"] = True
    return described


def _shown(shown: Shown) -> dict[str, Any]:
    """Return how a component is shown, as the browser's view takes it."""
    return {
        "own": None if shown.own is None else shown.own.value,
        "others": None if shown.others is None else shown.others.value,
        "tolerance": float(shown.tolerance),
        "snap": float(shown.snap),
        "halfLife": float(shown.half_life),
        "extrapolate": float(shown.extrapolate),
    }


def _schema_of(described: dict[str, Any], base: type[Schema]) -> type[Schema]:
    schema = schema_from_description(described, base)
    if described.get("owner_writes") is True:
        schema.sync = Sync(owner_writes=True)  # type: ignore[attr-defined]
    return schema


def _described(channel: Channel) -> dict[str, Any]:
    return {**asdict(channel), "mode": channel.mode.value}


def _channel(described: dict[str, Any]) -> Channel:
    return Channel(**{**described, "mode": DeliveryMode(described["mode"])})


_PARTS: tuple[tuple[str, type[Schema]], ...] = (
    ("components", Component),
    ("inputs", Input),
    ("messages", Message),
    ("events", Event),
)


def _checked(
    game: str, attribute: str, schemas: Sequence[Any], base: type[Schema]
) -> tuple[Any, ...]:
    for schema in schemas:
        if not (isinstance(schema, type) and issubclass(schema, base)):
            msg = (
                f"{game}.{attribute} lists {schema!r}: it takes {base.__name__} classes"
            )
            raise ConfigError(msg)
    names = [schema.__name__ for schema in schemas]
    if len(set(names)) < len(names) or len(names) > MAX_SCHEMAS:
        msg = f"{game}.{attribute} lists {names}: at most {MAX_SCHEMAS}, each once"
        raise ConfigError(msg)
    return tuple(schemas)
