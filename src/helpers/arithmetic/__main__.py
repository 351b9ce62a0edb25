"""`python -m helpers.arithmetic backward 28 14`: sizes forward and backward, stacks, fields, code."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from helpers.arithmetic.backwards import (
    Solution,
    dense_features,
    depth_for_field,
    kernel_for_field,
    solve,
    stack_sizes,
)
from helpers.arithmetic.layer import LAYER_KINDS, parse_stack
from helpers.arithmetic.network import Skip, network_unread, trace
from helpers.arithmetic.snippets import FRAMEWORKS, snippet
from helpers.arithmetic.window import compare_layers
from helpers.commands import exit_status, in_runs

Answer = tuple[list[dict[str, Any]], str]  # rows of a table, and a sentence below it


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the answer to one question and return the exit status, which is 1 after an error."""
    options = _parser().parse_args(arguments)

    def answer() -> str:
        rows, words = options.answer(options)
        print(_as_json(rows, words) if options.json else _as_text(rows, words))
        return ""

    return exit_status(answer)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m helpers.arithmetic",
        description="Sizes along one axis, forward and backward.",
        epilog="A STACK is layers such as 'conv7s2p3 pool3s2p1 conv3p1*4 up4s2p1': kernel size, s stride, "
        "p padding (p1, p0,1, psame), d dilation, o output padding, ceil. RANGE is 3 or 1-7.",
    )
    kinds = parser.add_subparsers(required=True, metavar="QUESTION")

    def question(name: str, answer: Callable[[argparse.Namespace], Answer], words: str) -> Any:
        added = kinds.add_parser(name, help=words, description=words)
        added.add_argument("--json", action="store_true", help="as JSON")
        added.set_defaults(answer=answer)
        return added

    forward = question("forward", _forward, "what a stack makes of a size, layer by layer")
    forward.add_argument("size", type=int)
    _add_bounds(question("backward", _backward, "which settings turn one size into another"))
    stack = question("stack", _stack, "which sizes a stack takes, and which lose no pixel")
    stack.add_argument("--sizes", type=_bounds, default=range(1, 513), metavar="RANGE", help="default: 1-512")
    stack.add_argument("--channels", type=int, help="of the last map, for the number for the dense layer")
    stack.add_argument("--skip", type=_skip, action="append", default=[], metavar="A-B", help="as 0-3")
    field = question("field", _field, "kernel or depth for a receptive field")
    field.add_argument("field", type=int)
    field.add_argument("--depth", type=int, default=1, help="layers, if no stack is given to repeat")
    field.add_argument("--repeat", metavar="STACK", help="layers that are repeated")
    code = question("code", _code, "the lines for a layer in a framework")
    code.add_argument("--framework", choices=FRAMEWORKS, help="default: all of them")
    code.add_argument("--size", type=int, help="pixels of the input")
    port = question("port", _port, "whether two layers compute the same")
    port.add_argument("size", type=int)
    for added in (forward, stack, code, port):
        added.add_argument("stack", nargs="+", metavar="STACK")
    return parser


def _add_bounds(backward: argparse.ArgumentParser) -> None:
    backward.add_argument("size", type=_bounds)
    backward.add_argument("output", type=_bounds)
    for name in ("kernel-size", "stride", "padding", "dilation", "output-padding"):
        backward.add_argument(f"--{name}", type=_bounds, metavar="RANGE", default=argparse.SUPPRESS)
    backward.add_argument("--kind", choices=LAYER_KINDS[:3], default="convolution")
    backward.add_argument("--ceil-mode", action="store_true", help="of a pooling, round up")
    backward.add_argument("--uneven", action="store_true", help="also one pixel more of padding after")
    backward.add_argument("--most", type=int, default=20, help="rows that are printed (default: 20)")


def _forward(options: argparse.Namespace) -> Answer:
    layers = parse_stack(" ".join(options.stack))
    rows = [{**row._asdict(), "jump": _plain(row.jump)} for row in trace(options.size, layers)]
    lost = len(network_unread(options.size, layers))
    return rows, f"{lost} of {options.size} pixels reach no unit of the last map"


def _backward(options: argparse.Namespace) -> Answer:
    names = ("kernel_size", "stride", "padding", "dilation", "output_padding")
    bounds = {name: getattr(options, name) for name in names if hasattr(options, name)}
    found = solve(
        options.size,
        options.output,
        kind=options.kind,
        ceil_mode=options.ceil_mode,
        uneven=options.uneven,
        **bounds,
    )
    told = found.fit or found.nearest
    if not told:
        return [], "no setting within the bounds leaves anything"
    words = f"{len(told)} settings" if len(told) > 1 else "1 setting"
    if not found.fit:
        is_exact = isinstance(options.output, int) and told[0].output == options.output
        words = (
            f"none without uneven padding; with it, {words}" if is_exact else f"none; the nearest, {words}"
        )
    if len(told) > max(0, options.most):
        words += f", of which the first {max(0, options.most)} are shown: --most shows more"
    return [_solved(each) for each in told[: max(0, options.most)]], words


def _solved(found: Solution) -> dict[str, Any]:
    layer = found.layer
    padding: Any = layer.padding
    if padding[0] == padding[1]:
        padding = padding[0]
    row: dict[str, Any] = {"size": found.size, "output": found.output, "kernel_size": layer.kernel_size}
    row |= {"stride": layer.stride, "padding": padding, "dilation": layer.dilation}
    if layer.kind == "transposed":
        row["output_padding"] = layer.output_padding
    return {**row, "unread": found.unread, "unused": found.unused, "empty": found.empty}


def _stack(options: argparse.Namespace) -> Answer:
    layers = parse_stack(" ".join(options.stack))
    found = stack_sizes(layers, options.sizes, skips=options.skip)
    rows: list[dict[str, Any]] = [
        {"question": "smallest", "sizes": found.smallest},
        {"question": "works", "sizes": found.works},
        {"question": "loses no pixel", "sizes": found.lossless},
    ]
    if options.channels is not None:
        for size in found.works if isinstance(options.sizes, int) else (found.smallest,):
            if size is not None:
                features = dense_features(size, layers, channels=options.channels)
                rows.append({"question": f"dense layer at {size} x {size}", "sizes": features})
    words = "" if found.works else "no size of the range works"
    return rows, words


def _field(options: argparse.Namespace) -> Answer:
    if options.repeat is not None:
        found, name = depth_for_field(options.field, parse_stack(options.repeat)), "repeats"
    else:
        found, name = kernel_for_field(options.field, depth=options.depth), "kernel_size"
    row = {name: found.value, "receptive_field": found.receptive_field, "one_less": found.one_less}
    return [row], ""


def _code(options: argparse.Namespace) -> Answer:
    wanted = [options.framework] if options.framework else FRAMEWORKS
    rows = []
    for layer in parse_stack(" ".join(options.stack)):
        for framework in wanted:
            try:
                found = snippet(layer, framework, size=options.size)
            except ValueError as error:
                if options.framework:
                    raise
                rows.append({"layer": layer.name, "framework": framework, "refused": str(error)})
                continue
            rows.append({"layer": layer.name, "framework": framework, **found._asdict()})
    return rows, ""


def _port(options: argparse.Namespace) -> Answer:
    layers = parse_stack(" ".join(options.stack))
    if len(layers) != 2:
        raise ValueError(f"stack must hold two layers, the original and its port, got {len(layers)}")
    found = compare_layers(*layers, size=options.size)
    return [{"verdict": found.verdict, "mend": found.mend}], found.words


def _as_json(rows: list[dict[str, Any]], words: str) -> str:
    return json.dumps({"rows": rows, "words": words}, indent=1)


def _as_text(rows: list[dict[str, Any]], words: str) -> str:
    if rows and ("code" in rows[0] or "refused" in rows[0]):
        return "\n\n".join(_as_lines(row) for row in rows)
    lines = []
    if rows:
        cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells
        ]
        if set(rows[0]) == {"question", "sizes"}:
            lines = [f"{row['question']}: {_cell(row['sizes'])}" for row in rows]
    return "\n".join([*lines, *[words] * bool(words)])


def _as_lines(row: dict[str, Any]) -> str:
    """The code of a layer under a comment that names it."""
    head = f"# {row['layer']} in {row['framework']}"
    if "refused" in row:
        return f"{head}: {row['refused']}"
    weight = f", weight {row['weight_axes']}" if row["weight_axes"] else ""
    return f"{head}: x {row['image_axes']}{weight}\n{row['code']}"


def _cell(value: Any) -> str:
    """A value as text; long runs of sizes by their ends."""
    if value is None:
        return "none"
    if not isinstance(value, tuple) or len(value) == 2:
        return str(value)
    return in_runs(value)


def _plain(number: Any) -> int | str:
    """A whole number as it is, a fraction as text."""
    return number if isinstance(number, int) else str(number)


def _bounds(text: str) -> int | range:
    found = re.fullmatch(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"must be a number such as 3, or a range such as 1-7, got {text!r}")
    first, last = found.groups()
    return range(int(first), int(last) + 1) if last else int(first)


def _skip(text: str) -> Skip:
    found = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"must be two maps such as 0-3, where 0 is the input, got {text!r}")
    return int(found[1]), int(found[2])


if __name__ == "__main__":
    sys.exit(main())
