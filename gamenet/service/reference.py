# SPDX-License-Identifier: MIT
"""Write the reference page of the configuration from the record that holds it."""

from __future__ import annotations

import ast
import inspect
import textwrap
import typing
from itertools import pairwise

from gamenet.service.config import ConnectionTable, ServerConfig
from gamenet.service.keys import Key, keys_of, show
from gamenet.transport import Limits

__all__ = ["configuration_table", "document_fields"]

_REFERENCE_HEAD = """\
# Configuration

A server is configured by a file, the command line, or both; where both name a key, the
command line holds. Secrets may stand in variables of the environment instead, which go
before the file. The file is TOML or JSON, told apart by its suffix:

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
    variable = f"- Variable: `{key.environment}`\n" if key.environment else ""
    return (
        f"\n### `{key.name}`\n\n{text}\n\n- Allowed: {key.allowed}\n"
        f"- Default: {default}\n- Option: `{key.option}{_metavariable(key)}`\n"
        f"{variable}"
    )


def _metavariable(key: Key) -> str:
    return "=VALUE" if "." in key.name else " VALUE"


def document_fields(cls: type) -> dict[str, str]:
    """Return the string beneath each field of a dataclass, on one line."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    body = typing.cast(ast.ClassDef, tree.body[0]).body
    found = {}
    for field, text in pairwise(body):
        if not (
            isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        ):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = " ".join(str(text.value.value).split())
    return found
