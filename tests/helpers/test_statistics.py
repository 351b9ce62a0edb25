"""Intervals and effects against scipy, statsmodels, closed forms, and simulated studies of known truth."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ttost_paired

from helpers.statistics import (
    agreement,
    crossed_effect,
    mean_interval,
    paired_difference,
    paired_table,
    prediction_interval,
    seed_effect,
    smallest_found,
    wilson_interval,
)

ACCURACIES = st.lists(st.floats(90, 100), min_size=3, max_size=30)


def by_seed(values):
    return dict(enumerate(values))


def study(random, *, seeds, images, effect=0.0, of_seeds=1.0, of_images=1.0, of_cells=1.0):
    """One table of differences whose three sources of chance have these standard deviations."""
    return (
        effect
        + of_seeds * random.standard_normal((seeds, 1))
        + of_images * random.standard_normal((1, images))
        + of_cells * random.standard_normal((seeds, images))
    )


# Intervals over one kind of number


@given(ACCURACIES, st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_of_a_mean_is_statsmodels(values, level):
    assert mean_interval(values, level=level) == pytest.approx(
        DescrStatsW(values).tconfint_mean(alpha=1 - level), rel=1e-9
    )


@given(ACCURACIES)
def test_the_prediction_interval_is_that_of_a_regression_on_a_constant(values):
    assume(np.ptp(values) > 1e-6)
    frame = OLS(values, np.ones(len(values))).fit().get_prediction([1]).summary_frame(alpha=0.05)
    low, high = frame[["obs_ci_lower", "obs_ci_upper"]].iloc[0]
    assert prediction_interval(values) == pytest.approx((low, high), rel=1e-6)


def test_the_prediction_interval_covers_one_further_run_as_often_as_it_says():
    random = np.random.default_rng(0)
    studies = random.normal(99, 0.15, size=(4000, 11))
    covered = [prediction_interval(runs[:-1], level=0.9).covers(runs[-1]) for runs in studies]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.015)


def test_the_interval_of_the_mean_misses_most_single_runs():
    random = np.random.default_rng(0)
    studies = random.normal(99, 0.15, size=(1000, 61))
    assert np.mean([mean_interval(runs[:-1]).covers(runs[-1]) for runs in studies]) < 0.3


@given(st.integers(1, 10_000), st.data())
def test_wilson_is_the_score_test_turned_round(total, data):
    correct = data.draw(st.integers(0, total))
    low, high = wilson_interval(correct, total=total, level=0.95)
    interval = stats.binomtest(correct, total).proportion_ci(0.95, method="wilson")
    assert (low, high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert -1e-12 <= low <= correct / total + 1e-12
    assert correct / total - 1e-12 <= high <= 1 + 1e-12


@pytest.mark.parametrize(("accuracy", "half_width"), [(0.88, 0.64), (0.90, 0.59), (0.992, 0.17)])
def test_one_run_on_ten_thousand_images_is_known_to_these_points(accuracy, half_width):
    low, high = wilson_interval(round(10_000 * accuracy), total=10_000)
    assert 50 * (high - low) == pytest.approx(half_width, abs=0.01)


# Pairing


@given(st.lists(st.tuples(st.floats(90, 100), st.floats(90, 100)), min_size=3, max_size=20))
def test_paired_difference_agrees_with_scipy_and_statsmodels(pairs):
    a, b = np.array(pairs).T
    assume(min(np.ptp(a), np.ptp(b), np.ptp(a - b)) > 1e-3)
    result = paired_difference(by_seed(a), by_seed(b))
    assert result.p == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-6, abs=1e-12)
    assert result.correlation == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)
    assert result.interval == pytest.approx(DescrStatsW(a - b).tconfint_mean(), abs=1e-6)
    welch = CompareMeans(DescrStatsW(a), DescrStatsW(b))
    assert result.welch_p == pytest.approx(welch.ttest_ind(usevar="unequal")[1], rel=1e-6, abs=1e-12)
    assert result.welch_interval == pytest.approx(welch.tconfint_diff(usevar="unequal"), abs=1e-6)


def test_runs_are_paired_by_seed_and_not_by_position():
    first = {3: 99.0, 1: 97.0, 2: 98.0, 9: 50.0}
    second = {1: 96.9, 2: 97.8, 3: 98.7, 7: 12.0}
    result = paired_difference(first, second)
    assert result.seeds == 3
    assert result.difference == pytest.approx(0.2)
    assert result.correlation == pytest.approx(1)
    assert result.welch_difference == pytest.approx(86 - np.mean([96.9, 97.8, 98.7, 12.0]))


def test_pairing_narrows_what_the_seeds_share():
    random = np.random.default_rng(0)
    shared = random.normal(0, 1, 20)
    first, second = (by_seed(shared + random.normal(0, 0.1, 20)) for _ in range(2))
    result = paired_difference(first, second)
    assert result.correlation > 0.9
    assert np.ptp(result.interval) < np.ptp(result.welch_interval) / 3


def test_values_that_never_vary_need_no_test():
    same = paired_difference(by_seed([99.0, 99.0]), by_seed([99.0, 99.0]))
    assert (same.p, same.welch_p, same.interval) == (1, 1, (0, 0))
    apart = paired_difference(by_seed([99.0, 99.0]), by_seed([98.0, 98.0]))
    assert (apart.p, apart.welch_p, apart.welch_interval) == (0, 0, (1, 1))
    assert np.isnan(apart.correlation)


def test_the_table_is_in_points_by_seed_and_image():
    first = {0: [1, 1, 0], 1: [0, 1, 1], 5: [1, 1, 1]}
    second = {1: [1, 1, 1], 0: [1, 0, 1]}
    assert paired_table(first, second).tolist() == [[0, 100, -100], [-100, 0, 0]]


# Effects over seeds and images


@settings(max_examples=25)
@given(
    st.integers(3, 25),
    st.integers(20, 200),
    st.tuples(*3 * [st.sampled_from([0.1, 1.0, 10.0])]),
    st.integers(0, 1000),
)
def test_the_interval_is_that_of_the_crossed_analysis_of_variance(seeds, images, spreads, seed):
    of_seeds, of_images, of_cells = spreads
    random = np.random.default_rng(seed)
    table = study(
        random, seeds=seeds, images=images, of_seeds=of_seeds, of_images=of_images, of_cells=of_cells
    )
    effect = crossed_effect(table)
    reach = stats.t.ppf(0.975, effect.degrees_of_freedom) * effect.standard_error
    assert effect.interval() == pytest.approx((table.mean() - reach, table.mean() + reach), abs=0.2 * reach)


def test_the_standard_error_is_unbiased():
    random = np.random.default_rng(0)
    spreads = dict(of_seeds=1.5, of_images=8.0, of_cells=10.0)
    squares = [
        crossed_effect(study(random, seeds=6, images=80, **spreads), resamples=99).standard_error ** 2
        for _ in range(1500)
    ]
    truth = 1.5**2 / 6 + 8.0**2 / 80 + 10.0**2 / 480
    assert np.mean(squares) == pytest.approx(truth, rel=0.03)


def test_a_second_sample_of_images_is_a_second_source_of_chance():
    random = np.random.default_rng(5)
    covered = np.zeros(2)
    for _ in range(300):
        fitted, tested = random.normal(size=(2, 1, 400)) + 0.5 * random.normal(size=(2, 10, 400))
        table = fitted.mean(axis=1, keepdims=True) - tested  # which images were fitted is not recorded
        effects = [crossed_effect(table, samples=samples, resamples=499) for samples in (1, 2)]
        covered += [effect.interval().covers(0) for effect in effects]
    assert covered[0] / 300 < 0.9 < covered[1] / 300 < 0.98


def test_the_draws_are_a_bootstrap_over_seeds_and_images():
    """With every cell's own chance at zero there is nothing to correct but the spread of a small sample."""
    random = np.random.default_rng(0)
    skewed = random.exponential(size=(40, 1)) + 0.5 * random.standard_normal((1, 300))
    rows, columns = random.integers(40, size=(4000, 40)), random.integers(300, size=(4000, 300))
    literal = np.array([skewed[np.ix_(*pick)].mean() for pick in zip(rows, columns, strict=True)])
    effect = crossed_effect(skewed)
    assert effect.standard_error == pytest.approx(literal.std(), rel=0.05)
    tails = [0.025, 0.25, 0.75, 0.975]
    assert np.quantile(effect.draws, tails) == pytest.approx(np.quantile(literal, tails), abs=0.02)


@pytest.mark.parametrize(
    ("seeds", "spreads"),
    [
        (5, dict(of_seeds=1, of_images=0, of_cells=5)),
        (5, dict(of_seeds=0, of_images=5, of_cells=5)),
        (10, dict(of_seeds=1, of_images=10, of_cells=10)),
        (20, dict(of_seeds=1, of_images=10, of_cells=20)),
        (60, dict(of_seeds=1, of_images=2, of_cells=10)),
        (60, dict(of_seeds=0.5, of_images=2, of_cells=40)),
    ],
)
def test_the_interval_covers_the_truth_as_often_as_it_says(seeds, spreads):
    random = np.random.default_rng(seeds)
    tables = (study(random, seeds=seeds, images=200, effect=3.0, **spreads) for _ in range(600))
    covered = np.mean([crossed_effect(table, resamples=499).interval().covers(3.0) for table in tables])
    assert 0.925 <= covered <= 0.985  # 95% with three standard errors of 600 studies, a little wider above


def test_an_interval_over_seeds_alone_misses_the_truth_about_other_images():
    random = np.random.default_rng(0)
    tables = [study(random, seeds=20, images=200, of_seeds=0.2, of_images=8) for _ in range(300)]
    assert np.mean([mean_interval(table.mean(axis=1)).covers(0) for table in tables]) < 0.6
    assert np.mean([crossed_effect(table, resamples=499).interval().covers(0) for table in tables]) > 0.92


def networks(random, *, seeds, images, gap):
    """Right and wrong answers of two networks on images of their own difficulty; `gap` in logits."""
    difficulty = random.normal(4, 2.5, images)
    return [
        random.logistic(size=(seeds, images)) * 0.6
        < difficulty + shift + random.normal(0, 0.5, images) + random.normal(0, 0.3, (seeds, 1))
        for shift in (gap, 0.0)
    ]


def test_on_right_and_wrong_answers_a_true_null_is_rejected_as_seldom_as_promised():
    random = np.random.default_rng(0)
    pairs = (networks(random, seeds=10, images=400, gap=0.0) for _ in range(600))
    effects = [crossed_effect(100.0 * a - 100.0 * b, resamples=499) for a, b in pairs]
    assert np.mean([effect.p_value() <= 0.05 for effect in effects]) == pytest.approx(0.05, abs=0.03)


def test_at_the_margin_equivalence_is_claimed_as_seldom_as_promised():
    random = np.random.default_rng(0)
    spreads = dict(of_seeds=0.2, of_images=2, of_cells=5)
    studies = (study(random, seeds=20, images=400, effect=1.0, **spreads) for _ in range(800))
    claimed = [crossed_effect(table, resamples=499).p_equivalence(1.0) <= 0.05 for table in studies]
    assert np.mean(claimed) == pytest.approx(0.05, abs=0.025)


@given(ACCURACIES, st.floats(-0.5, 0.5), st.floats(0.05, 2))
def test_over_seeds_alone_the_tests_are_scipys_and_statsmodels(values, shift, margin):
    differences = np.array(values) - np.mean(values) + shift
    assume(np.ptp(differences) > 1e-3)
    effect = seed_effect(differences)
    assert effect.interval() == pytest.approx(mean_interval(differences), rel=1e-6, abs=1e-9)
    assert effect.p_value() == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=3e-4)
    oracle = ttost_paired(differences, np.zeros(len(differences)), -margin, margin)[0]
    assert effect.p_equivalence(margin) == pytest.approx(oracle, abs=3e-4)


@given(st.integers(0, 10_000), st.floats(-1.0, 1.0), st.sampled_from([99, 499, 999, 9_999]))
def test_interval_and_tests_cannot_disagree(seed, mean, resamples):
    table = study(np.random.default_rng(seed), seeds=8, images=50, effect=mean, of_seeds=0.5)
    effect = crossed_effect(table, resamples=resamples)
    low, high = effect.interval(0.95)
    assert (effect.p_value() <= 0.05) == (low > 0 or high < 0)
    low, high = effect.interval(0.90)
    assert (effect.p_equivalence(0.7) <= 0.05) == (low > -0.7 and high < 0.7)


@given(st.integers(0, 1000), st.floats(-5, 5), st.floats(0.1, 100))
def test_effects_move_and_scale_with_the_table(seed, shift, scale):
    table = study(np.random.default_rng(seed), seeds=5, images=30)
    plain, moved = crossed_effect(table, resamples=99), crossed_effect(shift + scale * table, resamples=99)
    assert moved.interval() == pytest.approx(
        [shift + scale * end for end in plain.interval()], abs=1e-6 * scale
    )


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    table = study(np.random.default_rng(0), seeds=5, images=30)
    first, again, other = (crossed_effect(table, seed=seed).draws for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_a_table_that_never_varies_is_certain():
    effect = crossed_effect(np.full((3, 4), 0.0))
    assert effect.interval() == (0, 0)
    assert effect.p_value() == 1
    assert effect.p_equivalence(0.2) <= 0.001


def test_an_effect_prints_what_a_reader_needs():
    assert repr(crossed_effect(np.zeros((3, 4)))) == "<Effect 0.000 [0.000, 0.000], 3 seeds, 4 images>"


# Published numbers


@given(st.floats(0, 1), st.lists(st.floats(0, 1), min_size=2, max_size=9), st.integers(1, 4))
def test_a_published_number_agrees_if_what_rounds_to_it_can_lie_in_the_interval(value, runs, decimals):
    judged = agreement(round(value, decimals), runs, decimals=decimals)
    assert judged.interval == prediction_interval(runs)
    assert judged.mean == pytest.approx(np.mean(runs))
    if judged.interval.covers(value):
        assert judged.agrees
    low, high = judged.interval
    for outside in (low - 1.001 * 10.0**-decimals, high + 1.001 * 10.0**-decimals):
        assert not agreement(outside, runs, decimals=decimals).agrees


def test_a_source_of_the_same_set_up_agrees_as_often_as_it_should():
    random = np.random.default_rng(4)
    draws = random.standard_normal((2000, 11))
    agreed = sum(agreement(draw[0], draw[1:], decimals=6).agrees for draw in draws)
    assert 0.93 < agreed / len(draws) < 0.97


# Errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_interval([99.0]), "at least two"),
        (lambda: mean_interval([[99.0, 98.0]]), "at least two"),
        (lambda: mean_interval([99.0, float("nan")]), "finite"),
        (lambda: mean_interval([99.0, 98.0], level=95), "level must lie.*got 95"),
        (lambda: wilson_interval(11, total=10), "correct must lie.*got 11 of 10"),
        (lambda: wilson_interval(0, total=0), "total be 1 or more, got 0 of 0"),
        (lambda: paired_difference({0: 1.0, 1: 2.0}, {1: 1.0, 2: 2.0}), "at least two seeds in common"),
        (lambda: paired_table({0: [1, 0], 1: [1, 0]}, {0: [1], 1: [1]}), "same test images"),
        (lambda: crossed_effect([[1.0, 2.0]]), r"two seeds.*\(1, 2\)"),
        (lambda: crossed_effect([[1.0], [2.0]]), r"two seeds.*\(2, 1\)"),
        (lambda: crossed_effect([[1.0, 2.0], [3.0, float("inf")]]), "finite"),
        (lambda: crossed_effect(np.eye(3), resamples=9), "resamples must be.*got 9"),
        (lambda: crossed_effect(np.eye(3), samples=0), "samples must be.*got 0"),
        (lambda: crossed_effect(np.eye(3), resamples=99).interval(0.999), "level must be.*got 0.999"),
        (lambda: crossed_effect(np.eye(3)).p_equivalence(0), "margin must be.*got 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_smallest_difference_found_is_found_in_four_of_five_studies():
    seeds, random = 10, np.random.default_rng(0)
    smallest = smallest_found(1 / np.sqrt(seeds), degrees_of_freedom=seeds - 1)
    studies = random.normal(smallest, 1, size=(4000, seeds))
    found = stats.ttest_1samp(studies, 0, axis=1).pvalue <= 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"standard_error": 0.0}, "standard_error and degrees_of_freedom must be above 0"),
        ({"alpha": 0.9}, r"alpha and power must be in order between 0 and 1, got 0\.9 and 0\.8"),
    ],
)
def test_what_no_study_can_be_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        smallest_found(**{"standard_error": 1.0, "degrees_of_freedom": 9} | changed)
