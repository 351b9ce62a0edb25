"""The questions of the book for courses: as Moodle XML, as a QTI 2.1 package, as JSON."""

from helpers.teaching.bank import (
    Question,
    Reply,
    Revealing,
    bank_json,
    drill_questions,
    misconception_tables,
    quiz_questions,
    revealing_drills,
)
from helpers.teaching.moodle import moodle_xml
from helpers.teaching.qti import qti_item, qti_package

__all__ = [
    "Question",
    "Reply",
    "Revealing",
    "bank_json",
    "drill_questions",
    "misconception_tables",
    "moodle_xml",
    "qti_item",
    "qti_package",
    "quiz_questions",
    "revealing_drills",
]
