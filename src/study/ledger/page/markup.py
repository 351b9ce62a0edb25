"""Pieces of HTML that the guesses, the table and the advice have in common."""

import re
from dataclasses import dataclass
from html import escape
from importlib import resources

from study.ledger.finding import Finding

_STYLE = resources.files("study.ledger.page") / "ledger.css"


@dataclass(frozen=True)
class Shown:
    """What a notebook shows as HTML and a terminal as text."""

    html: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def styled(content: str, rules: str = "") -> str:
    """Content with the style that it needs, so that it looks the same in a notebook as on a page."""
    return f'<div class="ledger"><style>{_STYLE.read_text(encoding="utf-8")}{rules}</style>{content}</div>'


def written(text: str) -> str:
    """Text for HTML, in which the name of a variant may break after its experiment, and an id nowhere.

    >>> written("mnist/s1-same < 1, see M-03")
    'mnist/<wbr>s1-same &lt; 1, see <span class="id">M-03</span>'
    """
    return re.sub(r"\b[A-Z]-\d\d\b", r'<span class="id">\g<0></span>', escape(text).replace("/", "/<wbr>"))


def verdict(finding: Finding) -> str:
    """The verdict in bold; how it looks goes by `slug`."""
    return f'<strong class="verdict" data-verdict="{slug(finding.state)}">{finding.state}</strong>'


def entry(claim: str) -> str:
    """A link to a claim's row in the table."""
    return f'<a class="id" href="#{claim}">{claim}</a>'


def headings(*columns: str) -> str:
    """The head of a table."""
    names = "".join(f'<th scope="col">{name}</th>' for name in columns)
    return f"<thead><tr>{names}</tr></thead>"


def cells(*contents: str) -> str:
    """Cells of a row; the first says what the others are about."""
    about, *others = contents
    return f'<th scope="row">{about}</th>{"".join(f"<td>{content}</td>" for content in others)}'


def found(finding: Finding) -> str:
    """The numbers of a finding, and why it has no verdict where it has none."""
    texts = (finding.evidence, finding.reason and f"Reason: {finding.reason}")
    return "".join(f"<p>{written(sentence(text))}</p>" for text in texts if text)


def sentence(text: str) -> str:
    """A text with a full stop at its end, and one only.

    >>> sentence("conv1: 14%")
    'conv1: 14%.'
    """
    return f"{text.rstrip('.')}."


def slug(state: str) -> str:
    """A verdict as the value of an attribute.

    >>> slug("cannot be told")
    'cannot-be-told'
    """
    return state.replace(" ", "-")
