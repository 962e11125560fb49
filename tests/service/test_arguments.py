# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.arguments."""

from __future__ import annotations

import argparse
import io
import sys
from contextlib import redirect_stdout

from twisted.trial.unittest import SynchronousTestCase

from gamenet.service.arguments import hexadecimal, number, say, whole


class ReadTests(SynchronousTestCase):
    """Words become values, or a complaint in words."""

    def test_whole(self) -> None:
        """A whole number may be written in base 16."""
        read = whole(-1, 255)
        found = [read(text) for text in ("-1", "0", "255", "0xff", "0XFF")]
        self.assertEqual(found, [-1, 0, 255, 255, 255])
        for text in ("-2", "256", "0x100", "1.0", "ff", "", "0x"):
            with self.assertRaises(argparse.ArgumentTypeError) as caught:
                read(text)
            self.assertIn(f"{text!r} is no whole number", str(caught.exception))

    def test_number(self) -> None:
        """A number has its lower limit outside of its range, the upper one inside."""
        read = number("seconds", 0, 10)
        self.assertEqual(
            [read(text) for text in ("0.5", "10", "1e-3")], [0.5, 10, 1e-3]
        )
        for text in ("0", "-1", "10.1", "nan", "inf", "x"):
            with self.assertRaises(argparse.ArgumentTypeError):
                read(text)

    def test_hexadecimal(self) -> None:
        """Bytes are bounded; a complaint does not repeat them."""
        read = hexadecimal(2)
        self.assertEqual([read("00ff"), read("")], [b"\x00\xff", b""])
        for text in ("abc", "zz", "aabbcc"):
            with self.assertRaises(argparse.ArgumentTypeError) as caught:
                read(text)
            self.assertNotIn(text, str(caught.exception))


class SayTests(SynchronousTestCase):
    """Lines are printed in whatever characters there are."""

    def test_say(self) -> None:
        """A terminal without the characters of bars shows others."""
        for encoding, printed in (("utf-8", "▁█ ok\n"), ("ascii", "?? ok\n")):
            raw = io.BytesIO()
            with redirect_stdout(io.TextIOWrapper(raw, encoding, newline="\n")):
                say("▁█ ok")
                text = raw.getvalue().decode(encoding)
                self.assertEqual(text, printed)
                sys.stdout.detach()
