# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.config and gamenet.service.reading."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.service.config import ServerConfig, load
from gamenet.service.keys import Key, keys_of

KEYS = {key.name: key for key in keys_of(ServerConfig)}
EXAMPLES: dict[str, Any] = {
    "game": "examples.arena:Arena",
    "listen": ["udp:0:interface=127.0.0.1", "ws:8081"],
    "name": "Näme",
    "public_host": "play.example.com",
    "key": "0123456789abcdefABCDEF" + "0" * 42,
    "connect_secret": "correct-horse-battery==",
    "impair": "latency=80ms loss=5%",
    "log_format": "json",
    "limits.allowed_origins": ["https://example.com"],
    "connection.nagle": 0.01,
    "record": "match.rec",
}
"""A value for each key that is not a number; numbers are given twice their default."""
TABLE = (
    "connection.timeout, connection.resume_window, connection.heartbeat, "
    "connection.bandwidth, connection.max_packet_size, connection.nagle"
)


def example(key: Key) -> Any:
    """Return a legal value of a key that is not its default."""
    if key.name in EXAMPLES:
        return EXAMPLES[key.name]
    return key.default * 2 if key.default else 7


def held(config: ServerConfig, name: str) -> Any:
    """Return the value that a configuration holds for a dotted key."""
    value: Any = config
    for part in name.split("."):
        value = getattr(value, part)
    return value


class FileCase(SynchronousTestCase):
    """A case that writes configuration files."""

    def write(self, text: str, suffix: str = ".toml") -> Path:
        """Return a file with a text in it."""
        path = Path(self.mktemp()).with_suffix(suffix)
        path.write_text(text, encoding="utf-8")
        return path

    def complaints(
        self, text: str, suffix: str = ".toml", **overrides: Any
    ) -> list[str]:
        """Return what is wrong with a text, without the file's name before it."""
        path = self.write(text, suffix)
        error = self.assertRaises(ConfigError, load, path, overrides)
        return [line.removeprefix(f"{path}: ") for line in str(error).split("\n")]


class LoadTests(FileCase):
    """What is right is taken, from the file and from the command line over it."""

    def test_defaults(self) -> None:
        """Without file and overrides, everything has its default."""
        self.assertEqual(load(), ServerConfig())
        self.assertEqual(load().listen, ("udp:7777", "tcp:7778", "ws:8080"))

    def test_every_key_in_toml(self) -> None:
        """Every key that is documented can be set in a TOML file."""
        for name, key in KEYS.items():
            value = example(key)
            config = load(self.write(f"{name} = {json.dumps(value)}\n"))
            expected = tuple(value) if isinstance(value, list) else value
            self.assertEqual(held(config, name), expected, name)

    def test_every_key_in_json(self) -> None:
        """Every key can be set in a JSON file, those of tables in a nested object."""
        for name, key in KEYS.items():
            table, _, last = name.rpartition(".")
            value = example(key)
            content = {last: value}
            text = json.dumps({table: content} if table else content)
            expected = tuple(value) if isinstance(value, list) else value
            config = load(self.write(text, ".json"))
            self.assertEqual(held(config, name), expected, name)

    def test_every_key_as_text(self) -> None:
        """Every key can be set by a text of the command line."""
        for name, key in KEYS.items():
            value = example(key)
            given_value = value if isinstance(value, list) else str(value)
            expected = tuple(value) if isinstance(value, list) else value
            self.assertEqual(held(load(None, {name: given_value}), name), expected)

    def test_table(self) -> None:
        """A TOML table sets the keys of its name, and leaves the others alone."""
        config = load(self.write("bots = 2\n[limits]\nmax_connections = 5\n"))
        self.assertEqual((config.bots, config.limits.max_connections), (2, 5))
        default = ServerConfig().limits.max_per_address
        self.assertEqual(config.limits.max_per_address, default)

    def test_overrides(self) -> None:
        """The command line holds where both name a key."""
        path = self.write("bots = 2\nname = 'file'\n")
        config = load(path, {"bots": "3"})
        self.assertEqual((config.bots, config.name), (3, "file"))

    def test_environment(self) -> None:
        """A variable holds over the file, and the command line over both."""
        path = self.write(f'key = "{"1" * 64}"\nbots = 2\n')
        variables = {"GAMENET_KEY": "2" * 64, "HOME": "/root", "bots": "9"}
        config = load(path, None, variables)
        self.assertEqual((config.key, config.bots), ("2" * 64, 2))
        self.assertEqual(load(path, {"key": "3" * 64}, variables).key, "3" * 64)
        self.assertEqual(load(path, None, {"GAMENET_KEY": ""}).key, "1" * 64)
        secret = {"GAMENET_CONNECT_SECRET": "correct-horse-battery"}
        self.assertEqual(load(path, None, secret).connect_secret, secret.popitem()[1])

    def test_wrong_environment(self) -> None:
        """A variable that is wrong is named; its value is not shown."""
        error = self.assertRaises(
            ConfigError, load, None, None, {"GAMENET_KEY": "hush"}
        )
        self.assertEqual(
            str(error),
            "GAMENET_KEY is not understood: it has 4 characters; gamenet keygen makes "
            "a key; allowed: 64 hexadecimal digits",
        )

    def test_hexadecimal(self) -> None:
        """A number may be given in base 16, as protocol ids often are."""
        for text in ("0x1122334455667788", "0X1122334455667788", "1234605616436508552"):
            config = load(None, {"protocol_id": text})
            self.assertEqual(config.protocol_id, 0x1122334455667788)
        config = load(self.write("protocol_id = 0x1122334455667788\n"))
        self.assertEqual(config.protocol_id, 0x1122334455667788)
        for text in ("0x", "0xg", "x1", "1122h"):
            self.assertRaises(ConfigError, load, None, {"protocol_id": text})

    def test_modes(self) -> None:
        """Without key and secret, everybody gets a token."""
        key, secret = "0" * 64, "correct-horse-battery"
        self.assertTrue(load().is_open)
        self.assertIsNone(load().key_bytes)
        self.assertFalse(load(None, {"connect_secret": secret}).is_open)
        self.assertFalse(load(None, {"key": key}).is_open)
        self.assertEqual(load(None, {"key": key}).key_bytes, bytes(32))

    def test_null(self) -> None:
        """Null in JSON is the absence of an optional value."""
        self.assertIsNone(load(self.write('{"seed": null}', ".json")).seed)

    def test_frozen(self) -> None:
        """A configuration does not change while the server runs."""
        with self.assertRaises(dataclasses.FrozenInstanceError):
            load().bots = 3  # type: ignore[misc]

    @given(st.integers(0, 64), st.integers(0, 2**64 - 1), st.text(max_size=64))
    def test_round_trip(self, bots: int, seed: int, name: str) -> None:
        """Any legal values come back out of a JSON file as they went in."""
        values = {"bots": bots, "seed": seed, "name": name}
        config = load(self.write(json.dumps(values), ".json"))
        self.assertEqual((config.bots, config.seed, config.name), (bots, seed, name))

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from([*KEYS, "limits", "x"]), inner)
            ),
            max_leaves=8,
        )
    )
    def test_anything(self, value: Any) -> None:
        """Any JSON is a configuration or an error that names the file."""
        path = self.write(json.dumps(value), ".json")
        try:
            self.assertIsInstance(load(path), ServerConfig)
        except ConfigError as error:
            for line in str(error).split("\n"):
                self.assertTrue(line.startswith(f"{path}: "), line)


class ComplaintTests(FileCase):
    """What is wrong is named: file, key, value, and what is allowed."""

    def test_whole_line(self) -> None:
        """A complaint names all four, the file first."""
        path = self.write("bots = -1")
        error = self.assertRaises(ConfigError, load, path)
        self.assertEqual(
            str(error),
            f"{path}: bots = -1 is out of range; allowed: an integer, 0 to 1000",
        )

    def test_command_line(self) -> None:
        """For a value of the command line, the option stands for the file."""
        error = self.assertRaises(ConfigError, load, None, {"max_players": "many"})
        self.assertEqual(
            str(error),
            "--max-players many is not an integer; allowed: an integer, 1 to 65535",
        )

    def test_unknown(self) -> None:
        """An unknown key is answered by the nearest one."""
        self.assertEqual(
            self.complaints("max_playrs = 3"),
            ["unknown key max_playrs = 3; did you mean max_players?"],
        )

    def test_unknown_spelling(self) -> None:
        """The spelling of the option is known in the file."""
        self.assertIn("did you mean max_players?", *self.complaints("max-players = 3"))

    def test_unknown_place(self) -> None:
        """A key of a table that stands outside of it is found."""
        self.assertIn(
            "did you mean limits.max_per_address?",
            *self.complaints("max_per_adress = 3"),
        )

    def test_unknown_altogether(self) -> None:
        """Where nothing is near, the keys that exist are listed."""
        (line,) = self.complaints("[connection]\nzzz = 1")
        self.assertEqual(
            line,
            f"unknown key connection.zzz = 1; allowed: {TABLE}",
        )

    def test_unknown_set(self) -> None:
        """An unknown key of the command line is answered likewise."""
        error = self.assertRaises(ConfigError, load, None, {"limits.max_conn": "3"})
        self.assertIn("--set unknown key limits.max_conn", str(error))
        self.assertIn("did you mean limits.max_connections?", str(error))

    def test_table_expected(self) -> None:
        """A value in the place of a table is answered by the table's keys."""
        (line,) = self.complaints("connection = 3")
        self.assertEqual(
            line,
            f"connection = 3 is no table; allowed: {TABLE}",
        )

    def test_table_unexpected(self) -> None:
        """A table in the place of a value is a wrong type."""
        (line,) = self.complaints("[bots]\nx = 1")
        self.assertIn("is a table; allowed: an integer", line)

    def test_types(self) -> None:
        """A wrong type is said to be one; a boolean is no integer."""
        for text, complaint in (
            ('bots = "8"', 'bots = "8" is a string'),
            ("bots = true", "bots = true is a boolean"),
            ("bots = 1.0", "bots = 1.0 is a number"),
            ("name = 1", "name = 1 is an integer"),
            ('listen = "udp:1"', 'listen = "udp:1" is a string'),
            ("listen = [1]", "listen = [1] holds an integer at position 0"),
            ("seed = 1979-05-27", 'seed = "1979-05-27" is a date'),
            ("limits.max_frame = true", "limits.max_frame = true is a boolean"),
        ):
            (line,) = self.complaints(text)
            self.assertTrue(line.startswith(complaint + "; allowed: "), line)

    def test_ranges(self) -> None:
        """A value out of its range is said to be out of it."""
        for text in (
            "bots = 1001",
            "seed = -1",
            "max_players = 0",
            "tick_rate = 0",
            "tick_rate = 1000.0",
            "tick_rate = nan",
            "limits.max_connections = 0",
            "limits.handshake_timeout = inf",
            "connection.timeout = 0.1",
            "connection.resume_window = -1",
            "connection.bandwidth = -1",
            "connection.max_packet_size = 1199",
            "connection.nagle = 1.1",
            "limits.bandwidth = 0",
            f"protocol_id = {2**64}",
        ):
            (line,) = self.complaints(text)
            self.assertIn("is out of range; allowed: ", line)

    def test_forms(self) -> None:
        """A text that cannot be what it stands for is refused at once."""
        for text, complaint in (
            ('game = "arena"', "a game is written module:Class"),
            ('public_host = "http://a"', "a host is a name or an address"),
            ('public_host = "a:80"', "a host is a name or an address"),
            ('log_format = "xml"', "allowed: one of text, json"),
            ('listen = ["upd:7777"]', 'holds "upd:7777"'),
            ('listen = ["udp:70000"]', "70000"),
            ('listen = ["memory:x"]', "memory"),
            ("listen = []", "has 0 items"),
            ('impair = "lag=1"', "lag"),
            (f'key = "{"0" * 63}"', "it has 63 characters; gamenet keygen makes"),
            (f'key = "{"g" * 64}"', "it has other characters"),
            ('connect_secret = "short"', "16 to 255 letters, digits and - . _ ~ + /"),
            ('connect_secret = "has a space in it"', "it is sent in a header"),
            ('limits.allowed_origins = ["example.com"]', "https://"),
        ):
            (line,) = self.complaints(text)
            self.assertIn(complaint, line)

    def test_hosts(self) -> None:
        """A host is a name or an address of either family."""
        for host in ("play.example.com", "127.0.0.1", "::1", "2001:db8::2", "a"):
            self.assertEqual(load(None, {"public_host": host}).public_host, host)

    def test_secrets(self) -> None:
        """What is secret is in no complaint, whatever is wrong with it."""
        secret = "hush" * 15 + "x"
        for text in (
            f'key = "{secret}"',
            f'connect_secret = "{secret} {secret}"',
            f'keys = "{secret}"',
            f'connect-secret = "{secret}"',
            f'conect_secret = "{secret}"',
            f'[connect_secret]\nvalue = "{secret}"',
        ):
            (line,) = self.complaints(text)
            self.assertNotIn("hush", line)
            self.assertIn("(hidden)", line)
        error = self.assertRaises(ConfigError, load, None, {"key": secret})
        self.assertEqual(
            str(error),
            "--key (hidden) is not understood: it has 61 characters; gamenet keygen "
            "makes a key; allowed: 64 hexadecimal digits",
        )
        config = load(None, {"key": "0" * 64, "connect_secret": secret})
        self.assertNotIn("hush", repr(config))
        self.assertNotIn("0" * 64, repr(config))

    def test_contradictions(self) -> None:
        """Values that are right alone and wrong together are found."""
        for bots in (4, 5):
            (line,) = self.complaints(f"bots = {bots}\nmax_players = 4")
            self.assertEqual(
                line,
                f"bots = {bots} leaves no place for a person; allowed: less than "
                "max_players = 4",
            )
        (line,) = self.complaints("bots = 5\nlimits.max_per_address = 4")
        self.assertIn("is more than limits.max_per_address = 4", line)
        (line,) = self.complaints("[connection]\ntimeout = 1\nheartbeat = 0.6")
        self.assertIn("at most half of connection.timeout = 1", line)

    def test_beyond_a_connection(self) -> None:
        """What no connection could do is found by the check, not at the start."""
        (line,) = self.complaints("limits.handshake_timeout = 1000")
        self.assertIn("handshake_timeout = 1000", line)

    def test_all_at_once(self) -> None:
        """Everything that is wrong is reported, file and command line together."""
        lines = self.complaints("bots = -1\nnmae = 'x'\n[limits]\nx = 1\n", seed="a")
        self.assertEqual(len(lines), 4)


class FileTests(FileCase):
    """A file that cannot be read as one is named, with the reason."""

    def test_missing(self) -> None:
        """A file that is not there is an error of the system."""
        error = self.assertRaises(ConfigError, load, "no-such.toml")
        self.assertEqual(
            str(error), "no-such.toml: cannot be read: No such file or directory"
        )

    def test_suffix(self) -> None:
        """The suffix tells the format, so it has to be one of the two."""
        self.assertEqual(
            self.complaints("", ".yaml"),
            ["a configuration is a .toml or a .json file"],
        )

    def test_syntax(self) -> None:
        """A mistake of syntax comes with its line."""
        self.assertIn("line 1", *self.complaints("bots = x"))
        self.assertIn("line 1", *self.complaints('{"bots": }', ".json"))

    def test_twice(self) -> None:
        """A key that is given twice is refused in both formats."""
        self.assertIn("is not TOML", *self.complaints("bots = 1\nbots = 2"))
        self.assertEqual(
            self.complaints('{"bots": 1, "bots": 2}', ".json"),
            ["the key bots is given more than once"],
        )

    def test_outermost(self) -> None:
        """A JSON file holds an object."""
        self.assertEqual(
            self.complaints("[1]", ".json"), ["is [1], not an object of keys"]
        )

    def test_encoding(self) -> None:
        """A file in another encoding than UTF-8 is refused."""
        path = self.write("")
        path.write_bytes(b'name = "\xff"')
        error = self.assertRaises(ConfigError, load, path)
        self.assertIn("is not UTF-8 text", str(error))

    def test_depth(self) -> None:
        """A file that nests without end is no configuration, and no crash."""
        self.assertIn("is not JSON", *self.complaints("[" * 100_000, ".json"))
