"""The ledger as a page shows it: guesses, table and advice, which read and fold without a script.

Each is given what `helpers.claims.judge_all` found, and types no verdict of its own.
"""

from helpers.claims.page.advising import advice
from helpers.claims.page.guessing import guesses
from helpers.claims.page.headlining import headlines
from helpers.claims.page.markup import Shown
from helpers.claims.page.sections import SECTIONS
from helpers.claims.page.table import ledger
from helpers.claims.page.turning import toward

__all__ = ["SECTIONS", "Shown", "advice", "guesses", "headlines", "ledger", "toward"]
