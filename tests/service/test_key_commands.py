# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.key_commands."""

from __future__ import annotations

import os
import socket
import stat
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace

from gamenet.connection import ConnectToken, Door, Pass, ServerAddress
from gamenet.service import key_commands
from tests.service.test_command import CommandCase

KEY = "ab" * 32
NOW = 1_790_000_000
"""Unix time."""


class KeygenTests(CommandCase):
    """gamenet keygen."""

    def test_printed(self) -> None:
        """A key is 64 hexadecimal digits, another one each time."""
        keys = set()
        for _ in range(3):
            self.assertEqual(self.command("keygen"), 0)
            self.assertRegex(self.out, r"\A[0-9a-f]{64}\n\Z")
            keys.add(self.out)
        self.assertEqual(len(keys), 3)

    def test_file(self) -> None:
        """A file is for nobody else to read, and the output says how to use it."""
        name = self.mktemp()
        self.assertEqual(self.command("keygen", "--out", name), 0)
        self.assertRegex(Path(name).read_text(), r"\A[0-9a-f]{64}\n\Z")
        self.assertEqual(stat.S_IMODE(Path(name).stat().st_mode), 0o600)
        self.assertIn(f"GAMENET_KEY=$(cat {name}) twistd", self.out)
        self.assertNotIn(Path(name).read_text().strip(), self.out)

    def test_not_replaced(self) -> None:
        """A file that is there is never written over."""
        name = self.mktemp()
        Path(name).write_text("precious")
        self.assertEqual(self.command("keygen", "--out", name), 1)
        self.assertEqual(
            self.err,
            f"gamenet keygen: --out {name}: exists already, and a key is never written "
            "over; remove the file or choose another name\n",
        )
        self.assertEqual(Path(name).read_text(), "precious")

    def test_no_folder(self) -> None:
        """A place where no file can be is one line."""
        name = f"{self.mktemp()}/key"
        self.assertEqual(self.command("keygen", "--out", name), 1)
        self.assertEqual(
            self.err, f"gamenet keygen: --out {name}: No such file or directory\n"
        )


class TokenTests(CommandCase):
    """gamenet token."""

    def setUp(self) -> None:
        self.patch(os, "environ", {})
        self.patch(key_commands, "time", SimpleNamespace(time=lambda: NOW))

    def issue(self, *words: str, key: str = KEY) -> int:
        """Issue a token for player 7, with further options."""
        given = ("--key", key) if key else ()
        return self.command("token", *given, "--client-id", "7", *words)

    def opened(self, token: bytes, protocol_id: int = 1) -> Pass:
        """Return what the server reads in a token."""
        door = Door(
            key=bytes.fromhex(KEY),
            protocol_id=protocol_id,
            protocol_hash=bytes(8),
            summary="",
            addresses=lambda: [ServerAddress("0.0.0.0", 7777)],
            unix_time=lambda: NOW,
            random_bytes=os.urandom,
            max_clients=1,
        )
        found = door.open(ConnectToken.decode(token).request())
        assert isinstance(found, Pass), found
        return found

    def test_printed(self) -> None:
        """The output is the token in base64, which the server takes."""
        self.assertEqual(self.issue("--server", "192.0.2.7:7777"), 0)
        token = b64decode(self.out)
        self.assertEqual((len(token), self.out.count("\n")), (2048, 1))
        found = self.opened(token)
        self.assertEqual((found.client_id, found.user_data), (7, b""))
        self.assertEqual(found.addresses, (ServerAddress("192.0.2.7", 7777),))
        self.assertEqual(found.timeout, 5)
        self.assertEqual(found.expires, NOW + 30)

    def test_everything(self) -> None:
        """Every option is in the token, which a file holds as its bytes."""
        name = self.mktemp()
        words = (
            *("--server", "192.0.2.7:7777", "--server", "[2001:db8::1]:7778"),
            *("--protocol-id", "0x1122334455667788", "--timeout", "-1"),
            *("--expire", "300", "--user-data", "616461", "--out", name),
        )
        self.assertEqual(self.issue(*words), 0)
        self.assertEqual((self.out, self.err), ("", ""))
        token = Path(name).read_bytes()
        self.assertEqual(len(token), 2048)
        found = self.opened(token, 0x1122334455667788)
        self.assertEqual((found.timeout, found.user_data), (-1, b"ada"))
        self.assertEqual(found.addresses[1], ServerAddress("2001:db8::1", 7778))
        self.assertEqual(found.expires, NOW + 300)

    def test_file(self) -> None:
        """A token's file is for nobody else to read, and may be written again."""
        name = self.mktemp()
        Path(name).write_bytes(b"x" * 5000)
        Path(name).chmod(0o644)
        self.issue("--server", "192.0.2.7:7777", "--out", name)
        self.assertEqual(Path(name).stat().st_size, 2048)
        self.assertEqual(stat.S_IMODE(Path(name).stat().st_mode), 0o600)

    def test_environment(self) -> None:
        """The key may come from the environment; there has to be one."""
        words = ("--server", "192.0.2.7:7777")
        self.assertEqual(self.issue(*words, key=""), 1)
        self.assertEqual(
            self.err,
            "gamenet token: the server's key is needed: give --key HEX, or set "
            "GAMENET_KEY; gamenet keygen makes one\n",
        )
        os.environ["GAMENET_KEY"] = KEY
        self.assertEqual(self.issue(*words, key=""), 0)
        self.assertEqual(self.opened(b64decode(self.out)).client_id, 7)
        os.environ["GAMENET_KEY"] = "hush"
        self.assertEqual(self.issue(*words, key=""), 1)
        self.assertIn("GAMENET_KEY is not understood: it has 4 characters", self.err)
        self.assertNotIn("hush", self.err)

    def test_names(self) -> None:
        """A name is resolved, to an address of IPv4 where there is one."""
        four = (socket.AF_INET, 2, 0, "", ("192.0.2.9", 7777))
        six = (socket.AF_INET6, 2, 0, "", ("2001:db8::9", 7777, 0, 0))
        for answer, host in (([six, four], "192.0.2.9"), ([six], "2001:db8::9")):
            self.patch(
                key_commands.socket, "getaddrinfo", lambda *_, a=answer, **__: [*a]
            )
            self.assertEqual(self.issue("--server", "game.example.com:7777"), 0)
            token = ConnectToken.decode(b64decode(self.out))
            self.assertEqual(token.addresses, (ServerAddress(host, 7777),))

    def test_unknown_name(self) -> None:
        """A name that nobody knows is one line."""

        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(-2, "Name or service not known")

        self.patch(key_commands.socket, "getaddrinfo", unknown)
        self.assertEqual(self.issue("--server", "nowhere.example:1"), 1)
        self.assertEqual(
            self.err,
            "gamenet token: --server: no address is known for the host "
            "'nowhere.example': Name or service not known\n",
        )

    def test_wrong_values(self) -> None:
        """What is out of range is one line that names the option, and no key."""
        server = ("--server", "192.0.2.7:7777")
        for words, text in (
            (("--server", "192.0.2.7"), "--server"),
            (("--server", "192.0.2.7:0"), "--server"),
            (("--server", ":7777"), "--server"),
            ((*server, "--client-id", "-1"), "--client-id"),
            ((*server, "--client-id", str(2**64)), "--client-id"),
            ((*server, "--protocol-id", "x"), "--protocol-id"),
            ((*server, "--expire", "0"), "--expire"),
            ((*server, "--timeout", "1.5"), "--timeout"),
            ((*server, "--user-data", "xyz"), "--user-data"),
            ((*server, "--user-data", "00" * 257), "--user-data"),
            (server * 33, "1 to 32 servers"),
            ((), "--server"),
        ):
            self.assertEqual(self.issue(*words), 1, words)
            self.assertEqual((self.out, self.err.count("\n")), ("", 1), words)
            self.assertTrue(self.err.startswith("gamenet token: "))
            self.assertIn(text, self.err)

    def test_wrong_key(self) -> None:
        """A key that is none is one line that does not repeat it."""
        for key in ("hush", "hu" * 32, KEY + "hush"):
            self.assertEqual(self.issue("--server", "192.0.2.7:1", key=key), 1)
            self.assertEqual(self.err.count("\n"), 1)
            self.assertIn("64 hexadecimal digits", self.err)
            self.assertNotIn("hu", self.err.replace("characters", ""))
