"""The question bank: all is in it, each format is valid, and what is read back is what was written."""

import base64
import io
import json
import re
import zipfile
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema

from helpers import teaching
from helpers.chapter import chapters, questions
from helpers.drills import KINDS, MISCONCEPTIONS
from helpers.teaching import (
    Question,
    Reply,
    bank_json,
    drill_questions,
    moodle_xml,
    qti_item,
    qti_package,
    quiz_questions,
    revealing_drills,
)
from helpers.teaching.__main__ import main

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
DRILLS = 8  # of each kind: two of each level
QTI = {"": "http://www.imsglobal.org/xsd/imsqti_v2p1"}
PACKAGE = {"": "http://www.imsglobal.org/xsd/imscp_v1p1", "lom": "http://ltsc.ieee.org/xsd/LOM"}
SIGNS = "a < b & \"c\" ]]> 'd' <b>é → −1</b> 卷积 `k > s`"
HOSTILE = Question(
    "signs-1",
    SIGNS,
    ("Stride and Padding", "Signs", "and / or"),
    "choice",
    f"{SIGNS}\nsecond line",
    (Reply(SIGNS, False, f"no {SIGNS}"), Reply(f"{SIGNS} too", True, f"yes {SIGNS}")),
    (SIGNS, "done"),
)


@cache
def bank():
    """Every question of a quiz, some drills of each kind, and one that is full of signs."""
    quizzes = [question for name in chapters() for question in quiz_questions(name)]
    drills = [each for kind in KINDS for each in drill_questions(kind, count=DRILLS, seed=3)]
    return [*quizzes, *drills, HOSTILE]


@cache
def schema(name):
    return xmlschema.XMLSchema(str(SCHEMAS / name))


@cache
def package():
    with zipfile.ZipFile(io.BytesIO(qti_package(bank()))) as archive:
        assert archive.testzip() is None
        assert len(set(archive.namelist())) == len(archive.namelist())
        return {name: archive.read(name) for name in archive.namelist()}


def item(question):
    return ElementTree.fromstring(package()[f"items/{question.identifier}.xml"])


class Words(HTMLParser):
    """Blocks of HTML as lines of text, code between backticks, and the sources of pictures."""

    def __init__(self, html):
        super().__init__()
        self.lines, self.pictures, self.is_code = [""], [], False
        self.feed(html)
        lines = [re.sub(r"\n\s+", "\n", line.strip()) for line in self.lines]  # files are indented
        self.lines = [line for line in lines if line]

    def handle_starttag(self, tag, attributes):
        assert tag in ("p", "ol", "li", "code", "br", "img", "simplechoice"), tag
        if tag == "p":
            self.lines.append("")
        elif tag in ("code", "br"):
            self.lines[-1] += {"code": "`", "br": "\n"}[tag]
        elif tag == "img":
            self.pictures.append(dict(attributes))

    def handle_endtag(self, tag):
        if tag == "code":
            self.lines[-1] += "`"

    def handle_data(self, data):
        self.lines[-1] += data


def flow(element):
    """What stands in an element of QTI, as `Words` reads it; interactions are left out."""
    html = "".join(ElementTree.tostring(each, encoding="unicode") for each in element)
    return Words(re.sub(r' xmlns:ns0="[^"]*"|</?ns0:\w+Interaction\b.*?>|ns0:', "", html))


def test_all_that_the_book_asks_is_there_once():
    quizzes = [each for each in bank() if each.identifier.startswith("quiz-")]
    assert [each.text for each in quizzes] == [
        asked["question"] for name in chapters() for asked in questions(name)
    ]
    drills = [each for each in bank() if each.identifier.startswith("drill-")]
    assert len(drills) == DRILLS * len(KINDS)
    assert len({each.identifier for each in bank()}) == len(bank())
    assert len({each.text for each in drills}) == len(drills)


def test_one_answer_is_right_and_each_is_explained():
    for question in bank():
        assert sum(reply.is_right for reply in question.replies) == 1, question
        assert all(reply.feedback.strip() for reply in question.replies), question
        assert len({reply.answer for reply in question.replies}) == len(question.replies), question


def test_a_wrong_number_of_a_drill_is_told_what_was_thought():
    told = [
        any(words in reply.feedback for words in MISCONCEPTIONS.values())
        for each in bank()
        if each.identifier.startswith("drill-") and each.form != "choice"
        for reply in each.replies
        if not reply.is_right
    ]
    assert len(told) > DRILLS
    assert all(told)


def test_moodle_xml_keeps_its_schema():
    schema("moodle.xsd").validate(io.BytesIO(moodle_xml(bank())))


def test_the_package_keeps_the_schemas_of_qti():
    schema("manifest.xsd").validate(io.BytesIO(package()["imsmanifest.xml"]))
    items = [name for name in package() if name.startswith("items/")]
    assert len(items) == len(bank())
    for name in [*items, "test.xml"]:
        schema("qti.xsd").validate(io.BytesIO(package()[name]))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('responseIdentifier="RESPONSE"', 'responseIdentifier="OTHER"'),
        ('<simpleChoice identifier="reply-2"', '<simpleChoice identifier="reply-1"'),
        (
            'outcomeIdentifier="FEEDBACK" identifier="reply-2"',
            'outcomeIdentifier="FEEDBACK" identifier="reply-1"',
        ),
        ('cardinality="single"', 'cardinality="one"'),
        ("<itemBody>", "<itemBody>words"),
        (' adaptive="false"', ""),
    ],
)
def test_the_schema_refuses_what_qti_does(old, new):
    text = qti_item(HOSTILE).decode()
    assert old in text
    assert not schema("qti.xsd").is_valid(io.BytesIO(text.replace(old, new, 1).encode()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('fraction="100"', 'fraction="110"'),
        ('type="multichoice"', 'type="choice"'),
        ("<idnumber>quiz-02_stride-2<", "<idnumber>quiz-02_stride-1<"),
        ("<penalty>0.3333333<", "<penalty>a third<"),
        ('<answer fraction="0"', '<answer share="0"'),
    ],
)
def test_the_schema_refuses_what_moodle_would(old, new):
    text = moodle_xml(quiz_questions("02_stride")).decode()
    assert old in text
    assert not schema("moodle.xsd").is_valid(io.BytesIO(text.replace(old, new, 1).encode()))


def test_json_keeps_its_schema_and_is_read_back():
    described = json.loads((Path(teaching.__file__).parent / "bank.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(described)
    written = json.loads(bank_json(bank()))
    jsonschema.Draft202012Validator(described).validate(written)
    assert [from_json(each) for each in written["questions"]] == bank()
    written["questions"][0]["answers"][1]["correct"] = True
    with pytest.raises(jsonschema.ValidationError, match="Too many"):
        jsonschema.Draft202012Validator(described).validate(written)


def from_json(each):
    picture = each["picture"] or {"address": "data:image/png;base64,", "alt": ""}
    return Question(
        each["identifier"],
        each["title"],
        tuple(each["folder"]),
        each["form"],
        each["question"],
        tuple(Reply(reply["answer"], reply["correct"], reply["feedback"]) for reply in each["answers"]),
        tuple(each["steps"]),
        base64.b64decode(picture["address"].split(",")[1]),
        picture["alt"],
        each["ordered"],
    )


FORMS = {"multichoice": "choice", "numerical": "number", "shortanswer": "pair"}


def from_moodle(entry, folder):
    def html(element):
        return Words(element.find("text").text or "")

    form = FORMS[entry.get("type")]
    replies = {}
    for answer in entry.iter("answer"):
        text = answer.find("text").text
        words = {"choice": lambda html: Words(html).lines[0], "number": str, "pair": pair}[form](text)
        (feedback,) = html(answer.find("feedback")).lines
        reply = Reply(words, answer.get("fraction") == "100", feedback)
        assert replies.setdefault(words, reply) == reply
    general = entry.find("generalfeedback")
    shown, file = html(general), general.find("file")
    if file is not None:
        assert [picture["src"] for picture in shown.pictures] == [f"@@PLUGINFILE@@/{file.get('name')}"]
    return Question(
        entry.find("idnumber").text,
        entry.find("name/text").text,
        folder,
        form,
        html(entry.find("questiontext")).lines[0],
        tuple(replies.values()),
        tuple(shown.lines),
        b"" if file is None else base64.b64decode(file.text),
        shown.pictures[0]["alt"] if shown.pictures else "",
        entry.findtext("shuffleanswers", "false") == "false",
    )


def pair(text):
    """A pair as Moodle compares it, with a comma, a blank or both."""
    first, second = text.replace(",", " ").split()
    return f"{first}, {second}"


def test_moodle_xml_is_read_back_as_it_was():
    found, folder = [], ()
    for entry in ElementTree.fromstring(moodle_xml(bank())).iter("question"):
        if entry.get("type") == "category":
            course, top, *names = entry.find("category/text").text.replace("//", "\0").split("/")
            assert (course, top) == ("$course$", "top")
            folder = tuple(name.replace("\0", "/") for name in names)
        else:
            found.append(from_moodle(entry, folder))
    assert found == bank()


def test_a_pair_may_be_written_to_moodle_in_three_ways():
    each = next(each for each in bank() if each.form == "pair")
    right = each.replies[0].answer
    entry = ElementTree.fromstring(moodle_xml([each])).findall("question")[1]
    written = {answer.find("text").text for answer in entry.iter("answer") if answer.get("fraction") == "100"}
    assert written == {right, right.replace(" ", ""), right.replace(",", "")}


def processed(root, responses):
    """Score, and what is shown, after responses: the part of response processing that the bank uses."""
    values = {"SCORE": "0", "FEEDBACK": None, "STEPS": None}

    def holds(test):
        if test.tag.endswith("}and"):
            return all(map(holds, test))
        variable, constant = test
        return responses.get(variable.get("identifier")) == constant.text

    def perform(rules):
        for rule in rules:
            if rule.tag.endswith("}setOutcomeValue"):
                values[rule.get("identifier")] = rule[0].text
            elif rule.tag.endswith("}responseCondition"):
                met = next((branch for branch in rule if holds(branch[0])), None)
                perform(() if met is None else met[1:])

    perform(root.find("responseProcessing", QTI))
    shown = [
        flow(each)
        for each in root.findall("modalFeedback", QTI)
        if values[each.get("outcomeIdentifier")] == each.get("identifier")
    ]
    return values["SCORE"], shown


def typed(root, question, place):
    """What a student leaves in the interactions who gives the reply at that place."""
    names = [each.get("identifier") for each in root.findall("responseDeclaration", QTI)]
    if question.form == "choice":
        offered = root.findall(".//simpleChoice", QTI)
        return {"RESPONSE": offered[place].get("identifier")}
    return dict(zip(names, question.replies[place].answer.split(", "), strict=True))


def check_item(question):
    """An item shows what the question holds, and scores and answers each reply."""
    root = item(question)
    assert root.get("title") == question.title
    assert flow(root.find("itemBody", QTI)).lines[0] == question.text
    offered = [flow(each).lines[0] for each in root.findall(".//simpleChoice", QTI)]
    assert offered == [reply.answer for reply in question.replies if question.form == "choice"]
    for place, reply in enumerate(question.replies):
        responses = typed(root, question, place)
        score, (feedback, *steps) = processed(root, responses)
        assert score == ("1" if reply.is_right else "0")
        assert feedback.lines == [reply.feedback]
        assert [line for each in steps for line in each.lines] == list(question.steps)
        if reply.is_right:
            declared = {
                each.get("identifier"): each.find("correctResponse/value", QTI).text
                for each in root.findall("responseDeclaration", QTI)
            }
            assert declared == responses
    if question.form != "choice":
        score, shown = processed(root, dict.fromkeys(typed(root, question, 0), "-7"))
        assert score == "0"
        assert len(shown) == bool(question.steps)


def test_an_item_scores_and_answers_each_reply():
    for question in bank():
        check_item(question)


def test_the_manifest_names_what_is_in_the_zip_and_nothing_else():
    manifest = ElementTree.fromstring(package()["imsmanifest.xml"])
    named = {file.get("href") for file in manifest.iterfind(".//file", PACKAGE)}
    assert named == set(package()) - {"imsmanifest.xml"}
    listed = ElementTree.fromstring(package()["test.xml"]).findall(".//assessmentItemRef", QTI)
    assert [each.get("href") for each in listed] == [f"items/{each.identifier}.xml" for each in bank()]


def test_a_solution_that_is_a_row_of_pixels_is_drawn_once_for_all_formats():
    drawn = [each for each in bank() if each.picture]
    assert len(drawn) >= DRILLS // 4
    for each in drawn:
        assert each.picture.startswith(b"\x89PNG")
        assert len(each.picture) < 30_000
        assert "window" in each.alt
        assert package()[f"pictures/{each.identifier}.png"] == each.picture
        (picture,) = flow(item(each).findall("modalFeedback", QTI)[-1]).pictures
        assert picture == {"src": f"../pictures/{each.identifier}.png", "alt": each.alt}


def test_each_format_says_whose_the_questions_are_and_under_which_license():
    moodle = ElementTree.fromstring(moodle_xml(bank()))
    entries = [each for each in moodle.iter("question") if each.get("type") != "category"]
    assert all("CC BY 4.0" in [tag.findtext("text") for tag in each.iter("tag")] for each in entries)
    manifest = ElementTree.fromstring(package()["imsmanifest.xml"])
    rights = manifest.findall(".//lom:rights/lom:description/lom:string", PACKAGE)
    assert len(rights) == 1 + len(bank())
    infos = [each.text for each in moodle.findall("question/info/text")]
    said = [*infos, *(each.text for each in rights), json.loads(bank_json(bank()))["attribution"]]
    assert all("the developers of Stride and Padding" in each and "CC BY 4.0" in each for each in said)


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others():
    kind = next(iter(KINDS))
    first, again, other = (drill_questions(kind, count=1, seed=seed) for seed in (1, 1, 2))
    for write in (moodle_xml, qti_package, bank_json):
        assert write(first) == write(again) != write(other)


def test_a_drill_keeps_its_level_and_may_go_without_its_picture():
    kind = next(iter(KINDS))
    drills = drill_questions(kind, count=3, level=2)
    assert {each.folder[-1] for each in drills} == {"Level 2"}
    bare = drill_questions(kind, count=3, level=2, pictures=False)
    assert bare == [replace(each, picture=b"", alt="") for each in drills]
    assert drill_questions(kind, count=0) == []


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"kind": "sizes"}, ValueError, r"kind must be one of .*, got 'sizes'"),
        ({"kind": 3}, TypeError, "kind must be a string, got 3"),
        ({"count": -1}, ValueError, "count must be at least 0, got -1"),
        ({"count": 2.0}, TypeError, "count must be a whole number, got 2.0"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"level": 9}, ValueError, "level must be at most 4, got 9"),
        ({"count": 1_000, "level": 1}, ValueError, r"count must be at most \d+, .*, got 1000"),
    ],
)
def test_drills_that_do_not_exist_are_refused(changes, error, message, monkeypatch):
    monkeypatch.setattr("helpers.teaching.bank._TRIES", 1)  # so that a kind runs out of drills at once
    with pytest.raises(error, match=message):
        drill_questions(**{"kind": next(iter(KINDS)), "count": 1, "pictures": False} | changes)


def test_a_chapter_without_a_quiz_is_refused():
    with pytest.raises(ValueError, match=r"chapter must be one of '01_convolution'.*, got '99'"):
        quiz_questions("99")


def test_a_revealing_number_has_one_explanation():
    rows = revealing_drills()
    assert len({row.misconception for row in rows}) == len(rows)
    for row in rows:
        assert [each.misconception for each in row.drill.mistakes if each.answer == row.answer] == [
            row.misconception
        ]
    assert len(rows) >= 0.6 * len(MISCONCEPTIONS)


def command(*arguments):
    return main([*arguments, "--drills", "1", "--no-pictures"])


@pytest.mark.parametrize("name", ["moodle", "qti", "json"])
def test_the_command_writes_the_part_that_was_asked_for(name, tmp_path, capsys):
    out, kind = tmp_path / "questions", next(iter(KINDS))
    assert command("--format", name, "--quizzes", "02_stride", "--kinds", kind, "--out", str(out)) == 0
    bank = [*quiz_questions("02_stride"), *drill_questions(kind, count=1, pictures=False)]
    assert out.read_bytes() == {"moodle": moodle_xml, "qti": qti_package, "json": bank_json}[name](bank)
    assert "5 questions" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quizzes", "--kinds"], "the bank must hold a question"),
        (["--quizzes", "2", "--kinds"], "chapter must be one of"),
        (["--quizzes", "--kinds", "sizes"], "kind must be one of"),
        (["--quizzes", "02_stride", "--kinds", "--out", "no/where/x.xml"], "No such file or directory"),
    ],
)
def test_the_command_says_in_one_line_what_is_wrong_and_leaves_nothing(arguments, message, tmp_path, capsys):
    out = tmp_path / "questions"
    assert command("--format", "json", "--out", str(out), *arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_is_cut_off_leaves_the_old_one(tmp_path, monkeypatch):
    out = tmp_path / "questions"
    out.write_text("old")

    def fail(self, target):
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "replace", fail)
    assert command("--format", "json", "--quizzes", "02_stride", "--kinds", "--out", str(out)) == 1
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]
