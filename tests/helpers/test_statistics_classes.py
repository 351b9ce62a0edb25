"""Numbers class by class against their definitions, image by image; differences against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from helpers.statistics import cell_differences, class_report, row_shares
from study.records import Epoch, Outcome, Record, capture, confusions

CLASSES = 4
LABELS = st.lists(st.integers(0, CLASSES - 1), min_size=1, max_size=60).map(
    lambda more: [*range(CLASSES), *more]  # every class has an image
)
EPOCH = Epoch(
    epoch=1, train_loss=1.0, train_accuracy=0.5, validation_loss=1.0, validation_accuracy=0.5, seconds=1.0
)


def confusion_of(truth, prediction):
    counts = np.zeros((CLASSES, CLASSES), dtype=int)
    np.add.at(counts, (truth, prediction), 1)
    return counts


def by_hand(truth, prediction, which):
    """Precision, recall and F1 of one class, from the images."""
    pairs = list(zip(truth, prediction, strict=True))
    right = sum(true == which == said for true, said in pairs)
    said, true = sum(said == which for _, said in pairs), sum(true == which for true, _ in pairs)
    precision, recall = right / said if said else 0.0, right / true
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return precision, recall, f1


@given(LABELS, st.randoms(use_true_random=False))
def test_precision_recall_and_f1_are_what_counting_images_gives(truth, random):
    prediction = [random.randrange(CLASSES) for _ in truth]
    report = class_report(confusion_of(truth, prediction))
    for which in range(CLASSES):
        expected = by_hand(truth, prediction, which)
        assert [values[which] for values in report] == pytest.approx(expected)


def test_a_class_that_is_never_given_has_zeros():
    report = class_report([[0, 5], [0, 7]])
    assert [values[0] for values in report] == [0.0, 0.0, 0.0]


def test_several_runs_at_once_are_each_run_alone():
    runs = np.random.default_rng(0).integers(1, 50, (3, CLASSES, CLASSES))
    together = class_report(runs)
    for place, run in enumerate(runs):
        for at_once, alone in zip(together, class_report(run), strict=True):
            np.testing.assert_array_equal(at_once[place], alone)


@given(LABELS, st.randoms(use_true_random=False))
def test_rows_of_shares_add_up_to_one_and_hold_recall(truth, random):
    counts = confusion_of(truth, [random.randrange(CLASSES) for _ in truth])
    shares = row_shares(counts)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_allclose(np.diag(shares), class_report(counts).recall)


@pytest.mark.parametrize(
    ("confusion", "complaint"),
    [
        ([[1, 2, 3], [4, 5, 6]], "shape"),
        ([1, 2], "shape"),
        (np.zeros((0, 0)), "shape"),
        ([[1, -2], [0, 3]], "-2"),
        ([[1, float("nan")], [0, 3]], "nan"),
        ([[1, 2], [0, 0]], "row of zeros"),
    ],
)
def test_what_is_no_confusion_matrix_is_refused(confusion, complaint):
    for function in (class_report, row_shares):
        with pytest.raises(ValueError, match=complaint):
            function(confusion)


def test_confusions_are_those_of_the_records():
    matrix = ((3, 1), (0, 4))
    truth, said = [0] * 4 + [1] * 4, [0, 0, 0, 1] + [1] * 4
    record = Record(
        experiment="fashion-mnist",
        variant="a",
        seed=0,
        settings={},
        environment=capture(device="cpu", threads=1, command="test"),
        tolerance=1.0,
        epochs=(EPOCH,),
        test=Outcome.measured(truth, np.eye(2)[said], loss=0.5),
    )
    np.testing.assert_array_equal(confusions([record, record]), [matrix, matrix])


def matrices(random, *, seeds, shirt=0.0):
    """Confusion matrices of rows of 1,000 images, whose first row leaks more into its second column."""
    shares = np.full((CLASSES, CLASSES), 0.05) + np.eye(CLASSES) * 0.8
    shares[0] += [-shirt, shirt, 0, 0]
    return {seed: np.stack([random.multinomial(1000, row) for row in shares]) for seed in range(seeds)}


def test_each_cell_is_a_paired_t_test_corrected_for_all_cells():
    random = np.random.default_rng(1)
    first, second = matrices(random, seeds=8, shirt=0.03), matrices(random, seeds=10)
    result = cell_differences(first, second)
    shares = [np.stack([runs[seed] / 1000 for seed in range(8)]) for runs in (first, second)]
    p = stats.ttest_rel(*shares).pvalue
    assert result.seeds == 8
    np.testing.assert_allclose(result.difference, 100 * (shares[0] - shares[1]).mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(result.p.ravel(), multipletests(p.ravel(), method="holm")[1], rtol=1e-6)


def test_a_real_difference_is_told_and_the_rest_is_not():
    random = np.random.default_rng(2)
    told = cell_differences(matrices(random, seeds=20, shirt=0.05), matrices(random, seeds=20)).told()
    assert told[0, 0]
    assert told[0, 1]
    assert not told[1:].any()


def test_equal_networks_are_seldom_told_apart_in_any_cell():
    random = np.random.default_rng(3)
    studies = (cell_differences(matrices(random, seeds=5), matrices(random, seeds=5)) for _ in range(40))
    assert (
        sum(study.told().any() for study in studies) <= 6
    )  # 5% of 40, and chance; uncorrected it would be half of them


def test_cells_without_noise_are_judged_without_a_test():
    same, other = [[9, 1], [0, 10]], [[8, 2], [0, 10]]
    result = cell_differences({0: same, 1: same}, {0: other, 1: other})
    assert result.told().tolist() == [[True, True], [False, False]]
    np.testing.assert_allclose(result.difference, [[10, -10], [0, 0]], atol=1e-12)


def test_a_single_seed_compares_nothing():
    with pytest.raises(ValueError, match="two seeds"):
        cell_differences({0: np.eye(2)}, {0: np.eye(2), 1: np.eye(2)})
