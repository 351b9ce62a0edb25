"""From recorded runs to verdicts: measures, rules, and the verdicts on runs whose difference is known."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

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
from study.records import Epoch, Outcome, Record, capture, write

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


def a_record(*, variant, seed, right, fitted=None, first=0.5, reason=""):
    """A record on test images of the ten classes in turn, the wrong ones taken for the class after."""
    truth = np.arange(len(right)) % 10
    probabilities = np.eye(10)[np.where(right, truth, (truth + 1) % 10)]
    epochs = [
        Epoch(
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
        a_record(variant=variant, seed=seed, right=right) for variant, seed in (("a", 0), ("a", 1), ("b", 0))
    ]
    runs.append(a_record(variant="b", seed=1, right=right, reason="TrainingDiverged"))
    found = measured(runs)
    assert {name: sorted(by_seed) for name, by_seed in found.items()} == {"mnist/a": [0, 1], "mnist/b": [0]}
    assert (found["mnist/a"][1] == right).all()


def test_the_gap_is_what_training_images_are_fitted_better_than_test_images():
    right = np.array([1, 0] * 10, dtype=bool)
    found = measured([a_record(variant="a", seed=0, right=right, fitted=0.75)], measure="gap")
    assert np.mean(found["mnist/a"][0]) == pytest.approx(0.75 - 0.5)
    assert found["mnist/a"][0].shape == (20,)


def test_the_first_epoch_is_in_points():
    right = np.ones(10, dtype=bool)
    found = measured([a_record(variant="a", seed=0, right=right, first=0.625)], measure="first-epoch")
    assert found["mnist/a"][0] == 62.5


def test_fine_grained_is_pullover_and_shirt_against_the_rest():
    right = np.ones(20, dtype=bool)
    right[[2, 12, 6, 3]] = False  # Pullover 0 of 2, Shirt 1 of 2, Dress 1 of 2
    found = measured([a_record(variant="a", seed=0, right=right)], measure="fine-grained")
    assert found["mnist/a"][0] == pytest.approx(100 * (0.5 / 2 - 7.5 / 8))


def test_records_are_judged_by_the_measure_that_their_rule_names():
    random = np.random.default_rng(0)
    runs = [
        a_record(variant=variant, seed=seed, right=random.random(500) < share, fitted=0.9)
        for variant, share in (("s1-same", 0.6), ("s2-same", 0.9))
        for seed in range(4)
    ]
    assert judge(RULE, measured(runs)).verdict == Verdict.FAILS
    rule = replace(RULE, measure="gap")
    judgement = judge(rule, measured(runs, measure=rule.measure))
    assert judgement.verdict == Verdict.HOLDS
    assert judgement.effect.images == 500
    assert judgement.effect.estimate == pytest.approx(judgement.paired.difference)


def test_a_gap_is_judged_with_the_chance_of_the_training_images_too():
    random = np.random.default_rng(0)
    runs = [
        a_record(variant=variant, seed=seed, right=random.random(500) < chances, fitted=0.9)
        for variant, chances in zip(("s1-same", "s2-same"), random.random((2, 500)), strict=True)
        for seed in range(4)
    ]
    exact = judge(RULE, measured(runs)).effect
    gap = judge(replace(RULE, measure="gap"), measured(runs, measure="gap")).effect
    assert gap.standard_error > exact.standard_error
    assert gap.interval().high - gap.interval().low > exact.interval().high - exact.interval().low


def test_accuracy_is_the_mean_over_seeds_and_images_in_points():
    random = np.random.default_rng(0)
    hits = random.random((4, 500)) < 0.9
    runs = [a_record(variant="a", seed=seed, right=right) for seed, right in enumerate(hits)]
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
    for variant, share in (("s1-same", 0.9), ("s2-same", 0.6)):
        for seed in range(3):
            write(a_record(variant=variant, seed=seed, right=random.random(500) < share), tmp_path)
    judged = recorded_judgements(tmp_path, by={rule.claim: rule for rule in rules})
    # A question of our own is a family of its own.
    assert {claim: judgement.family for claim, judgement in judged.items()} == {
        "M-03": 2,
        "M-01": 2,
        "Q-01": 1,
    }
    assert judged["M-03"].verdict == Verdict.HOLDS


def test_records_that_complete_no_rule_are_refused(tmp_path):
    with pytest.raises(ValueError, match="root must hold all runs of a rule"):
        recorded_judgements(tmp_path, by={"M-03": RULE})


def test_a_run_need_not_have_what_only_other_runs_are_judged_by(tmp_path):
    random = np.random.default_rng(0)
    border = Contrast(first="mnist/s1-valid", second="mnist/s1-same")
    rules = [replace(RULE, seeds=3), replace(RULE, claim="M-17", contrast=border, seeds=3, measure="gap")]
    for variant, fitted in (("s1-same", 0.9), ("s1-valid", 0.8), ("s2-same", None)):
        for seed in range(3):
            right = random.random(500) < 0.7
            write(a_record(variant=variant, seed=seed, right=right, fitted=fitted), tmp_path)
    assert list(recorded_judgements(tmp_path, by={rule.claim: rule for rule in rules})) == ["M-03", "M-17"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "must lead to a JSON list of rules"),
        ('[{"claim": "M-01"}]', "must lead to a JSON list of rules"),
        ('["M-01"]', "must lead to a JSON list of rules"),
        (json.dumps([{**asdict(RULE), "margins": 1}]), "unknown entries.*margins"),
        (json.dumps(2 * [asdict(RULE)]), "one rule a claim, got two for M-03"),
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
        (
            lambda: Contrast(first="mnist", second="mnist/s1-same"),
            "first must read experiment/variant.*'mnist'",
        ),
        (lambda: Contrast(first="mnist/a", second="mnist/a"), "must be two variants"),
        (lambda: replace(RULE, direction="up"), "direction must be one of.*'up'"),
        (lambda: replace(RULE, margin=0), "margin must be above zero, got 0"),
        (lambda: replace(RULE, alpha=0.5), "alpha must lie.*got 0.5"),
        (lambda: replace(RULE, seeds=1), "seeds must be at least 2, got 1"),
        (lambda: judge(RULE, {"mnist/s1-same": {}}), "must hold 'mnist/s2-same', which M-03 compares"),
        (lambda: holm([]), "judgements must hold at least one"),
        (lambda: measured([], measure="speed"), "measure must be one of 'accuracy', 'gap'.*got 'speed'"),
        (
            lambda: measured([a_record(variant="a", seed=3, right=np.ones(10))], measure="gap"),
            "measured training images, got mnist/a/3",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Measures


EXTRA = {
    "mislabeled-as-given": 0.25,
    "accuracy-noise-0.1": 0.9,
    "accuracy-noise-0.2": 0.75,
    "consistency-shift-1": 0.9,
    "consistency-shift-2": 0.8,
    "consistency-shift-3": 0.4,
    "edge-response": 0.5,
    "gradient-ratio": -0.3,
}


def a_record_with(extra, fitted=0.875):
    epochs = tuple(
        Epoch(
            epoch=number, train_loss=1, train_accuracy=0.5, validation_loss=1, validation_accuracy=0.5,
            seconds=seconds, fitted_accuracy=share,
        )
        for number, seconds, share in ((1, 2.0, 0.1), (2, 4.0, fitted))
    )  # fmt: skip
    return Record(
        experiment="mnist-pixels",
        variant="a",
        seed=3,
        settings={},
        environment=capture(device="cpu", threads=1, command="a test"),
        tolerance=1.0,
        epochs=epochs,
        test=Outcome.measured(np.arange(10), np.eye(10), loss=1.0),
        extra=extra,
    )


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ("fitted", 87.5),
        ("seconds", 3.0),
        ("memorized", 25.0),
        ("under-noise", 75.0),
        ("consistency", 70.0),
        ("edge-response", 50.0),
        ("gradient-ratio", -0.3),
    ],
)
def test_a_measure_is_the_number_of_the_record_in_the_unit_of_its_rule(measure, value):
    found = measured([a_record_with(EXTRA)], measure=measure)
    assert found == {"mnist-pixels/a": {3: pytest.approx(value)}}


@pytest.mark.parametrize(
    "measure", ["memorized", "under-noise", "consistency", "edge-response", "gradient-ratio"]
)
def test_a_record_that_lacks_a_measure_says_what_it_has(measure):
    with pytest.raises(
        ValueError, match=r"must all have measured .*, got mnist-pixels/a/3, which has nothing"
    ):
        measured([a_record_with({})], measure=measure)
    with pytest.raises(ValueError, match="which has speed"):
        measured([a_record_with({"speed": 1.0})], measure=measure)


@pytest.mark.parametrize("measure", ["fitted", "gap"])
def test_a_record_without_training_images_cannot_tell_how_it_fits_them(measure):
    with pytest.raises(ValueError, match="measured training images, got mnist-pixels/a/3"):
        measured([a_record_with({}, fitted=None)], measure=measure)
