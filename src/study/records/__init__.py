"""The record of a run: what it holds, and how it is stored so that nothing is lost."""

from helpers.epoch import Epoch
from study.records.environment import Environment, capture
from study.records.record import ConfidentError, Outcome, Record
from study.records.store import (
    RECORDED,
    SCHEMA_VERSION,
    UnreadableRecord,
    clear_leftovers,
    confusions,
    is_finished,
    path_of,
    per_epoch,
    read,
    recorded,
    records,
    to_json,
    write,
)

__all__ = [
    "RECORDED",
    "SCHEMA_VERSION",
    "ConfidentError",
    "Environment",
    "Epoch",
    "Outcome",
    "Record",
    "UnreadableRecord",
    "capture",
    "clear_leftovers",
    "confusions",
    "is_finished",
    "path_of",
    "per_epoch",
    "read",
    "recorded",
    "records",
    "to_json",
    "write",
]
