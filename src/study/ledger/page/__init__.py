"""The ledger as a page shows it: guesses, table and advice, which read and fold without a script.

Each is given what `study.ledger.judge_all` found, and types no verdict of its own.
"""

from study.ledger.page.advising import advice
from study.ledger.page.guessing import guesses
from study.ledger.page.headlining import headlines
from study.ledger.page.markup import Shown
from study.ledger.page.sections import SECTIONS
from study.ledger.page.table import ledger
from study.ledger.page.turning import toward

__all__ = ["SECTIONS", "Shown", "advice", "guesses", "headlines", "ledger", "toward"]
