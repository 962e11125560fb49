# SPDX-License-Identifier: MIT
"""Write the reference page of the configuration from the record that holds it."""

from __future__ import annotations

from gamenet.service.config import ConnectionTable, ServerConfig
from gamenet.service.keys import Key, document_fields, keys_of, show
from gamenet.transport import Limits

__all__ = ["configuration_table"]

_REFERENCE_HEAD = """\
# Configuration

A server is configured by a file, the command line, or both; where both name a key, the
command line holds. The file is TOML or JSON, told apart by its suffix:

```toml
game = "examples.arena:Arena"
listen = ["udp:7777", "tcp:7778", "ws:8080"]
bots = 8

[limits]
max_per_address = 16
```

```console
$ gamenet check server.toml
$ twistd -n gamenet --config server.toml --bots 0 --set limits.max_per_address=4
```

Everything is checked before a port opens. An unknown key, a wrong type or a value out
of range is an error that names file, key, value and what is allowed.

This page is made from `gamenet.service.ServerConfig`.
"""


def configuration_table() -> str:
    """Return the reference of every key, as a Markdown page."""
    texts = {
        prefix + name: text
        for prefix, cls in _tables().items()
        for name, text in document_fields(cls).items()
    }
    parts = [_REFERENCE_HEAD]
    for prefix, title in (
        ("", "Server"),
        ("limits.", "`[limits]`"),
        ("connection.", "`[connection]`"),
    ):
        parts.append(f"\n## {title}\n")
        parts += [
            _entry(key, texts.get(key.name, ""))
            for key in keys_of(_tables()[prefix], prefix)
            if key.name.rpartition(".")[0] == prefix.rstrip(".")
        ]
    return "".join(parts)


def _tables() -> dict[str, type]:
    return {"": ServerConfig, "limits.": Limits, "connection.": ConnectionTable}


def _entry(key: Key, text: str) -> str:
    default = f"`{show(key.default)}`" if key.default is not None else "none"
    return (
        f"\n### `{key.name}`\n\n{text}\n\n- Allowed: {key.allowed}\n"
        f"- Default: {default}\n- Option: `{key.option}{_metavariable(key)}`\n"
    )


def _metavariable(key: Key) -> str:
    return "=VALUE" if "." in key.name else " VALUE"
