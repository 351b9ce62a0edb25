"""The table for people to read: in a terminal, or on a page."""

from html import escape
from typing import Any

import pandas as pd

from helpers.anatomy.notes import joined

_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:1rem}"
    "table{border-collapse:collapse}"
    "caption{text-align:left;padding:.5rem 0}"
    "th,td{padding:.2rem .5rem;text-align:left;border-bottom:1px solid #ccc;white-space:nowrap}"
)


def to_text(table: pd.DataFrame) -> str:
    """The table in lines of text, one layer a line, without the batch of a single image.

    >>> from torch import nn
    >>> from helpers.anatomy import anatomy
    >>> print(to_text(anatomy(nn.Conv2d(1, 8, 3, stride=2), 28)[["name", "output_shape", "stride", "macs"]]))
    name   output shape stride macs
    Conv2d 1x8x13x13    2      12,168
    """
    readable = _readable(table)
    widths = {name: max([len(name), *map(len, readable[name])]) for name in readable}
    lines = [readable.columns, *readable.itertuples(index=False)]
    cells = (zip(line, widths.values(), strict=True) for line in lines)
    return "\n".join(" ".join(text.ljust(width) for text, width in line).rstrip() for line in cells)


def to_page(table: pd.DataFrame, title: str) -> str:
    """The table as a web page of its own."""
    caption = f"<caption>{escape(title)}: {escape(summary(table))}</caption>"
    body = _readable(table).to_html(index=False, border=0, justify="left")
    body = body.replace("<thead>", f"{caption}<thead>", 1).replace("<th>", '<th scope="col">')
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def summary(table: pd.DataFrame) -> str:
    """What all layers cost together."""
    return (
        f"{len(table)} layers, {table['parameters'].sum():,} parameters, {table['macs'].sum():,} MACs, "
        f"{table['activation_bytes'].sum() / 2**20:.1f} MiB of activations"
    )


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every value as short text."""
    return pd.DataFrame(
        {name.replace("_", " "): [_text(name, value) for value in table[name]] for name in table.columns}
    )


def _text(column: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if column == "output_shape" and value is not None:
        return "x".join(map(str, value))
    if isinstance(value, tuple):
        return joined([_pads(part) if isinstance(part, tuple) else _or_dash(part) for part in value])
    return "" if pd.isna(value) else f"{value:,}"


def _pads(pair: tuple[int, int]) -> str:
    """Padding of one axis: 1 on each side, or 0+1 before and after."""
    before, after = pair
    return str(before) if before == after else f"{before}+{after}"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
