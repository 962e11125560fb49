# SPDX-License-Identifier: MIT
"""What each client is told of the world, and how a client follows.

A `Sender` keeps the quantized state of a world at the last ticks and tells each
`Viewer` what is due, against what that client has acknowledged. A `Receiver` turns it
into another world.
"""

from gamenet.replication.budget import Allotment
from gamenet.replication.changed import (
    Call,
    Changed,
    Subject,
    Watch,
    Watches,
    changed_fields,
    subject_of,
)
from gamenet.replication.events import Event, EventCodec, EventOutbox, EventQueue
from gamenet.replication.followed import Followed, Told, Written
from gamenet.replication.interest import Eye, Interest
from gamenet.replication.layout import RowLayout
from gamenet.replication.ledger import Ledger, SentPart, shapes_of
from gamenet.replication.mirror import HISTORY, Mirror, replicated
from gamenet.replication.network_components import (
    Authority,
    InterpolationState,
    NetworkConnection,
    NetworkIdentity,
    PredictionState,
    Quality,
    Teleported,
)
from gamenet.replication.network_figures import (
    fill_connections,
    fill_identity,
    fill_interpolation,
    note_confirmed,
)
from gamenet.replication.pace import Pace
from gamenet.replication.priority import Priorities, Weights, nearness
from gamenet.replication.receiver import Receiver
from gamenet.replication.rooms import Rooms
from gamenet.replication.sender import Sender
from gamenet.replication.shapehistory import ShapeHistory
from gamenet.replication.sync_settings import (
    SyncSettings,
    apply_dirty,
    dirty_mask,
    row_hidden,
    row_period,
    row_priority,
)
from gamenet.replication.teams import Teams
from gamenet.replication.viewer import MAX_FLIGHTS, Part, Viewer
from gamenet.replication.visibility import Visibility
from gamenet.replication.writes import Refusal, Writes, check_write

__all__ = [
    "HISTORY",
    "MAX_FLIGHTS",
    "Allotment",
    "Authority",
    "Call",
    "Changed",
    "Event",
    "EventCodec",
    "EventOutbox",
    "EventQueue",
    "Eye",
    "Followed",
    "Interest",
    "InterpolationState",
    "Ledger",
    "Mirror",
    "NetworkConnection",
    "NetworkIdentity",
    "Pace",
    "Part",
    "PredictionState",
    "Priorities",
    "Quality",
    "Receiver",
    "Refusal",
    "Rooms",
    "RowLayout",
    "Sender",
    "SentPart",
    "ShapeHistory",
    "Subject",
    "SyncSettings",
    "Teams",
    "Teleported",
    "Told",
    "Viewer",
    "Visibility",
    "Watch",
    "Watches",
    "Weights",
    "Writes",
    "Written",
    "apply_dirty",
    "changed_fields",
    "check_write",
    "dirty_mask",
    "fill_connections",
    "fill_identity",
    "fill_interpolation",
    "nearness",
    "note_confirmed",
    "replicated",
    "row_hidden",
    "row_period",
    "row_priority",
    "shapes_of",
    "subject_of",
]
