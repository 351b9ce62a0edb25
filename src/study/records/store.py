"""Records as JSON text in a folder: one file for each run, each written whole or not at all.

With a file of its own for each run, any number of sweeps can write at once, and a kill at any moment costs no
other run. A failed run is stored under another name than a finished one, so it can replace none.
"""

import hashlib
import json
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from math import isfinite
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from helpers.epoch import Epoch
from study.records.environment import Environment
from study.records.record import ConfidentError, Outcome, Record, check_name

_FINISHED, _FAILED, _UNFINISHED_FILE = ".json", ".failed.json", ".tmp"
SCHEMA_VERSION = 2  # since 2, the last field is a checksum of the text before it
_WITHOUT_CHECKSUM = 1
_CHECKSUM = ',\n"sha256": '

_REPEAT = "delete it and run the experiment again, which repeats only what is missing"


class UnreadableRecord(ValueError):
    """A file that should hold a record does not; the message names it and says what to do."""


def to_json(record: Record) -> str:
    """A record as JSON, one line for each field, so that a change of a record changes few lines.

    Raises:
        ValueError: if a number is infinite or not a number, which JSON does not have; the message names it.
    """
    fields = {"schema_version": SCHEMA_VERSION, **asdict(record)}
    if record.test is not None:
        fields["test"] = {**asdict(record.test), "right": b64encode(record.test.right).decode()}
    lines = (f"{json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in fields.items())
    try:
        body = "{\n" + ",\n".join(lines)
    except ValueError as error:
        raise ValueError(f"{next(_not_finite(fields), 'record')}: {error}") from error
    return body + _sealed(body)


def _sealed(body: str) -> str:
    """The end of a file, with the checksum of `body`, the text before it."""
    return f'{_CHECKSUM}"{hashlib.sha256(body.encode()).hexdigest()}"\n}}\n'


def _not_finite(value: Any, path: str = "") -> Iterator[str]:
    """The numbers that JSON does not have, each with its path in the record."""
    if isinstance(value, float) and not isfinite(value):
        yield f"{path}={value}"
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple) else ()
    for name, part in parts:
        yield from _not_finite(part, f"{path}.{name}".lstrip("."))


def from_json(text: str, *, source: str) -> Record:
    """Read what `to_json` wrote.

    Args:
        text: the whole file.
        source: its name, for the errors.

    Raises:
        UnreadableRecord: if the text is cut off, of another schema, changed since it was written, or
            contradicts itself.
    """
    try:
        fields = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UnreadableRecord(f"{source} is cut off or no JSON ({error}); {_REPEAT}") from error
    if _schema(fields, source) != _WITHOUT_CHECKSUM:
        body, mark, end = text.rpartition(_CHECKSUM)
        if mark + end != _sealed(body):
            raise UnreadableRecord(
                f"{source} was changed since it was written, by its checksum; "
                f"restore it with git, or {_REPEAT}"
            )
        del fields["sha256"]
    try:
        return _record(fields)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableRecord(
            f"{source} is no sound record ({error}); restore it with git, or {_REPEAT}"
        ) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _schema(fields: Any, source: str) -> int:
    found = fields.pop("schema_version", None) if isinstance(fields, dict) else None
    if type(found) is int and found in (_WITHOUT_CHECKSUM, SCHEMA_VERSION):
        return found
    newer = type(found) is int and found > SCHEMA_VERSION
    remedy = "update this package" if newer else _REPEAT
    raise UnreadableRecord(
        f"{source} has schema {found!r}, and this version of the package reads {_WITHOUT_CHECKSUM} and "
        f"{SCHEMA_VERSION}: {remedy}"
    )


def _record(fields: dict[str, Any]) -> Record:
    test, conv1 = fields["test"], fields["conv1"]
    decoded = {
        "environment": Environment(**fields["environment"]),
        "epochs": tuple(Epoch(**epoch) for epoch in fields["epochs"]),
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


def path_of(root: Path, experiment: str, variant: str, seed: int) -> Path:
    """Where a finished run is stored: `root/experiment/variant/seed.json`.

    Raises:
        ValueError: if a name is not of lower-case letters, digits and hyphens.
    """
    check_name("experiment", experiment)
    check_name("variant", variant)
    return root / experiment / variant / f"{seed}{_FINISHED}"


def is_finished(root: Path, experiment: str, variant: str, seed: int) -> bool:
    """Whether this run is stored; a broken link counts too, so that reading it names the fault."""
    return os.path.lexists(path_of(root, experiment, variant, seed))


def write(record: Record, root: Path) -> Path:
    """Store a record, replacing an earlier one of the same run; its file appears whole or not at all.

    Raises:
        ValueError: if it holds a number that is not finite.
        OSError: if it cannot be stored; nothing is left behind, and what was there before still is.
    """
    finished = path_of(root, record.experiment, record.variant, record.seed)
    failed = finished.with_suffix(_FAILED)
    target, text = failed if record.failed else finished, to_json(record)
    try:
        _replace(target, text)
        if not record.failed:
            failed.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(
            error.errno,
            f"this run could not be stored ({error.strerror}); make room or choose another folder, and run "
            "the same command again, which repeats only what is missing",
            str(target),
        ) from error
    return target


def read(path: Path) -> Record:
    """Read one record.

    Raises:
        FileNotFoundError: if there is no such file.
        UnreadableRecord: if it is cut off, of another schema, contradicts itself, or lies in the wrong place.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableRecord(f"{path} is no text; delete it and run the experiment again") from error
    record = from_json(text, source=str(path))
    suffix = _FAILED if record.failed else _FINISHED
    expected = Path(record.experiment, record.variant, f"{record.seed}{suffix}")
    if path.parts[-3:] != expected.parts:
        raise UnreadableRecord(f"{path} holds the run {expected}: move it there, or delete it")
    return record


def records(root: Path, *, experiment: str = "*", variant: str = "*") -> Iterator[Record]:
    """All records below `root`, by experiment, variant and seed; a failed run only if no other try finished.

    Args:
        root: the folder; one that does not exist holds no records.
        experiment: only this one.
        variant: only this one.

    Raises:
        UnreadableRecord: at the first file that is none.
    """
    paths = root.glob(f"{experiment}/{variant}/[!.]*{_FINISHED}")
    for path in sorted(paths, key=_order):
        if not (path.name.endswith(_FAILED) and _finished_beside(path).exists()):
            yield read(path)


def clear_leftovers(root: Path, *, older_than: float = 3600.0) -> None:
    """Delete unfinished files of writers that were killed: those older than `older_than` seconds."""
    for path in root.glob(f"*/*/.*{_UNFINISHED_FILE}"):
        with suppress(FileNotFoundError):  # a writer at work may have finished since
            if time.time() - path.stat().st_mtime > older_than:
                path.unlink()


def _finished_beside(failed: Path) -> Path:
    return failed.with_name(failed.name.removesuffix(_FAILED) + _FINISHED)


def _order(path: Path) -> tuple[str, str, int, str]:
    seed = path.name.partition(".")[0]
    return path.parent.parent.name, path.parent.name, int(seed) if seed.isdecimal() else -1, path.name


def _replace(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder: a rename is atomic only within one file system.
    unfinished = target.with_name(f".{target.name}.{uuid4().hex}{_UNFINISHED_FILE}")
    try:
        with unfinished.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


_CHECKOUT = Path(__file__).resolve().parents[3] / "results"
_INSTALLED = Path(__file__).resolve().parents[1] / "recorded"  # where a wheel holds them

RECORDED = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT


def recorded(experiment: str, *, root: Path = RECORDED) -> dict[str, list[Record]]:
    """The finished runs of an experiment: by variant, in the order of their seeds.

    Args:
        experiment: its name, such as "mnist".
        root: the folder of the records.

    Raises:
        ValueError: if no run of it is there.
        UnreadableRecord: at the first file that is no record.
    """
    by_variant: dict[str, list[Record]] = {}
    for record in records(root, experiment=experiment):
        if not record.failed:
            by_variant.setdefault(record.variant, []).append(record)
    if not by_variant:
        known = sorted(path.name for path in root.glob("*/") if path.is_dir())
        raise ValueError(
            f"experiment must have finished runs in {root}, got {experiment!r}; there are runs of {known}"
        )
    return by_variant


def per_epoch(runs: Sequence[Record], quantity: str) -> NDArray[np.float64]:
    """A quantity of `Epoch` after each epoch of each run, (runs, epochs).

    Raises:
        ValueError: for an unknown quantity, or one that a run did not measure.
    """
    known = [field.name for field in fields(Epoch)]
    if quantity not in known:
        raise ValueError(f"quantity must be one of {', '.join(known)}, got {quantity!r}")
    values = [[getattr(epoch, quantity) for epoch in record.epochs] for record in runs]
    if any(value is None for row in values for value in row):
        raise ValueError(f"quantity must be measured in all of these runs, got {quantity!r}")
    return np.asarray(values, dtype=np.float64)


def confusions(runs: Sequence[Record]) -> NDArray[np.int64]:
    """The confusion matrices of finished runs, (runs, classes, classes).

    Raises:
        ValueError: for a run that failed.
    """
    return np.array([record.outcome.confusion for record in runs], dtype=np.int64)
