# SPDX-License-Identifier: MIT
"""Run a JavaScript program of the tests beside the modules of gamenet/browser.

A program is a module with a function `run(argument)`, which may return a promise;
argument and answer are JSON, in which numbers that JSON lacks, and bytes, are marked
(`marked` and its counterpart in programs/values.js). It runs in Node where that is
installed and in Chromium otherwise, so that a machine with either one is enough.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import SkipTest
from urllib.parse import unquote

from tests.requirements import chromium_path, node_path

BROWSER = Path(__file__).parent.parent.parent / "gamenet" / "browser"
PROGRAMS = Path(__file__).parent / "programs"
MAX_SAFE = (1 << 53) - 1

MAIN = """\
import { argument } from "./argument.js";
import { run } from "./%s";
let result;
try {
  result = { answer: await run(argument) };
} catch (error) {
  result = { error: error.stack };
}
const answer = JSON.stringify(result);
if (globalThis.document) document.body.textContent = encodeURIComponent(answer);
else console.log(answer);
"""
PAGE = (
    '<!doctype html><meta charset="utf-8"><script type="module" src="main.js"></script>'
)
CHROMIUM_SWITCHES = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
DUMP = ("--allow-file-access-from-files --virtual-time-budget=10000 --dump-dom").split()


def run_program(
    program: str,
    argument: Any,
    *,
    protocol: str = "",
    modules: Iterable[Path] = (),
    engine: str | None = None,
) -> Any:
    """Return what a program of tests/browser/programs answers.

    Args:
        program: its file name.
        argument: a JSON value.
        protocol: the generated codec, which it imports as "./protocol.js".
        modules: more of them, of a page, which it imports from beside it.
        engine: "node" or "chromium"; None for the first one that is installed.
    """
    with TemporaryDirectory() as name:
        folder = _gathered(name, protocol)
        for module in modules:
            shutil.copy(module, folder)
        source = f"export const argument = {json.dumps(argument)};\n"
        (folder / "argument.js").write_text(source, encoding="utf-8")
        (folder / "main.js").write_text(MAIN % program, encoding="utf-8")
        result = json.loads(_engine(engine)(folder))
    if "error" in result:
        raise AssertionError(f"{program} failed: {result['error']}")
    return result["answer"]


class NodeProgram:
    """A program in Node that is asked again and again, and remembers.

    Args:
        program: a file of tests/browser/programs; it answers each line of JSON by one.
        protocol: the generated codec, which it imports as "./protocol.js".
    """

    def __init__(self, program: str, protocol: str = "") -> None:
        node = node_path()
        self._folder = TemporaryDirectory()
        folder = _gathered(self._folder.name, protocol)
        self._process = subprocess.Popen(
            [node, str(folder / program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: Any) -> Any:
        """Return the answer to a question, both JSON."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(question), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise AssertionError(f"the program ended with {self._process.wait()}")
        return json.loads(answer)

    def end(self) -> None:
        """End the program; what it wrote on standard error was seen there."""
        self._process.communicate(timeout=30)
        self._folder.cleanup()


def _gathered(name: str, protocol: str) -> Path:
    """Put all modules into a folder, for Node to take as such."""
    folder = Path(name)
    for source in (*BROWSER.glob("*.js"), *PROGRAMS.glob("*.js")):
        shutil.copy(source, folder)
    (folder / "protocol.js").write_text(protocol, encoding="utf-8")
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    return folder


def _engine(wanted: str | None) -> Any:
    if wanted == "chromium":
        return _in_chromium(chromium_path())
    try:
        return _in_node(node_path())
    except SkipTest:
        if wanted == "node":
            raise
        return _in_chromium(chromium_path())


def _in_node(path: str) -> Any:
    def run(folder: Path) -> str:
        return _output([path, str(folder / "main.js")])

    return run


def _in_chromium(path: str) -> Any:
    def run(folder: Path) -> str:
        (folder / "index.html").write_text(PAGE, encoding="utf-8")
        profile = f"--user-data-dir={folder / 'profile'}"
        page = (folder / "index.html").as_uri()
        output = _output([path, *CHROMIUM_SWITCHES, *DUMP, profile, page])
        found = re.search(r"<body>(.*)</body>", output, re.DOTALL)
        if found is None or not found[1].strip():
            raise AssertionError(f"the program did not answer: {output}")
        return unquote(found[1].strip())

    return run


def _output(command: list[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise AssertionError(f"{command[0]} failed: {done.stderr[-4000:]}")
    return done.stdout


def marked(value: Any) -> Any:
    """Return a Python value as JSON that programs/values.js understands."""
    if isinstance(value, bytes | bytearray | memoryview):
        return {"$bytes": bytes(value).hex()}
    if isinstance(value, bool):
        return {"$flag": value}  # for Python True equals 1
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= MAX_SAFE else {"$integer": str(int(value))}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, list | tuple):
        return [marked(item) for item in value]
    if isinstance(value, dict):
        return {key: marked(item) for key, item in value.items()}
    if hasattr(value, "schema_fields"):
        return {f.name: marked(getattr(value, f.name)) for f in value.schema_fields}
    if hasattr(value, "value"):
        return marked(value.value)
    raise TypeError(f"{value!r} has no JSON form")
