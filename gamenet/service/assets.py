# SPDX-License-Identifier: MIT
"""Serve folders of files to browsers: the game's page, and gamenet's own modules.

Files are asked for anew each time (`no-cache`), which costs a request that is answered
by 304: who edits a game sees the edit on reload. Only what has its content in its name
may be kept without asking.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from twisted.web.error import UnsupportedMethod
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource

from gamenet.service.answers import NotFoundPage, refuse_method

with warnings.catch_warnings():
    # Twisted's module uses, when it is imported, what Twisted has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from twisted.web.static import File

__all__ = ["Folder", "Script"]

# The system's own table of types differs from machine to machine, and a browser runs
# no module whose type is wrong.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".glb": "model/gltf-binary",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ts": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_PRIVATE_SUFFIXES = (b".py", b".pyc", b".pem", b".key")


class Folder(File):
    """The files beneath a folder; no listing, nothing hidden, nothing above it.

    Args:
        path: the folder; `index.html` answers for it.
    """

    contentTypes = _TYPES
    indexNames = ["index.html"]
    childNotFound: Any = NotFoundPage()

    def __init__(self, path: str | Path, *_: Any, **__: Any) -> None:
        super().__init__(str(path), defaultType="application/octet-stream")

    def getChild(self, path: bytes, request: IRequest) -> Any:
        """Return what a segment of the address names, if it may be seen."""
        hidden = path.startswith(b".") or path.lower().endswith(_PRIVATE_SUFFIXES)
        if hidden or b"\0" in path or not _is_text(path):
            return self.childNotFound
        return super().getChild(path, request)

    def directoryListing(self) -> Any:
        """Answer for a folder without index."""
        return self.childNotFound

    def render_GET(self, request: Any) -> Any:
        """Send the file, or 304 if the browser has it."""
        self.restat(reraise=False)
        if self.isfile():
            request.setHeader(b"cache-control", b"no-cache")
            changed = int(Path(self.path).stat().st_mtime_ns)
            if request.setETag(b'"%x-%x"' % (changed, self.getsize())):
                return b""
        return super().render_GET(request)

    render_HEAD = render_GET

    def render(self, request: Any) -> Any:
        """Render by the request's method; a file can only be got."""
        try:
            return super().render(request)
        except UnsupportedMethod:
            return refuse_method(request, "GET")


def _is_text(path: bytes) -> bool:
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True


class Script(Resource):
    """A JavaScript module that was made, not read from a file.

    Args:
        text: the source.
        immutable: whether its address changes whenever the text does.
    """

    isLeaf = True

    def __init__(self, text: str, immutable: bool = False) -> None:
        super().__init__()
        self._content = text.encode()
        self._caching = (
            b"public, max-age=31536000, immutable" if immutable else b"no-cache"
        )

    def render_GET(self, request: Any) -> bytes:
        """Send the module."""
        request.setHeader(b"content-type", _TYPES[".js"].encode())
        request.setHeader(b"cache-control", self._caching)
        return self._content
