"""A record as JSON text, and back."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import asdict
from math import isfinite
from typing import Any

from study.records.environment import Environment
from study.records.outcome import ConfidentError, Outcome
from study.records.record import EpochMetrics, Record

SCHEMA_VERSION = 1

_REPEAT = "delete it and run the experiment again, which repeats only what is missing"


class UnreadableRecord(ValueError):
    """A file that should hold a record does not; the message names it and says what to do."""


def to_json(record: Record) -> str:
    """One line for each field, so that a change of a record shows as a change of few lines.

    Raises:
        ValueError: if a number is infinite or not a number, which JSON does not have; it says which.
    """
    fields = {"schema_version": SCHEMA_VERSION, **asdict(record)}
    if record.test is not None:
        fields["test"] = {**asdict(record.test), "right": b64encode(record.test.right).decode()}
    lines = (f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in fields.items())
    try:
        return "{\n" + ",\n".join(lines) + "\n}\n"
    except ValueError as error:
        raise ValueError(f"{next(_not_finite(fields), 'record')}: {error}") from error


def _not_finite(value: Any, place: str = "") -> Iterator[str]:
    """Each number that JSON does not have, and where in the record it is."""
    if isinstance(value, float) and not isfinite(value):
        yield f"{place}={value}"
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple) else ()
    for name, part in parts:
        yield from _not_finite(part, f"{place}.{name}".lstrip("."))


def from_json(text: str, *, source: str) -> Record:
    """Read what `to_json` wrote.

    Args:
        text: the whole file.
        source: its name, for the errors.

    Raises:
        UnreadableRecord: if the text is cut off, of another schema, or contradicts itself.
    """
    try:
        fields = json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableRecord(f"{source} is cut off or no JSON ({error}); {_REPEAT}") from error
    _check_schema(fields, source)
    try:
        return _record(fields)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableRecord(
            f"{source} is no sound record ({error}); restore it with git, or {_REPEAT}"
        ) from error


def _check_schema(fields: Any, source: str) -> None:
    found = fields.pop("schema_version", None) if isinstance(fields, dict) else None
    if found == SCHEMA_VERSION:
        return
    newer = isinstance(found, int) and found > SCHEMA_VERSION
    remedy = "update this package" if newer else _REPEAT
    raise UnreadableRecord(
        f"{source} has schema {found!r}, and this version of the package reads {SCHEMA_VERSION}: {remedy}"
    )


def _record(fields: dict[str, Any]) -> Record:
    test, conv1 = fields["test"], fields["conv1"]
    decoded = {
        "environment": Environment(**fields["environment"]),
        "epochs": tuple(EpochMetrics(**epoch) for epoch in fields["epochs"]),
        "test": None if test is None else _outcome(test),
        "conv1": None if conv1 is None else tuple(tuple(map(tuple, kernel)) for kernel in conv1),
    }
    return Record(**{**fields, **decoded})


def _outcome(fields: dict[str, Any]) -> Outcome:
    decoded = {
        "right": b64decode(fields["right"], validate=True),
        "confusion": tuple(map(tuple, fields["confusion"])),
        "errors": tuple(ConfidentError(*error) for error in fields["errors"]),
    }
    return Outcome(**{**fields, **decoded})
