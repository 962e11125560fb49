# SPDX-License-Identifier: MIT
"""Which tick each side lives in, and what players do in it.

`InputBuffer` and `InputQueue` are the way of inputs; `ClockSync`, `Lead` and `Playout`
the time lines of a client; `Predictor`, `EffectLedger` and `Offsets` run ahead and come
back; `View` shows others a moment late, and `Rewind` takes the server there.
`RollbackSession` is for games that exchange inputs alone.
"""

from gamenet.prediction.clock import ClockSync
from gamenet.prediction.corrections import Correction
from gamenet.prediction.desync import Desync
from gamenet.prediction.distances import Distance
from gamenet.prediction.effects import EffectLedger
from gamenet.prediction.feedback import Feedback, wire_clock
from gamenet.prediction.frames import Frame, Sight
from gamenet.prediction.hits import (
    FirstHit,
    Hits,
    boxes_touching,
    first_hit,
    ray_boxes,
    ray_spheres,
    spheres_touching,
)
from gamenet.prediction.input_buffer import InputBuffer
from gamenet.prediction.input_packets import InputCodec, InputPacket
from gamenet.prediction.input_queue import InputQueue, missing_input
from gamenet.prediction.inputs import Input, Missing
from gamenet.prediction.lead import Lead
from gamenet.prediction.offsets import Offsets
from gamenet.prediction.playout import Playout
from gamenet.prediction.predictor import Predictor
from gamenet.prediction.rewind import Rewind
from gamenet.prediction.rewound import Rewound
from gamenet.prediction.rollback import HOST, RollbackSession
from gamenet.prediction.rollback_events import (
    CaughtUp,
    DesyncFound,
    EffectCancelled,
    EffectPlayed,
    FellBehind,
    Held,
    PlayerChanged,
    RollbackEvent,
    RolledBack,
    Started,
)
from gamenet.prediction.rollback_packets import ChangeKind
from gamenet.prediction.rounding import Rounding
from gamenet.prediction.samples import Samples
from gamenet.prediction.schedule import Schedule, Scheduled
from gamenet.prediction.timeline import RollbackRules
from gamenet.prediction.view import View
from gamenet.prediction.viewcolumns import ViewColumns

__all__ = [
    "HOST",
    "CaughtUp",
    "ChangeKind",
    "ClockSync",
    "Correction",
    "Desync",
    "DesyncFound",
    "Distance",
    "EffectCancelled",
    "EffectLedger",
    "EffectPlayed",
    "Feedback",
    "FellBehind",
    "FirstHit",
    "Frame",
    "Held",
    "Hits",
    "Input",
    "InputBuffer",
    "InputCodec",
    "InputPacket",
    "InputQueue",
    "Lead",
    "Missing",
    "Offsets",
    "PlayerChanged",
    "Playout",
    "Predictor",
    "Rewind",
    "Rewound",
    "RollbackEvent",
    "RollbackRules",
    "RollbackSession",
    "RolledBack",
    "Rounding",
    "Samples",
    "Schedule",
    "Scheduled",
    "Sight",
    "Started",
    "View",
    "ViewColumns",
    "boxes_touching",
    "first_hit",
    "missing_input",
    "ray_boxes",
    "ray_spheres",
    "spheres_touching",
    "wire_clock",
]
