"""What the five write-ups printed, as data: their worked examples, and the numbers of their experiments.

The numbers are in `helpers.sources.published`.
"""

from helpers.sources.worked import WORKED_4X4, WORKED_5X5, WORKED_7X7, Slip, WorkedExample

__all__ = ["WORKED_4X4", "WORKED_5X5", "WORKED_7X7", "Slip", "WorkedExample"]
