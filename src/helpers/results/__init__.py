"""The record of a run: what it holds, and how it is stored so that nothing is lost."""

from helpers.results.codec import SCHEMA_VERSION, UnreadableRecord
from helpers.results.environment import Environment, capture
from helpers.results.outcome import ConfidentError, Outcome
from helpers.results.record import EpochMetrics, Record
from helpers.results.recorded import RECORDED, per_epoch, recorded
from helpers.results.store import clear_leftovers, is_finished, path_of, read, records, write

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
    "is_finished",
    "path_of",
    "per_epoch",
    "read",
    "recorded",
    "records",
    "write",
]
