"""`python -m helpers.anatomy torchvision:resnet18 --input 224`: print a model layer by layer."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import pandas as pd

from helpers.anatomy import IncompleteAnatomy, anatomy, load_model, working_sizes
from helpers.anatomy.table import to_csv, to_page, to_text, total_cost
from helpers.commands import exit_status, in_runs


def main(arguments: Sequence[str] | None = None) -> int:
    """Print or write the table of a model and return the exit status.

    The status is 1 after an error; the layers that ran before it are still shown.
    """
    options = _parser().parse_args(arguments)
    return exit_status(lambda: _answer(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m helpers.anatomy", description="Read a model layer by layer."
    )
    parser.add_argument(
        "model",
        help="torchvision:NAME, FILE.onnx, FILE.keras, FILE.pt with TorchScript, or with --trust "
        "FILE.py:NAME, FILE.pt with a whole model, or FILE.pt2 with an exported program",
    )
    parser.add_argument(
        "--input",
        type=_input_size,
        default=224,
        metavar="SIZE",
        help="224, 224x160, 3x224x160, or the whole shape, 1x3x224x160 (default: 224)",
    )
    parser.add_argument(
        "--image-dims",
        type=_dims,
        metavar="DIMS",
        help="dimensions of the input along which the image lies, such as 1,2 for channels last",
    )
    parser.add_argument(
        "--sizes", type=_range, metavar="FIRST-LAST", help="say which sizes of a square image the model takes"
    )
    parser.add_argument(
        "--trust", action="store_true", help="run the code in FILE, for you know who made it and trust them"
    )
    for kind in ("html", "csv"):
        parser.add_argument(
            f"--{kind}", nargs="?", const="-", metavar="FILE", help=f"as {kind.upper()}, printed or into FILE"
        )
    return parser


def _input_size(text: str) -> int | tuple[int, ...]:
    sizes = tuple(map(int, text.split("x")))
    return sizes[0] if len(sizes) == 1 else sizes


def _dims(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last) + 1)


def _answer(options: argparse.Namespace) -> str:
    """Print the sizes that work, or the table as far as it goes; return the error, or an empty text."""
    try:
        with _prints_apart():
            model = load_model(options.model, trust=options.trust)
            if options.sizes is not None:
                text = in_runs(working_sizes(model, options.sizes))
            else:
                table = anatomy(model, options.input, image_dims=options.image_dims)
    except IncompleteAnatomy as error:
        _show(error.table, options)
        return str(error)
    except ValueError:
        raise
    except (Exception, SystemExit) as error:  # no traceback, whatever it is
        return f"model must be one that can be read, got {options.model}: {type(error).__name__}: {error}"
    if options.sizes is not None:
        print(text)
    else:
        _show(table, options)
    return ""


@contextmanager
def _prints_apart() -> Iterator[None]:
    """Send what the user's file prints to standard error: standard output is for the table."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)  # also what C++ prints, or another program that the file starts
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _show(table: pd.DataFrame, options: argparse.Namespace) -> None:
    if options.html and options.html == options.csv:
        raise ValueError(f"--html and --csv must go to different files, got {options.html} twice")
    if options.html is not None:
        _write(to_page(table, f"{options.model}, input {options.input}"), options.html, "--html")
    if options.csv is not None:
        _write(to_csv(table), options.csv, "--csv")
    if options.html is None and options.csv is None:
        print(to_text(table))
        print(total_cost(table))


def _write(text: str, file: str, option: str) -> None:
    """Print a text or write it into a file, all of it or nothing."""
    if file == "-":
        sys.stdout.write(text)
        return
    path = Path(file).resolve()
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    is_special = path.exists() and not path.is_file()  # such as /dev/null, which must not be replaced
    try:
        if is_special or not path.name:
            path.write_text(text, encoding="utf-8")
        else:
            scratch.write_text(text, encoding="utf-8")
            scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise ValueError(f"{option} must name a file that can be written, got {file!r}: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
