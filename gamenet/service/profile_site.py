# SPDX-License-Identifier: MIT
"""The address at which a running server is profiled: an answer that takes its time."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure
from twisted.web.server import NOT_DONE_YET

from gamenet.errors import LocalProtocolError
from gamenet.service.answers import JsonAnswer, answer
from gamenet.service.inspect_access import InspectDesk
from gamenet.service.profile_run import ProfileRun

__all__ = ["ProfileAnswer"]

_DEFAULT = b"5"
_FORM = "allowed: ?seconds=S, a number, and &memory=1"


class ProfileAnswer(JsonAnswer):
    """Where the ticks of a server spend their time.

    Args:
        profile: makes profiles, one at a time.
        desk: decides who may ask.
    """

    def __init__(self, profile: ProfileRun, desk: InspectDesk) -> None:
        super().__init__()
        self._profile = profile
        self._desk = desk

    def render_GET(self, request: Any) -> Any:
        """Answer when the seconds are over."""
        refusal = self._desk.refusal(request)
        if refusal is not None:
            return refusal
        memory = request.args.get(b"memory", [b"0"])[0]
        try:
            seconds = float(request.args.get(b"seconds", [_DEFAULT])[0])
        except ValueError:
            return answer(request, {"error": f"how long? {_FORM}"}, 400)
        if memory not in (b"0", b"1"):
            return answer(request, {"error": f"memory or not? {_FORM}"}, 400)
        try:
            result = self._profile.start(seconds, has_lines=memory == b"1")
        except LocalProtocolError as error:
            return answer(request, {"error": str(error)}, 409)
        # Who does not wait for the answer should not keep others from theirs.
        request.notifyFinish().addErrback(lambda _: result.cancel())
        result.addCallback(_send, request)
        result.addErrback(_given_up)
        return NOT_DONE_YET


def _send(figures: dict[str, Any], request: Any) -> None:
    body = answer(request, figures)
    request.setHeader(b"content-length", str(len(body)).encode())
    request.write(body)
    request.finish()


def _given_up(failure: Failure) -> None:
    failure.trap(CancelledError)
