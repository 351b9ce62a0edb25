"""Links in the outputs of cells: by notebook where code runs, by page in the book."""

from types import SimpleNamespace

import notebook_links
import pytest

LABELS = {"mnist": ("notebooks/10_mnist", "mnist"), "data": ("book/data", "data")}


def resolved(body, *, page="notebooks/14_claims", builder="html"):
    """The body of a page as Sphinx would write it."""
    app = SimpleNamespace(
        env=SimpleNamespace(domaindata={"std": {"anonlabels": LABELS}}),
        builder=SimpleNamespace(name=builder, get_relative_uri=lambda _, to: f"../{to}.html"),
    )
    context = {"body": body}
    notebook_links.resolve(app, page, "page.html", context, None)
    return context["body"]


@pytest.fixture
def warned(monkeypatch):
    """What Sphinx would be warned of."""
    heard = []
    monkeypatch.setattr(
        notebook_links.logger, "warning", lambda text, *arguments: heard.append(text % arguments)
    )
    return heard


def test_a_link_to_a_notebook_leads_to_its_page(warned):
    link = '<a href="10_mnist.ipynb#mnist">Chapter 10</a>'
    assert resolved(link) == '<a href="../notebooks/10_mnist.html#mnist">Chapter 10</a>'
    assert resolved(link, builder="singlehtml") == '<a href="#mnist">Chapter 10</a>'
    assert warned == []


def test_other_links_stay(warned):
    links = '<a href="10_mnist.html#mnist"></a><a href="#M-01"></a><a href="10_mnist.ipynb">notebook</a>'
    assert resolved(links) == links
    assert warned == []


@pytest.mark.parametrize("link", ["10_mnist.ipynb#nowhere", "11_sequences.ipynb#mnist"])
def test_a_link_that_leads_nowhere_is_a_warning(link, warned):
    assert resolved(f'<a href="{link}">') == f'<a href="{link}">'
    (warning,) = warned
    name, label = link.split(".ipynb#")
    assert f"no label {label} in {name}.ipynb" in warning


def test_a_page_without_a_body_is_left_alone():
    context = {}
    notebook_links.resolve(
        SimpleNamespace(env=SimpleNamespace(domaindata={"std": {"anonlabels": LABELS}})),
        "search",
        "",
        context,
        None,
    )
    assert context == {}
