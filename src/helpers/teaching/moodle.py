"""Questions as Moodle XML, which Moodle's question bank imports."""

import base64
from collections.abc import Iterable
from html import escape
from itertools import groupby
from xml.etree.ElementTree import Comment, Element, SubElement

from helpers.teaching.bank import NOTICE, Question, Reply, as_html, as_list, as_xml

_TOP = "$course$/top"  # Moodle puts the categories into the question bank of the course


def moodle_xml(questions: Iterable[Question]) -> bytes:
    """Write questions as one file of Moodle XML, a category for each folder.

    A choice becomes a question of type `multichoice`, a number one of type `numerical`, and a pair a
    `shortanswer` that takes the two numbers with a comma, a blank or both between them. Each answer that is
    foreseen brings its feedback, the steps are the general feedback, and a picture lies in the file.
    The format is the one that https://docs.moodle.org/en/Moodle_XML_format describes.
    """
    quiz = Element("quiz")
    quiz.append(Comment(f" {NOTICE} "))
    for folder, together in groupby(questions, key=lambda question: question.folder):
        quiz.append(_category(folder))
        quiz.extend(map(_question, together))
    return as_xml(quiz)


def _category(folder: tuple[str, ...]) -> Element:
    entry = Element("question", type="category")
    path = "/".join([_TOP, *(name.replace("/", "//") for name in folder)])
    SubElement(SubElement(entry, "category"), "text").text = path
    _put(entry, "info", f"<p>{escape(NOTICE)}</p>")
    return entry


def _question(question: Question) -> Element:
    kind = {"choice": "multichoice", "number": "numerical", "pair": "shortanswer"}[question.form]
    entry = Element("question", type=kind)
    SubElement(SubElement(entry, "name"), "text").text = question.title
    _put(entry, "questiontext", as_html(question.text))
    picture = f'<p><img src="@@PLUGINFILE@@/picture.png" alt="{escape(question.alt)}"></p>'
    feedback = _put(entry, "generalfeedback", as_list(question.steps) + (picture if question.picture else ""))
    if question.picture:
        file = SubElement(feedback, "file", name="picture.png", path="/", encoding="base64")
        file.text = base64.b64encode(question.picture).decode()
    settings = {"defaultgrade": "1", "penalty": "0.3333333", "hidden": "0", "idnumber": question.identifier}
    if question.form == "choice":
        shuffled = "false" if question.is_ordered else "true"
        settings |= {"single": "true", "shuffleanswers": shuffled, "answernumbering": "abc"}
    elif question.form == "pair":
        settings["usecase"] = "0"
    for name, value in settings.items():
        SubElement(entry, name).text = value
    for reply in question.replies:
        entry.extend(_answers(reply, question.form))
    if question.form == "number":
        for name, value in {"unitgradingtype": "0", "unitpenalty": "0.1", "showunits": "3"}.items():
            SubElement(entry, name).text = value  # 3: no unit is asked for
    tags = SubElement(entry, "tags")
    for tag in question.tags:
        SubElement(SubElement(tags, "tag"), "text").text = tag
    return entry


def _answers(reply: Reply, form: str) -> list[Element]:
    """A reply as the answers that Moodle compares with; people write a pair in several ways."""
    texts = [reply.answer]
    if form == "choice":
        texts = [as_html(reply.answer)]
    elif form == "pair":
        texts = [reply.answer.replace(", ", between) for between in (", ", ",", " ")]
    answers = []
    for text in texts:
        kind = "html" if form == "choice" else "moodle_auto_format"
        answer = Element("answer", fraction="100" if reply.is_right else "0", format=kind)
        SubElement(answer, "text").text = text
        _put(answer, "feedback", as_html(reply.feedback))
        if form == "number":
            SubElement(answer, "tolerance").text = "0"
        answers.append(answer)
    return answers


def _put(parent: Element, name: str, html: str) -> Element:
    """Put HTML into a child; Moodle reads it as text, so its signs are escaped once more."""
    child = SubElement(parent, name, format="html")
    SubElement(child, "text").text = html
    return child
