"""Where the book treats a claim: the notebook that holds each label."""

SECTIONS = {
    "stride": "02_stride",
    "padding": "03_padding",
    "receptive-field": "04_receptive_field_and_cost",
    "worked-5x5": "06_worked_5x5",
    "worked-7x7": "07_worked_7x7",
    "worked-4x4": "08_worked_4x4",
    "the-gaps": "08_worked_4x4",
    "mnist": "10_mnist",
    "fashion-mnist": "12_fashion_mnist",
    "controls-pixels": "13_controls",
    "controls-border": "13_controls",
    "controls-size": "13_controls",
    "controls-downsampling": "13_controls",
    "controls-depth": "13_controls",
    "controls-long": "13_controls",
    "controls-noise": "13_controls",
    "controls-hybrids": "13_controls",
    "controls-strides": "13_controls",
    "architectures": "15_architectures",
    "errata": "errata",
}
"""The notebook of each label that a claim links to."""


def link(label: str) -> str:
    """A link to a section, by the notebook; the book makes its page of it.

    Raises:
        ValueError: for a label that is not listed.

    >>> link("mnist")
    '<a href="10_mnist.ipynb#mnist">Chapter 10</a>'
    """
    if label not in SECTIONS:
        raise ValueError(f"label={label!r}: no notebook is listed for it in SECTIONS")
    notebook = SECTIONS[label]
    number = notebook.split("_")[0]
    name = f"Chapter {int(number)}" if number.isdigit() else notebook.capitalize()
    return f'<a href="{notebook}.ipynb#{label}">{name}</a>'
