"""The box at the top of a page that was computed on drawn images."""

import re

from helpers.data.images import TITLES, Images


class Notice:
    """A warning that a notebook shows as a box and a terminal as text."""

    def __init__(self, titles: tuple[str, ...]) -> None:
        names = " and ".join(titles)
        self.title = f"Drawn images, not {names}"
        self.text = (
            f"The files of {names} could not be had, so this page was computed on images that the package "
            "drew, and the numbers computed here are not those of the real data (recorded results are). "
            "To see the real ones, set `STRIDE_BOOK_DATA` to a folder that holds the files, or connect to "
            "the network, and run the page again; `python -m helpers.data` says what is missing."
        )

    def __repr__(self) -> str:
        return f"{self.title}. {self.text}"

    def _repr_html_(self) -> str:
        text = re.sub("`(.+?)`", r"<code>\1</code>", self.text)
        return (
            '<div class="admonition warning" role="note">'
            f'<p class="admonition-title"><strong>{self.title}</strong></p><p>{text}</p></div>'
        )


def stand_in_notice(*images: Images) -> Notice | None:
    """What a page shows above its numbers: a warning if any of these images were drawn, else nothing.

    Meant as the last line of a cell, where None leaves no trace.

    >>> from helpers.data import stand_in
    >>> print(stand_in_notice(stand_in("mnist", split="test", size=10)).title)
    Drawn images, not MNIST
    """
    titles = tuple(dict.fromkeys(TITLES[each.name] for each in images if each.is_stand_in))
    return Notice(titles) if titles else None
