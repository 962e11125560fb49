# SPDX-License-Identifier: MIT
"""A package's `__init__` is its public face: a docstring, imports, a sorted `__all__`.

Nothing is defined there, so that a name has one home and a reader finds it by following
the import; every name that is offered exists and says what it is for.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from enum import Enum
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

PACKAGE = Path(__file__).parent.parent / "gamenet"


def packages() -> list[Path]:
    """Return the `__init__` of every package of gamenet."""
    return sorted(PACKAGE.rglob("__init__.py"))


def dotted(path: Path) -> str:
    """Return the name of the package of an `__init__`."""
    return ".".join(path.parent.relative_to(PACKAGE.parent).parts)


def assigns(node: ast.stmt, name: str) -> bool:
    """Tell whether a statement is a plain assignment of a literal to `name`."""
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant | ast.List)
        and [ast.unparse(target) for target in node.targets] == [name]
    )


def order(name: str) -> tuple[object, ...]:
    """Return the sort key of a name: CONSTANTS, then Classes, then functions.

    Numbers within names count as numbers, so that `int8` comes before `int16`; the rule
    RUF022 of ruff sorts in the same way, and can do it by itself.
    """
    is_constant = name.isupper() and len(name) > 1
    kind = 0 if is_constant else 1 if name[0].isupper() else 2
    parts = re.findall(r"\d+|\D+", name)
    return kind, *[
        (part.isdigit(), part.zfill(20) if part.isdigit() else part) for part in parts
    ]


def face_violations(source: str, allowed: tuple[str, ...] = ()) -> list[str]:
    """Return what is wrong with an `__init__`, which may assign `allowed` besides."""
    tree = ast.parse(source)
    wrong = [] if ast.get_docstring(tree) else ["has no docstring"]
    rest = tree.body[1:] if ast.get_docstring(tree) else tree.body
    offered = [node for node in rest if assigns(node, "__all__")]
    if len(offered) != 1:
        wrong.append(f"assigns __all__ {len(offered)} times")
    for node in rest:
        if isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names):
            wrong.append(f"line {node.lineno}: imports *")
        elif not isinstance(node, ast.ImportFrom | ast.Import) and not any(
            assigns(node, name) for name in ("__all__", *allowed)
        ):
            wrong.append(f"line {node.lineno}: is neither an import nor __all__")
    for node in offered:
        names = ast.literal_eval(node.value)
        if list(names) != sorted(set(names), key=order):
            wrong.append("has an __all__ that is not sorted")
    return wrong


def says_what_it_is(thing: object) -> bool:
    """Tell whether a class or function has a docstring that somebody wrote.

    Constants and type aliases cannot carry one; a dataclass without one is given its
    signature, and an enumeration a stock phrase, which both say nothing.
    """
    if not inspect.isclass(thing) and not inspect.isroutine(thing):
        return True
    doc = vars(thing)["__doc__"] if inspect.isclass(thing) else thing.__doc__
    doc = doc or ""
    if inspect.isclass(thing):
        if doc.startswith(f"{thing.__name__}("):
            return False
        if issubclass(thing, Enum) and doc == Enum.__doc__:
            return False
    return bool(doc.strip())


class FaceTests(SynchronousTestCase):
    """Every package of gamenet shows such a face."""

    def test_nothing_else(self) -> None:
        """An `__init__` has a docstring, imports and `__all__`; the root, a version."""
        wrong = [
            f"{dotted(path)} {line}"
            for path in packages()
            for line in face_violations(
                path.read_text(encoding="utf-8"),
                ("__version__",) if path.parent == PACKAGE else (),
            )
        ]
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))

    def test_names_exist(self) -> None:
        """Every name in an `__all__` can be imported, and says what it is for."""
        wrong = []
        for path in packages():
            package = importlib.import_module(dotted(path))
            for name in package.__all__:
                if not hasattr(package, name):
                    wrong.append(f"{package.__name__}.{name} does not exist")
                elif not says_what_it_is(getattr(package, name)):
                    wrong.append(f"{package.__name__}.{name} has no docstring")
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))


class RuleTests(SynchronousTestCase):
    """The check finds what it is there to find."""

    GOOD = '"""A face."""\nfrom a.b import B, c\n__all__ = ["B", "c"]\n'

    def test_good(self) -> None:
        """A docstring, imports and a sorted `__all__` pass."""
        self.assertEqual(face_violations(self.GOOD), [])

    def test_sorted(self) -> None:
        """Constants come first, then classes, then functions; int8 before int16."""
        names = ["A_B", "MAX", "Aa", "Bb", "flag", "int8", "int16", "int_more", "text"]
        self.assertEqual(sorted(names, key=order), names)

    def test_no_docstring(self) -> None:
        """A missing docstring is found."""
        source = self.GOOD.split("\n", 1)[1]
        self.assertEqual(face_violations(source), ["has no docstring"])

    def test_no_all(self) -> None:
        """A missing `__all__` is found."""
        found = face_violations('"""A face."""\nfrom a.b import B\n')
        self.assertEqual(found, ["assigns __all__ 0 times"])

    def test_unsorted(self) -> None:
        """An `__all__` out of order, or with a name twice, is found."""
        for names in (
            '["c", "B"]',
            '["B", "B", "c"]',
            '["B", "MANY"]',
            '["int16", "int8"]',
        ):
            found = face_violations(self.GOOD.replace('["B", "c"]', names))
            self.assertEqual(found, ["has an __all__ that is not sorted"])

    def test_something_else(self) -> None:
        """A definition, a constant or a condition in an `__init__` is found."""
        for extra in ("x = 1", "def f(): pass", "class A: pass", "if x:\n    import y"):
            found = face_violations(self.GOOD + extra)
            self.assertEqual(found, ["line 4: is neither an import nor __all__"])

    def test_version(self) -> None:
        """The one constant that the root may define is not allowed elsewhere."""
        source = self.GOOD + '__version__ = "1"'
        self.assertEqual(face_violations(source, ("__version__",)), [])
        self.assertEqual(len(face_violations(source)), 1)

    def test_star(self) -> None:
        """A star import, which hides what is offered, is found."""
        found = face_violations(self.GOOD + "from a.d import *")
        self.assertEqual(found, ["line 4: imports *"])

    def test_docstrings(self) -> None:
        """A class or function without a docstring of its own is found."""

        class Documented:
            """Say something."""

        class Silent(Documented):
            pass

        class SilentChoice(Enum):
            ONE = 1

        def silent() -> None:
            pass

        self.assertTrue(says_what_it_is(Documented))
        self.assertTrue(says_what_it_is(5))
        for thing in (Silent, SilentChoice, silent):
            self.assertFalse(says_what_it_is(thing), thing)
