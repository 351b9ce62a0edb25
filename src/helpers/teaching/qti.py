"""Questions as a content package of QTI 2.1, which Canvas, ILIAS, OpenOlat and others import."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, fromstring

from helpers.teaching.bank import NOTICE, TITLE, Question, as_html, as_list, as_xml

_QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
_PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
_LOM = "http://ltsc.ieee.org/xsd/LOM"
_DATE = (1980, 1, 1, 0, 0, 0)  # the same questions give the same bytes
_INTERACTIONS = {
    "choice": "choiceInteraction",
    "number": "textEntryInteraction",
    "pair": "textEntryInteraction",
}


def qti_package(questions: Iterable[Question]) -> bytes:
    """Pack questions into a zip: a file for each item, a test that holds them all, pictures, the manifest.

    A pair is asked in two fields. Outcomes are `SCORE`, 0 or 1, and two that choose what is shown
    afterwards: `FEEDBACK`, which is a reply's own, and `STEPS`.
    """
    bank = list(questions)
    files = {"imsmanifest.xml": as_xml(_manifest(bank)), "test.xml": as_xml(_test(bank))}
    for question in bank:
        files[_item_file(question)] = qti_item(question)
        if question.picture:
            files[_picture_file(question)] = question.picture
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return packed.getvalue()


def qti_item(question: Question) -> bytes:
    """Write one question as an `assessmentItem`."""
    item = Element("assessmentItem", xmlns=_QTI, identifier=question.identifier, title=question.title)
    item.attrib |= {"adaptive": "false", "timeDependent": "false", "toolName": TITLE, "xml:lang": "en"}
    right = next(place for place, reply in enumerate(question.replies, 1) if reply.is_right)
    for variable, value in _responses(question, right).items():
        kind = "identifier" if question.form == "choice" else "integer"
        declared = SubElement(
            item, "responseDeclaration", identifier=variable, cardinality="single", baseType=kind
        )
        SubElement(SubElement(declared, "correctResponse"), "value").text = value
    for variable, kind in {"SCORE": "float", "FEEDBACK": "identifier", "STEPS": "identifier"}.items():
        declared = SubElement(
            item, "outcomeDeclaration", identifier=variable, cardinality="single", baseType=kind
        )
        if kind == "float":
            SubElement(SubElement(declared, "defaultValue"), "value").text = "0"
    item.append(_body(question))
    item.append(_processing(question))
    for place, reply in enumerate(question.replies, 1):
        _feedback(item, "FEEDBACK", f"reply-{place}", as_html(reply.feedback))
    if question.steps or question.picture:
        feedback = _feedback(item, "STEPS", "shown", as_list(question.steps))
        if question.picture:
            image = SubElement(SubElement(feedback, "p"), "img", alt=question.alt)
            image.set("src", f"../{_picture_file(question)}")
    return as_xml(item)


def _responses(question: Question, place: int) -> dict[str, str]:
    """The variables of a question, and what they hold after the reply at that place."""
    if question.form == "choice":
        return {"RESPONSE": f"reply-{place}"}
    numbers = question.replies[place - 1].answer.split(", ")
    names = ["RESPONSE"] if question.form == "number" else ["RESPONSE1", "RESPONSE2"]
    return dict(zip(names, numbers, strict=True))


def _body(question: Question) -> Element:
    body = Element("itemBody")
    if question.form == "choice":
        body.extend(_flow(as_html(question.text)))
        asked = SubElement(body, "choiceInteraction", responseIdentifier="RESPONSE", maxChoices="1")
        asked.set("shuffle", "false" if question.is_ordered else "true")
        for place, reply in enumerate(question.replies, 1):
            offered = SubElement(asked, "simpleChoice", identifier=f"reply-{place}")
            offered.extend(_flow(as_html(reply.answer)))
        return body
    body.extend(_flow(as_html(question.text)))
    line = SubElement(body, "p")
    for place, variable in enumerate(_responses(question, 1)):
        field = SubElement(line, "textEntryInteraction", responseIdentifier=variable, expectedLength="6")
        field.tail = ", " if place == 0 and question.form == "pair" else None
    return body


def _processing(question: Question) -> Element:
    """What follows from a response: a number of the right reply, the feedback of the one that was met."""
    processing = Element("responseProcessing")
    condition = SubElement(processing, "responseCondition")
    for place, reply in enumerate(question.replies, 1):
        met = SubElement(condition, "responseElseIf" if len(condition) else "responseIf")
        _put_test(met, question, place)
        if reply.is_right:
            _set(met, "SCORE", "float", "1")
        _set(met, "FEEDBACK", "identifier", f"reply-{place}")
    if question.steps or question.picture:
        _set(processing, "STEPS", "identifier", "shown")
    return processing


def _put_test(parent: Element, question: Question, place: int) -> None:
    values = _responses(question, place)
    parent = SubElement(parent, "and") if len(values) > 1 else parent
    for variable, value in values.items():
        match = SubElement(parent, "match")
        SubElement(match, "variable", identifier=variable)
        kind = "identifier" if question.form == "choice" else "integer"
        SubElement(match, "baseValue", baseType=kind).text = value


def _set(parent: Element, variable: str, kind: str, value: str) -> None:
    SubElement(
        SubElement(parent, "setOutcomeValue", identifier=variable), "baseValue", baseType=kind
    ).text = value


def _feedback(item: Element, outcome: str, value: str, html: str) -> Element:
    shown = SubElement(item, "modalFeedback", outcomeIdentifier=outcome, identifier=value, showHide="show")
    shown.extend(_flow(html))
    return shown


def _flow(html: str) -> Sequence[Element]:
    return list(fromstring(f"<div>{html}</div>"))


def _test(bank: Sequence[Question]) -> Element:
    test = Element("assessmentTest", xmlns=_QTI, identifier="all-questions", title=TITLE)
    part = SubElement(test, "testPart", identifier="questions", navigationMode="nonlinear")
    part.set("submissionMode", "individual")
    SubElement(part, "itemSessionControl", maxAttempts="0", showFeedback="true")  # 0: as often as you like
    for place, (folder, together) in enumerate(groupby(bank, key=lambda each: each.folder), 1):
        title = ": ".join(folder[1:])
        section = SubElement(part, "assessmentSection", identifier=f"folder-{place}", title=title)
        section.set("visible", "true")
        for each in together:
            SubElement(section, "assessmentItemRef", identifier=each.identifier, href=_item_file(each))
    return test


def _manifest(bank: Sequence[Question]) -> Element:
    manifest = Element("manifest", xmlns=_PACKAGE, identifier="stride-and-padding")
    metadata = SubElement(manifest, "metadata")
    SubElement(metadata, "schema").text = "QTIv2.1 Package"
    SubElement(metadata, "schemaversion").text = "1.0.0"
    metadata.append(_learning_object(TITLE, ()))
    SubElement(manifest, "organizations")
    resources = SubElement(manifest, "resources")
    test = SubElement(resources, "resource", identifier="test", type="imsqti_test_xmlv2p1", href="test.xml")
    SubElement(test, "file", href="test.xml")
    for each in bank:
        SubElement(test, "dependency", identifierref=f"item-{each.identifier}")
        resource = SubElement(resources, "resource", identifier=f"item-{each.identifier}")
        resource.attrib |= {"type": "imsqti_item_xmlv2p1", "href": _item_file(each)}
        SubElement(resource, "metadata").append(_learning_object(each.title, each.folder[1:]))
        SubElement(resource, "file", href=_item_file(each))
        if each.picture:
            SubElement(resource, "file", href=_picture_file(each))
    return manifest


def _learning_object(title: str, keywords: Sequence[str]) -> Element:
    """Title, origin and license, as IEEE's Learning Object Metadata have them."""
    lom = Element("lom", xmlns=_LOM)
    general = SubElement(lom, "general")
    _words(SubElement(general, "title"), title)
    SubElement(general, "language").text = "en"
    for keyword in keywords:
        _words(SubElement(general, "keyword"), keyword)
    rights = SubElement(lom, "rights")
    restricted = SubElement(rights, "copyrightAndOtherRestrictions")
    SubElement(restricted, "source").text = "LOMv1.0"
    SubElement(restricted, "value").text = "yes"
    _words(SubElement(rights, "description"), f"{NOTICE}")
    return lom


def _words(parent: Element, text: str) -> None:
    SubElement(parent, "string", language="en").text = text


def _item_file(question: Question) -> str:
    return f"items/{question.identifier}.xml"


def _picture_file(question: Question) -> str:
    return f"pictures/{question.identifier}.png"
