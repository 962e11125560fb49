# SPDX-License-Identifier: MIT
"""The kinds of identifier, so that a type checker tells them apart."""

from __future__ import annotations

from typing import NewType

__all__ = ["ChannelId", "MessageId", "PlayerId"]

ChannelId = NewType("ChannelId", int)
"""A channel of a connection, 0 to 31."""

MessageId = NewType("MessageId", int)
"""A message sent on one connection, counted from 1, never reused there."""

PlayerId = NewType("PlayerId", int)
"""A player of one server, counted from 1, never reused there; 0 is nobody."""
