# SPDX-License-Identifier: MIT
"""Find the class of a game that is named as `module:Class`.

Whoever mistypes a name or has an error in the game's file should read what is wrong
with it, not a traceback through an importer.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import traceback
from types import ModuleType

from gamenet.errors import ConfigError
from gamenet.game import Game

__all__ = ["load_game"]

_SHOWN_LINES = 8
"""Lines of a traceback that an error repeats: the innermost calls and the message."""


def load_game(name: str) -> type[Game]:
    """Import the class of a game; the current directory is searched too.

    Args:
        name: `module:Class`, as in `examples.arena:Arena`.

    Raises:
        ConfigError: what is wrong with the name, or with the module.
    """
    module_name, _, class_name = name.partition(":")
    if not module_name or not class_name:
        raise ConfigError(
            f"game {name}: allowed: module:Class, as examples.arena:Arena"
        )
    module = _import(name, module_name)
    found = getattr(module, class_name, None)
    if found is None:
        raise ConfigError(_missing(name, module, class_name))
    if not (isinstance(found, type) and issubclass(found, Game)):
        raise ConfigError(f"game {name}: is no subclass of gamenet.game.Game")
    if found is Game:
        raise ConfigError(f"game {name}: is the base class; name a subclass of it")
    return found


def _import(name: str, module_name: str) -> ModuleType:
    # The console scripts of twistd and gamenet have their own folder first in the path.
    here = os.getcwd()  # noqa: PTH109
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if module_name == missing or module_name.startswith(missing + "."):
            raise ConfigError(
                f"game {name}: there is no module {missing}; it has to be installed or "
                f"to lie in the current directory, {here}"
            ) from error
        raise ConfigError(_broken(name, module_name, error)) from error
    except Exception as error:
        raise ConfigError(_broken(name, module_name, error)) from error


def _broken(name: str, module_name: str, error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [
        frame
        for frame in frames
        if frame.filename != __file__ and "importlib" not in frame.filename
    ]
    lines = "".join(traceback.format_list(theirs)).splitlines()
    lines += "".join(traceback.format_exception_only(error)).splitlines()
    shown = "\n".join(f"    {line}" for line in lines[-_SHOWN_LINES:])
    return f"game {name}: {module_name} fails when it is imported:\n{shown}"


def _missing(name: str, module: ModuleType, class_name: str) -> str:
    games = [
        each
        for each, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Game) and value is not Game
    ]
    near = difflib.get_close_matches(class_name, games, n=1)
    if near:
        hint = f"did you mean {near[0]}?"
    elif games:
        hint = "its games: " + ", ".join(games)
    else:
        hint = "it has no subclass of gamenet.game.Game at all"
    return f"game {name}: {module.__name__} has no class {class_name}; {hint}"
