"""The questions of our own: a statement for each rule that decides no claim of a source."""

from collections.abc import Mapping

from study.ledger import CLAIMS
from study.ledger.claim import Measured

QUESTIONS: Mapping[str, str] = {
    "Q-01": "(2, valid) is more accurate with a last map of 2x2 than of 1x1.",
    "Q-02": "(2, valid) is more accurate when it reads every pixel.",
    "Q-03": "(1, valid) is more accurate when it reads every pixel.",
    "Q-04": "(2, valid) is more accurate on digits away from what it never reads.",
    "Q-05": "(1, valid) is less accurate than (1, same) on digits at the edge.",
    "Q-06": "Reflected padding is as accurate as zeros, on digits at the edge.",
    "Q-07": "(1, same) is more accurate than (2, same), at equal parameters.",
    "Q-08": "(1, same) is more accurate than (2, same), at equal receptive field.",
    "Q-09": "(1, same) is more accurate than (2, same), at equal cost.",
    "Q-10": "Max-pooling keeps more answers under shifts than stride in its place.",
    "Q-11": "A blur before the stride keeps more answers under shifts.",
    "Q-12": "Ten convolutions are more accurate with same than with valid padding.",
    "Q-13": "B is more accurate than A, where both read every pixel.",
    "Q-14": "B is more accurate than A, at equal parameters.",
    "Q-15": "B is more accurate than A, at equal receptive field.",
    "Q-16": "B is more accurate than A, at equal cost.",
    "Q-17": "Stride 2 in place of B's first pooling is as accurate as B.",
    "Q-18": "B is less accurate than A on noisy test images.",
    "Q-19": "B is more accurate than A after thirty epochs.",
    "Q-20": "B overfits more than A after thirty epochs.",
    "Q-21": "The BiLSTM on B's convolutions is less accurate than B's dense layers.",
    "Q-22": "C is more accurate in order than with its steps shuffled.",
    "Q-23": "14 rows as steps are more accurate than 196 pixels, at C's parameters.",
    "Q-24": "Columns as steps are as accurate as rows.",
}
"""The statements, by the ids of the rules that decide them."""


def says(rule: str) -> str:
    """The statement that a rule decides: of one of our questions, or the measured half of a claim.

    >>> says("Q-19")
    'B is more accurate than A after thirty epochs.'
    """
    if rule in QUESTIONS:
        return QUESTIONS[rule]
    claim = CLAIMS[rule]
    about = next(part.about for part in claim.parts if isinstance(part, Measured))
    return f"{claim.statement} Judged here: {about}." if about else claim.statement
