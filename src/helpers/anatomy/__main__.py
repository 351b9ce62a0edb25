"""`python -m helpers.anatomy torchvision:resnet18 --input 224`: print a model layer by layer."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from helpers.anatomy import IncompleteAnatomy, anatomy, load_model
from helpers.anatomy.table import to_page, to_text, total_cost


def main(arguments: Sequence[str] | None = None) -> int:
    """Print or write the table of a model and return the exit status.

    The status is 1 after an error; the layers that ran before it are still shown.
    """
    options = _parser().parse_args(arguments)
    try:
        table, message = anatomy(load_model(options.model), options.input), ""
    except IncompleteAnatomy as error:
        table, message = error.table, str(error)
    except ValueError as error:
        table, message = None, str(error)
    if table is not None:
        _show(table, options)
    if message:
        sys.stdout.flush()
        print(f"error: {message}", file=sys.stderr)
    return int(bool(message))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m helpers.anatomy", description="Read a model layer by layer."
    )
    parser.add_argument(
        "model",
        help="torchvision:NAME, FILE.py:NAME, or FILE.pt with a whole model; loading a file runs its code",
    )
    parser.add_argument(
        "--input",
        type=_input_size,
        default=224,
        metavar="SIZE",
        help="224, 224x160, or 3x224x160 (default: 224)",
    )
    for kind in ("html", "csv"):
        parser.add_argument(
            f"--{kind}", nargs="?", const="-", metavar="FILE", help=f"as {kind.upper()}, printed or into FILE"
        )
    return parser


def _input_size(text: str) -> int | tuple[int, ...]:
    sizes = tuple(map(int, text.split("x")))
    return sizes[0] if len(sizes) == 1 else sizes


def _show(table: pd.DataFrame, options: argparse.Namespace) -> None:
    if options.html:
        _write(to_page(table, f"{options.model}, input {options.input}"), options.html)
    if options.csv:
        _write(table.to_csv(index=False), options.csv)
    if not options.html and not options.csv:
        print(to_text(table))
        print(total_cost(table))


def _write(text: str, file: str) -> None:
    if file == "-":
        sys.stdout.write(text)
    else:
        Path(file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
