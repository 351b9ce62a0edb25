"""The record of a run: what it holds, and how it is stored so that nothing is lost."""

from study.records.codec import SCHEMA_VERSION, UnreadableRecord
from study.records.environment import Environment, capture
from study.records.outcome import ConfidentError, Outcome
from study.records.record import EpochMetrics, Record
from study.records.recorded import RECORDED, confusions, per_epoch, recorded
from study.records.store import clear_leftovers, is_finished, path_of, read, records, write

__all__ = [
    "RECORDED",
    "SCHEMA_VERSION",
    "ConfidentError",
    "Environment",
    "EpochMetrics",
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
    "write",
]
