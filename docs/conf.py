# SPDX-License-Identifier: MIT
"""How Sphinx builds the documentation: MyST pages, docstrings by autodoc.

Docstrings are written for those who read the source: Google's sections, and code in
single backticks as in Markdown. Two hooks turn that into what Sphinx wants, and one
leaves a name that a package passes on to the page of the package where it lives.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from gamenet import __version__  # noqa: E402 - found by the line above

project = "gamenet"
author = "gamenet contributors"
copyright = f"2026, {author}"  # noqa: A001 - the name that Sphinx reads
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# benchmarks.md is a part of performance.md, not a page.
exclude_patterns = ["_build", "benchmarks.md"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# Fields documented beneath them are listed once, by autodoc.
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"gamenet {version}"

CODE = re.compile(r"(?<![`:])`([^`]+)`(?!`)")
EXAMPLE = re.compile(r"^(\s*)Example:$")


def from_markdown(
    app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Make code of single backticks, and a block of an example without prompts."""
    text = CODE.sub(r"``\1``", "\n".join(lines))
    lines[:] = text.split("\n")
    for i, line in enumerate(lines):
        example = EXAMPLE.match(line)
        if example and not lines[i + 1].lstrip().startswith(">>>"):
            lines[i : i + 1] = [f"{example[1]}Example::", ""]
            break


def skip_passed_on(
    app: Any, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Skip what a module offers but another package of gamenet defines."""
    page = app.env.current_document.docname.rpartition("/")[2]
    home = str(getattr(obj, "__module__", ""))
    if what != "module" or not home.startswith("gamenet.") or page == "root":
        return None
    return True if home.split(".")[1] != page else None


def setup(app: Any) -> None:
    """Connect the hooks, the first one ahead of napoleon's."""
    # Diagrams are pictures here; their text is for those who read the sources.
    app.add_lexer("mermaid", TextLexer)
    app.connect("autodoc-process-docstring", from_markdown, priority=400)
    app.connect("autodoc-skip-member", skip_passed_on)
