# SPDX-License-Identifier: MIT
"""Say how a client's prediction goes: what it had foreseen, and what was confirmed.

The ghost of an entity is what was predicted of it for the confirmed tick; beside it
stands what the server said it was. All of it is plain numbers, ready for JSON.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.game.foresight import Foresight
from gamenet.game.predicting import Predicting
from gamenet.prediction import Correction

__all__ = ["foresight_report"]

SECONDS = 5.0
"""How far back corrections are listed, if nothing else is said."""


def foresight_report(
    foresight: Foresight, now: float, seconds: float = SECONDS
) -> dict[str, Any]:
    """Return how the time lines and the prediction of one client stand.

    Args:
        foresight: of the client, as `client.foresight` gives it.
        now: monotonic seconds, of the client's clock.
        seconds: how far back corrections are listed.

    Returns:
        What `Foresight.stats` returns, and besides:

        corrections_log: of each correction of the last seconds, oldest first, its
            "tick", "size", "resimulated" ticks, "rows", and "sizes" by component.
        entities: of each predicted row the "row", and by component and field what was
            "told" last, what the "ghost" was in the confirmed tick, and what is
            "predicted" for the newest own tick. Ghost and prediction are None where
            that tick is not known.

        Both are empty where nothing is predicted.
    """
    report = foresight.stats(now)
    report["corrections_log"], report["entities"] = [], []
    predicting = foresight.predicting
    if predicting is None:
        return report
    log = predicting.predictor.log
    tick = predicting.predictor.confirmed
    if tick is not None:
        since = tick - seconds * foresight.lines.tick_rate
        report["corrections_log"] = [_line(each) for each in log if each.tick > since]
    report["entities"] = _entities(predicting)
    return report


def _line(correction: Correction) -> dict[str, Any]:
    return {
        "tick": correction.tick,
        "size": correction.size,
        "resimulated": correction.n_ticks,
        "rows": correction.mispredicted.tolist(),
        "sizes": {kind.__name__: size for kind, size in correction.sizes.items()},
    }


def _entities(predicting: Predicting) -> list[dict[str, Any]]:
    predictor = predicting.predictor
    confirmed, newest = predictor.confirmed, predictor.tick
    blocks = {
        "told": predictor.told() if confirmed is not None else None,
        "ghost": None if confirmed is None else predictor.state(confirmed),
        "predicted": None if newest is None else predictor.state(newest),
    }
    return [
        {"row": int(row), **{name: _row(block, i) for name, block in blocks.items()}}
        for i, row in enumerate(predictor.rows.tolist())
    ]


def _row(block: Any, i: int) -> dict[str, dict[str, Any]] | None:
    """Return the values of one row, by component and field."""
    if block is None:
        return None
    return {
        component.__name__: {name: _plain(values[i]) for name, values in fields.items()}
        for component, fields in block.items()
    }


def _plain(value: Any) -> Any:
    """Return a value of a column as JSON has it; None for what is not finite."""
    array: NDArray[Any] = np.asarray(value)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return None
    return array.tolist()
