# SPDX-License-Identifier: MIT
"""What networks, messages and packets can be, for Hypothesis."""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from gamenet.transport import Impairment

seeds = st.integers(0, 2**32 - 1)

sizes = st.one_of(
    st.just(0),
    st.integers(1, 40),
    st.integers(1130, 1145),
    st.integers(2270, 2275),
    st.integers(0, 20000),
)
"""Of reliable messages: empty, small, at the edges of a piece and of two, large."""

small_sizes = st.one_of(st.just(0), st.integers(0, 64), st.integers(1130, 1136))
"""Of messages that fit a packet."""

impairments = st.builds(
    Impairment,
    latency=st.sampled_from([0.0, 0.001, 0.03, 0.2]),
    jitter=st.sampled_from([0.0, 0.005, 0.1]),
    loss=st.sampled_from([0.0, 0.1, 0.3]),
    burst=st.sampled_from([0.0, 4.0]),
    duplicate=st.sampled_from([0.0, 0.3, 1.0]),
    reorder=st.sampled_from([0.0, 0.2]),
    seed=seeds,
)
"""Everything that a datagram network does, up to 30 % loss."""

garbage = st.one_of(
    st.binary(max_size=64),
    st.builds(
        lambda prefix, rest: bytes((prefix,)) + rest, st.integers(0, 0xFF), st.binary()
    ),
    st.builds(bytes, st.sampled_from([0, 1, 16, 17, 18, 1078, 3000])),
)
"""Bytes that anybody may send."""

edits = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=4
)
"""Positions (modulo the length) and bytes to write there."""


def edited(packet: bytes, changes: list[tuple[int, int]], length: int) -> bytes:
    """Return a packet with some bytes changed, cut to a length."""
    changed = bytearray(packet)
    for at, value in changes:
        changed[at % len(changed)] = value
    return bytes(changed[: max(1, length % (len(changed) + 1))])


def payload(number: int, size: int) -> bytes:
    """Return a payload unlike any other of a test, unless it is very short."""
    return (b"%d:" % number + Random(number).randbytes(size))[:size]
