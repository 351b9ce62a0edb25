"""Exercises without end on sizes, padding, fields and cost, and what a wrong answer was thinking."""

from helpers.drills.answers import Diagnosis, diagnose
from helpers.drills.making import KINDS, MISCONCEPTIONS, DrillKind, Exercise, Mistake, exercise, sheet

__all__ = [
    "KINDS",
    "MISCONCEPTIONS",
    "Diagnosis",
    "DrillKind",
    "Exercise",
    "Mistake",
    "diagnose",
    "exercise",
    "sheet",
]
