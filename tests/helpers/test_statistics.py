"""The rules of judgement against scipy, statsmodels, closed forms, and simulated studies of known truth."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ttost_paired

from helpers.statistics import (
    crossed_effect,
    mean_interval,
    paired_difference,
    paired_table,
    prediction_interval,
    seed_effect,
    wilson_interval,
)
from study.judging import (
    Contrast,
    Rule,
    Verdict,
    accuracy,
    digest_of,
    holm,
    judge,
    measured,
    read_rules,
    recorded_judgements,
)
from study.records import EpochMetrics, Outcome, Record, capture, write

ACCURACIES = st.lists(st.floats(90, 100), min_size=3, max_size=30)
RULE = Rule(
    claim="M-03",
    contrast=Contrast(first="mnist/s1-same", second="mnist/s2-same"),
    direction="above",
    margin=0.2,
    seeds=20,
    resamples=999,
)


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


@settings(deadline=None)
@given(ACCURACIES, st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_of_a_mean_is_statsmodels(values, level):
    assert mean_interval(values, level=level) == pytest.approx(
        DescrStatsW(values).tconfint_mean(alpha=1 - level), rel=1e-9
    )


@settings(deadline=None)
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


@settings(deadline=None)
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


@settings(deadline=None)
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


@settings(deadline=None, max_examples=25)
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


@settings(deadline=None)
@given(ACCURACIES, st.floats(-0.5, 0.5), st.floats(0.05, 2))
def test_over_seeds_alone_the_tests_are_scipys_and_statsmodels(values, shift, margin):
    differences = np.array(values) - np.mean(values) + shift
    assume(np.ptp(differences) > 1e-3)
    effect = seed_effect(differences)
    assert effect.interval() == pytest.approx(mean_interval(differences), rel=1e-6, abs=1e-9)
    assert effect.p_value() == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=3e-4)
    oracle = ttost_paired(differences, np.zeros(len(differences)), -margin, margin)[0]
    assert effect.p_equivalence(margin) == pytest.approx(oracle, abs=3e-4)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(-1.0, 1.0), st.sampled_from([99, 499, 999, 9_999]))
def test_interval_and_tests_cannot_disagree(seed, mean, resamples):
    table = study(np.random.default_rng(seed), seeds=8, images=50, effect=mean, of_seeds=0.5)
    effect = crossed_effect(table, resamples=resamples)
    low, high = effect.interval(0.95)
    assert (effect.p_value() <= 0.05) == (low > 0 or high < 0)
    low, high = effect.interval(0.90)
    assert (effect.p_equivalence(0.7) <= 0.05) == (low > -0.7 and high < 0.7)


@settings(deadline=None)
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


# Rules and verdicts


def runs_with(effect, *, seeds=20, images=2000, seed=0, spread=0.0):
    """Two variants whose accuracies differ by about `effect` points, and a third in the second's place."""
    random = np.random.default_rng(seed)
    base = random.random((seeds, images)) < 0.95
    losing = round(abs(effect) / 100 * images)
    worse = base.copy()
    for row in worse:
        row[np.flatnonzero(row)[: losing + round(spread * random.normal())]] = False
    better, lesser = by_seed(base), by_seed(worse)
    return (better, lesser) if effect >= 0 else (lesser, better)


def judged(effect, *, rule=RULE, **options):
    first, second = runs_with(effect, **options)
    return judge(rule, {rule.contrast.first: first, rule.contrast.second: second})


@pytest.mark.parametrize(
    ("direction", "effect", "verdict"),
    [
        ("above", 2.0, Verdict.HOLDS),
        ("above", -2.0, Verdict.FAILS),
        ("below", -2.0, Verdict.HOLDS),
        ("below", 2.0, Verdict.FAILS),
        ("above", 0.0, Verdict.NO_DIFFERENCE),
        ("below", 0.0, Verdict.NO_DIFFERENCE),
        ("equal", 0.0, Verdict.HOLDS),
        ("equal", 2.0, Verdict.FAILS),
        ("equal", -2.0, Verdict.FAILS),
    ],
)
def test_verdicts(direction, effect, verdict):
    assert judged(effect, rule=replace(RULE, direction=direction)).verdict == verdict


def test_what_noise_hides_cannot_be_told():
    random = np.random.default_rng(1)
    first, second = (by_seed(random.random((3, 500)) < 0.9) for _ in range(2))
    judgement = judge(RULE, {"mnist/s1-same": first, "mnist/s2-same": second})
    assert not judgement.differs
    assert not judgement.equivalent
    assert judgement.verdict == Verdict.CANNOT_BE_TOLD


def test_a_real_difference_within_the_margin_holds_and_says_so():
    rule = replace(RULE, margin=1.0)
    judgement = judged(0.5, rule=rule, images=20_000)
    assert judgement.verdict == Verdict.HOLDS
    assert judgement.differs
    assert judgement.equivalent
    assert judged(0.5, rule=replace(rule, direction="equal"), images=20_000).verdict == Verdict.HOLDS


def test_a_judgement_carries_the_numbers_behind_it():
    judgement = judged(2.0, spread=2)
    low, high = judgement.interval
    assert low < judgement.effect.estimate < high
    assert (judgement.effect.seeds, judgement.effect.images) == (20, 2000)
    assert judgement.paired.difference == pytest.approx(judgement.effect.estimate)
    assert np.ptp(judgement.interval) > np.ptp(judgement.paired.interval)


def test_only_the_planned_seeds_are_judged():
    first, second = runs_with(2.0, seeds=30)
    judgement = judge(RULE, {"mnist/s1-same": first, "mnist/s2-same": second})
    assert judgement.effect.seeds == judgement.paired.seeds == 20


@pytest.mark.parametrize(
    ("effects", "verdict"),
    [
        ((2.0, -2.0), Verdict.DEPENDS),
        ((2.0, 2.0), Verdict.HOLDS),
        ((-2.0, -2.0), Verdict.FAILS),
        ((2.0, -0.1), Verdict.HOLDS),
        ((-2.0, 0.1), Verdict.FAILS),
        ((0.0, 2.0, -2.0), Verdict.DEPENDS),
    ],
)
def test_opposite_effects_beyond_the_margin_make_it_depend(effects, verdict):
    contrasts = [Contrast(first=f"mnist/a{i}", second=f"mnist/b{i}") for i in range(len(effects))]
    rule = replace(RULE, contrast=contrasts[0], conditions=tuple(contrasts[1:]))
    runs = {}
    for contrast, effect in zip(contrasts, effects, strict=True):
        runs[contrast.first], runs[contrast.second] = runs_with(effect, images=20_000)
    assert judge(rule, runs).verdict == verdict


def test_a_condition_that_cannot_be_told_contradicts_nothing():
    random = np.random.default_rng(0)
    noisy = [by_seed(row) for row in random.random((2, 4, 100)) < 0.9]
    first, second = runs_with(2.0)
    condition = Contrast(first="mnist/a", second="mnist/b")
    rule = replace(RULE, conditions=(condition,))
    for lesser, better in (noisy, noisy[::-1]):
        runs = {"mnist/s1-same": first, "mnist/s2-same": second, "mnist/a": lesser, "mnist/b": better}
        judgement = judge(rule, runs)
        assert abs(judgement.conditions[0].estimate) > rule.margin
        assert judgement.verdict == Verdict.HOLDS


def test_the_rule_says_how_often_and_from_what_seed_to_resample():
    one, other = (judged(2.0, rule=replace(RULE, seed=seed, resamples=99 + seed)).effect for seed in (0, 1))
    assert (len(one.draws), len(other.draws)) == (99, 100)
    same = judged(2.0, rule=replace(RULE, seed=1, resamples=99)).effect
    assert (same.draws != one.draws).any()


def test_one_number_a_run_is_judged_over_seeds_alone():
    random = np.random.default_rng(0)
    slow, fast = by_seed(20 + random.normal(0, 1, 10)), by_seed(12 + random.normal(0, 1, 10))
    judgement = judge(replace(RULE, margin=1.0), {"mnist/s1-same": slow, "mnist/s2-same": fast})
    assert judgement.verdict == Verdict.HOLDS
    assert judgement.effect.images == 0
    assert judgement.interval == pytest.approx(judgement.paired.interval, rel=1e-6)


def test_holm_multiplies_the_smallest_p_most_and_can_only_take_verdicts_back():
    effects = [0.2, 0.3, 2.0, 0.1]
    judgements = [judged(effect, seed=seed, images=500, spread=3) for seed, effect in enumerate(effects)]
    corrected = holm(judgements)
    for name in ("p", "p_equivalence"):
        before, after = (np.array([getattr(j, name) for j in side]) for side in (judgements, corrected))
        order = np.argsort(before)
        stepped = np.maximum.accumulate(before[order] * [4, 3, 2, 1])
        assert after[order] == pytest.approx(np.minimum(stepped, 1))
    for before, after in zip(judgements, corrected, strict=True):
        assert after.family == 4
        assert after.verdict in (before.verdict, Verdict.CANNOT_BE_TOLD)


def test_a_digest_tells_every_part_of_a_rule():
    changed = [
        replace(RULE, claim="M-04"),
        replace(RULE, contrast=Contrast(first="mnist/s1-same", second="mnist/s2-valid")),
        replace(RULE, measure="gap"),
        replace(RULE, direction="below"),
        replace(RULE, margin=0.5),
        replace(RULE, seeds=10),
        replace(RULE, alpha=0.01),
        replace(RULE, conditions=(Contrast(first="shifted/a", second="shifted/b"),)),
        replace(RULE, resamples=99),
        replace(RULE, seed=1),
    ]
    assert len({rule.digest for rule in (RULE, *changed)}) == len(changed) + 1
    assert digest_of(dict(reversed(asdict(RULE).items()))) == RULE.digest
    assert len(RULE.digest) == 64


def test_rules_are_read_as_they_were_written(tmp_path):
    rule = replace(RULE, conditions=(Contrast(first="shifted/a", second="shifted/b"),))
    path = tmp_path / "rules.json"
    path.write_text(json.dumps([asdict(rule)], indent=2))
    assert read_rules(path) == {"M-03": rule}
    assert digest_of(json.loads(path.read_text())[0]) == rule.digest
    assert rule.experiments == {"mnist", "shifted"}


def recorded(*, variant, seed, right, fitted=None, first=0.5, reason=""):
    """A record on test images of the ten classes in turn, the wrong ones taken for the class after."""
    truth = np.arange(len(right)) % 10
    probabilities = np.eye(10)[np.where(right, truth, (truth + 1) % 10)]
    epochs = [
        EpochMetrics(
            epoch=number, train_loss=1, train_accuracy=0.5, validation_loss=1, validation_accuracy=accuracy,
            seconds=1, fitted_accuracy=fitted,
        )
        for number, accuracy in ((1, first), (2, 0.9))
    ]  # fmt: skip
    return Record(
        experiment="mnist",
        variant=variant,
        seed=seed,
        settings={},
        environment=capture(device="cpu", threads=1, command="a test"),
        tolerance=1.0,
        reason=reason,
        epochs=tuple(epochs),
        test=None if reason else Outcome.measured(truth, probabilities, loss=1.0),
    )


def test_accuracy_is_right_or_wrong_for_each_image_of_each_finished_run():
    right = np.array([1, 1, 0, 1, 1, 1, 1, 1, 1, 0], dtype=bool)
    runs = [
        recorded(variant=variant, seed=seed, right=right) for variant, seed in (("a", 0), ("a", 1), ("b", 0))
    ]
    runs.append(recorded(variant="b", seed=1, right=right, reason="TrainingDiverged"))
    found = measured(runs)
    assert {name: sorted(by_seed) for name, by_seed in found.items()} == {"mnist/a": [0, 1], "mnist/b": [0]}
    assert (found["mnist/a"][1] == right).all()


def test_the_gap_is_what_training_images_are_fitted_better_than_test_images():
    right = np.array([1, 0] * 10, dtype=bool)
    found = measured([recorded(variant="a", seed=0, right=right, fitted=0.75)], measure="gap")
    assert np.mean(found["mnist/a"][0]) == pytest.approx(0.75 - 0.5)
    assert found["mnist/a"][0].shape == (20,)


def test_the_first_epoch_is_in_points():
    right = np.ones(10, dtype=bool)
    found = measured([recorded(variant="a", seed=0, right=right, first=0.625)], measure="first-epoch")
    assert found["mnist/a"][0] == 62.5


def test_fine_grained_is_pullover_and_shirt_against_the_rest():
    right = np.ones(20, dtype=bool)
    right[[2, 12, 6, 3]] = False  # Pullover 0 of 2, Shirt 1 of 2, Dress 1 of 2
    found = measured([recorded(variant="a", seed=0, right=right)], measure="fine-grained")
    assert found["mnist/a"][0] == pytest.approx(100 * (0.5 / 2 - 7.5 / 8))


def test_records_are_judged_by_the_measure_that_their_rule_names():
    random = np.random.default_rng(0)
    runs = [
        recorded(variant=variant, seed=seed, right=random.random(500) < share, fitted=0.9)
        for variant, share in (("s1-same", 0.6), ("s2-same", 0.9))
        for seed in range(4)
    ]
    assert judge(RULE, measured(runs)).verdict == Verdict.FAILS
    rule = replace(RULE, measure="gap")
    judgement = judge(rule, measured(runs, measure=rule.measure))
    assert judgement.verdict == Verdict.HOLDS
    assert judgement.effect.images == 500
    assert judgement.effect.estimate == pytest.approx(judgement.paired.difference)


def test_accuracy_is_the_mean_over_seeds_and_images_in_points():
    random = np.random.default_rng(0)
    hits = random.random((4, 500)) < 0.9
    runs = [recorded(variant="a", seed=seed, right=right) for seed, right in enumerate(hits)]
    assert accuracy(runs).estimate == pytest.approx(100 * hits.mean())
    assert (accuracy(runs).seeds, accuracy(runs).images) == (4, 500)


def test_only_claims_with_all_their_runs_are_judged_and_corrected_for_their_number(tmp_path):
    random = np.random.default_rng(0)
    rules = [
        replace(RULE, seeds=3),
        replace(RULE, claim="M-01", seeds=3),
        replace(RULE, claim="M-02", seeds=4),
        replace(RULE, claim="M-17", seeds=4, measure="edge-response"),
        replace(RULE, claim="Q-01", seeds=3),
    ]
    (tmp_path / "rules.json").write_text(json.dumps([asdict(rule) for rule in rules]))
    for variant, share in (("s1-same", 0.9), ("s2-same", 0.6)):
        for seed in range(3):
            write(recorded(variant=variant, seed=seed, right=random.random(500) < share), tmp_path)
    judged = recorded_judgements(tmp_path, rules_file=tmp_path / "rules.json")
    # A question of our own is a family of its own.
    assert {claim: judgement.family for claim, judgement in judged.items()} == {
        "M-03": 2,
        "M-01": 2,
        "Q-01": 1,
    }
    assert judged["M-03"].verdict == Verdict.HOLDS


def test_records_that_complete_no_rule_are_refused(tmp_path):
    (tmp_path / "rules.json").write_text(json.dumps([asdict(RULE)]))
    with pytest.raises(ValueError, match="all runs of no rule"):
        recorded_judgements(tmp_path, rules_file=tmp_path / "rules.json")


def test_a_run_need_not_have_what_only_other_runs_are_judged_by(tmp_path):
    random = np.random.default_rng(0)
    border = Contrast(first="mnist/s1-valid", second="mnist/s1-same")
    rules = [replace(RULE, seeds=3), replace(RULE, claim="M-17", contrast=border, seeds=3, measure="gap")]
    (tmp_path / "rules.json").write_text(json.dumps([asdict(rule) for rule in rules]))
    for variant, fitted in (("s1-same", 0.9), ("s1-valid", 0.8), ("s2-same", None)):
        for seed in range(3):
            right = random.random(500) < 0.7
            write(recorded(variant=variant, seed=seed, right=right, fitted=fitted), tmp_path)
    assert list(recorded_judgements(tmp_path, rules_file=tmp_path / "rules.json")) == ["M-03", "M-17"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "not a list of rules"),
        ('[{"claim": "M-01"}]', "not a list of rules"),
        ('["M-01"]', "not a list of rules"),
        (json.dumps([{**asdict(RULE), "margins": 1}]), "unknown entries.*margins"),
        (json.dumps(2 * [asdict(RULE)]), "more than one rule for M-03"),
    ],
)
def test_a_broken_file_of_rules_is_refused(tmp_path, text, message):
    path = tmp_path / "rules.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_rules(path)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_interval([99.0]), "at least two"),
        (lambda: mean_interval([[99.0, 98.0]]), "at least two"),
        (lambda: mean_interval([99.0, float("nan")]), "finite"),
        (lambda: mean_interval([99.0, 98.0], level=95), "level=95"),
        (lambda: wilson_interval(11, total=10), "correct=11, total=10"),
        (lambda: wilson_interval(0, total=0), "total=0"),
        (lambda: paired_difference({0: 1.0, 1: 2.0}, {1: 1.0, 2: 2.0}), "at least two seeds that both"),
        (lambda: paired_table({0: [1, 0], 1: [1, 0]}, {0: [1], 1: [1]}), "same test images"),
        (lambda: crossed_effect([[1.0, 2.0]]), r"two seeds.*\(1, 2\)"),
        (lambda: crossed_effect([[1.0], [2.0]]), r"two seeds.*\(2, 1\)"),
        (lambda: crossed_effect([[1.0, 2.0], [3.0, float("inf")]]), "finite"),
        (lambda: crossed_effect(np.eye(3), resamples=9), "resamples=9"),
        (lambda: crossed_effect(np.eye(3), resamples=99).interval(0.999), "level=0.999"),
        (lambda: crossed_effect(np.eye(3)).p_equivalence(0), "margin=0"),
        (lambda: Contrast(first="mnist", second="mnist/s1-same"), "first='mnist'"),
        (lambda: Contrast(first="mnist/a", second="mnist/a"), "needs two variants"),
        (lambda: replace(RULE, direction="up"), "direction='up'"),
        (lambda: replace(RULE, margin=0), "margin=0"),
        (lambda: replace(RULE, alpha=0.5), "alpha=0.5"),
        (lambda: replace(RULE, seeds=1), "one run cannot tell"),
        (lambda: judge(RULE, {"mnist/s1-same": {}}), "needs runs of 'mnist/s2-same'"),
        (lambda: holm([]), "empty"),
        (lambda: measured([], measure="speed"), "measure='speed': must be one of 'accuracy', 'gap'"),
        (
            lambda: measured([recorded(variant="a", seed=3, right=np.ones(10))], measure="gap"),
            "mnist/a/3 measured no training images",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
