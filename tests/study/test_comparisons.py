"""What chapters 9 to 14 and 17 compare: each function against records, rules or counting by hand."""

import re
from dataclasses import replace

import numpy as np
import pytest

from helpers.arithmetic import network_unread
from helpers.models import layers_of, small_cnn
from helpers.sources import MNIST_SETTINGS
from helpers.statistics import crossed_effect, paired_table
from helpers.widgets import TrainingExplorer
from helpers.widgets.page_networks import TRAINING_PRESETS
from study import comparisons
from study.comparisons import accuracies, page_intervals, runs, verdicts
from study.experiments.catalog import find
from study.experiments.runs import Job
from study.judging.rules import rules
from study.ledger import CLAIMS
from study.records import per_epoch, recorded

LONG, NOISE = "fashion-long/b", "fashion-noise/b"


@pytest.fixture(scope="module")
def judged():
    return comparisons.judgements()


def test_runs_are_those_of_the_variant_in_the_order_of_their_seeds():
    done = runs("mnist/s2-same")
    assert [run.name for run in done] == [f"mnist/s2-same/{seed}" for seed in range(20)]
    assert runs("mnist/s2-same") is done


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ("mnist/s3-same", r"variant must be one of mnist/s1-same, .* got 'mnist/s3-same'"),
        ("mnist", r"variant must be one of mnist/s1-same, .* got 'mnist'"),
        ("imagenet/a", "experiment must have finished runs in .*, got 'imagenet'"),
    ],
)
def test_a_variant_without_runs_is_named(variant, message):
    with pytest.raises(ValueError, match=message):
        runs(variant)


def test_accuracy_is_the_share_of_hits_in_per_cent():
    hits = comparisons.hits("mnist/s2-valid")
    assert list(hits) == list(range(20))
    shares = [100 * answered.mean() for answered in hits.values()]
    np.testing.assert_allclose(comparisons.accuracies("mnist/s2-valid"), shares)
    assert list(comparisons.measurements("mnist/s2-valid").values()) == pytest.approx(shares)


def test_what_was_measured_besides_is_in_per_cent_too():
    shares = comparisons.measurements("fashion-pixels/a", "accuracy-noise-0.2")
    assert shares == {
        run.seed: pytest.approx(100 * run.extra["accuracy-noise-0.2"]) for run in runs("fashion-pixels/a")
    }


def test_a_measurement_that_was_not_made_is_named():
    with pytest.raises(ValueError, match=r"name must be one of accuracy, .* got 'consistency-shift-9'"):
        comparisons.measurements("mnist-downsampling/max", "consistency-shift-9")


def test_accuracy_is_learned_in_per_cent_and_loss_in_nats():
    done = recorded("mnist")["s1-valid"]
    for quantity, unit in (("fitted_accuracy", 100), ("validation_loss", 1), ("seconds", 1)):
        values = comparisons.learned("mnist/s1-valid", quantity)
        np.testing.assert_array_equal(values, unit * per_epoch(done, quantity))


def test_the_last_test_of_a_run_is_its_outcome():
    values = comparisons.learned(LONG, "test_accuracy")
    assert values.shape == (len(runs(LONG)), 30)
    np.testing.assert_allclose(values[:, -1], comparisons.accuracies(LONG))


def test_an_unknown_quantity_is_named():
    with pytest.raises(ValueError, match="'speed'"):
        comparisons.learned(LONG, "speed")


@pytest.mark.parametrize("target", [0.8, 0.86, 0.87])
def test_a_target_is_reached_after_the_first_epoch_that_has_it(target):
    found = comparisons.reached("fashion-mnist/c", target)
    for run, epoch, seconds in zip(runs("fashion-mnist/c"), *found, strict=True):
        there = [each.epoch for each in run.epochs if each.validation_accuracy >= target]
        assert epoch == there[0] if there else np.isnan(epoch)
        spent = sum(each.seconds for each in run.epochs[: int(epoch)]) if there else float("nan")
        assert seconds == pytest.approx(spent, nan_ok=True)


def test_some_run_never_reaches_the_highest_of_these_targets():
    assert np.isnan(comparisons.reached("fashion-mnist/c", 0.87).epochs).any()


def test_a_difference_is_judged_as_the_rule_of_the_same_pair_judges_it(judged):
    ours, effect = comparisons.difference("mnist/s1-same", "mnist/s1-valid"), judged["M-01"].effect
    assert (ours.estimate, ours.interval()) == (effect.estimate, effect.interval())


def test_a_difference_has_a_row_for_each_seed_that_both_have():
    table = comparisons.difference_table("mnist/s1-same", "mnist/s2-same")
    assert table.shape == (20, 10_000)
    gaps = comparisons.accuracies("mnist/s1-same")[:20] - comparisons.accuracies("mnist/s2-same")
    np.testing.assert_allclose(table.mean(axis=1), gaps)


def test_confusions_change_by_the_mean_over_common_seeds():
    found = comparisons.confusion_changes("fashion-mnist/c", "fashion-mnist/a")
    assert found.seeds == 10
    shares = [
        [[count / sum(row) for count in row] for row in run.outcome.confusion]
        for variant in ("fashion-mnist/c", "fashion-mnist/a")
        for run in runs(variant)[:10]
    ]
    first, second = np.mean(shares[:10], axis=0), np.mean(shares[10:], axis=0)
    np.testing.assert_allclose(found.difference, 100 * (first - second), atol=1e-9)


def test_wrong_labels_count_beyond_a_ninth_of_the_mistakes():
    beyond = comparisons.beyond_mistakes(NOISE)
    for run in runs(NOISE):
        mistakes = 1 - run.extra["mislabeled-as-true"]
        assert beyond[run.seed] == pytest.approx(100 * (run.extra["mislabeled-as-given"] - mistakes / 9))


def test_answers_that_ignore_the_image_are_at_chance():
    truth, answers = np.array([5, 3, 2]), np.array([0.5, 0.2, 0.3])
    assert comparisons.beyond_chance(np.outer(truth, answers)) == pytest.approx(0)
    assert comparisons.beyond_chance(np.diag(truth)) == pytest.approx(100 * (1 - 0.25 - 0.09 - 0.04))
    assert comparisons.beyond_chance([[0, 1], [1, 0]]) == pytest.approx(-50)


def test_ends_are_written_with_a_minus_sign_and_no_plus():
    assert comparisons.between((-0.126, 0.5)) == "\N{MINUS SIGN}0.13 to 0.50"
    assert comparisons.between((0.87651, 0.9), decimals=4) == "0.8765 to 0.9000"


def test_a_verdict_says_where_a_real_difference_may_not_matter(judged):
    small = {
        claim
        for claim, each in judged.items()
        if each.differs and each.equivalent and each.rule.direction != "equal"
    }
    assert small
    for claim, each in judged.items():
        ending = ", but within the margin" if claim in small else ""
        assert comparisons.verdict(claim) == f"{each.verdict}{ending}"


def test_where_none_is_claimed_a_small_difference_needs_no_remark(judged, monkeypatch):
    same = replace(judged["Q-06"], p=0.01, p_equivalence=0.01)
    claimed = replace(same, rule=replace(same.rule, direction="above"))
    monkeypatch.setattr(verdicts, "judgements", lambda: {"same": same, "claimed": claimed})
    assert comparisons.verdict("same") == same.verdict
    assert comparisons.verdict("claimed") == f"{claimed.verdict}, but within the margin"


def test_effects_stand_beside_the_variants_that_they_compare(judged):
    found = comparisons.effects("M-03", "M-04")
    assert [*found] == [
        (contrast.first, contrast.second)
        for claim in ("M-03", "M-04")
        for contrast in (rules()[claim].contrast, *rules()[claim].conditions)
    ]
    for (first, second), effect in found.items():
        seeds = range(20)
        sides = [{seed: comparisons.hits(name)[seed] for seed in seeds} for name in (first, second)]
        assert effect.estimate == crossed_effect(paired_table(*sides)).estimate


def test_numbers_behind_a_verdict_are_those_of_the_judgement(judged):
    numbers, each = comparisons.in_numbers("M-03"), judged["M-03"]
    assert numbers["verdict"] == each.verdict
    assert numbers["difference"] == comparisons.signed(each.effect.estimate)
    assert numbers["95% interval"] == comparisons.signed(*each.interval)
    assert numbers["correlation"] == comparisons.signed(each.paired.correlation)
    assert numbers["Welch, 95%"] == comparisons.signed(*each.paired.welch_interval)


def test_a_table_of_rules_has_their_seeds_and_their_margins():
    table = comparisons.rule_table("M-15", "M-01")
    assert table.data["rule"].tolist() == ["M-15", "M-01"]
    assert table.data["seeds"].tolist() == [10, 60]
    assert table.caption == "Margins: 1 s an epoch for M-15; 0.2 points for M-01."
    assert comparisons.rule_table("M-01").caption == "Margin: 0.2 points."


def test_a_rule_has_its_verdict_beside_its_contrast_and_not_beside_its_conditions():
    table = comparisons.contrast_table({"M-15": ["same", "valid\n− same"], "Q-01": ["2x2"]}).data
    assert table["rule"].tolist() == ["M-15", "", "Q-01"]
    assert table["difference"].tolist() == ["same", "valid − same", "2x2"]
    assert table["verdict"].tolist() == [comparisons.verdict("M-15"), "", comparisons.verdict("Q-01")]
    seconds, points = table["s an epoch, 95% interval"], table["points, 95% interval"]
    assert seconds.notna().tolist() == [True, True, False]
    assert points.notna().tolist() == [False, False, True]


@pytest.mark.parametrize("labels", [["a label"], ["one", "two", "three"]])
def test_each_contrast_needs_its_label(labels):
    with pytest.raises(ValueError, match="zip"):
        comparisons.result({"M-15": labels})


def test_a_claim_is_printed_in_the_words_of_the_ledger():
    (row,) = comparisons.verdict_table({"F-01": "test accuracy, B − A"}).data.to_dict("records")
    assert row["claim"] == f"F-01: {CLAIMS['F-01'].statement} Judged: test accuracy, B − A."
    assert row["verdict"] == comparisons.in_numbers("F-01")["verdict"]


def test_a_summary_names_units_other_than_points():
    table = comparisons.summary_table("M-15", "Q-01").data
    seconds, points = table["difference, 95% interval"]
    assert seconds.endswith(") s an epoch")
    assert points.endswith(")")


def test_a_table_says_what_its_intervals_do_not():
    assert comparisons.summary_table("F-01", "M-03").caption is None
    assert comparisons.summary_table("F-13", "F-01").caption == "Over seeds alone: F-13."
    careful = comparisons.summary_table("F-05", "Q-03").caption
    assert re.search(r"F-05: the interval leaves out zero; corrected for \d+ rules it would not\.", careful)
    assert "Q-03: the 90% interval lies within the margin" in careful


def test_facts_of_networks_are_those_of_their_records_and_of_the_arithmetic():
    names = {f"mnist/{name}": each.label for name, each in MNIST_SETTINGS.items()}
    table = comparisons.network_facts(names)
    assert table.network.tolist() == list(names.values())
    for row, (name, setting) in zip(table.to_dict("records"), MNIST_SETTINGS.items(), strict=True):
        record = runs(f"mnist/{name}")[0]
        assert (row["parameters"], row["MACs"]) == (record.parameters, record.macs)
        unread = len(network_unread(28, layers_of(setting)))
        assert row["pixels never read"] == 28**2 - (28 - unread) ** 2
    assert table["last map"].tolist() == ["7x7", "5x5", "2x2", "1x1"]


def test_an_average_is_no_window():
    (row,) = comparisons.network_facts({"mnist-size/s1-same-average": "averaged"}).to_dict("records")
    assert row["last map"] == "7x7"


def test_a_table_of_networks_separates_thousands():
    assert "421,642" in comparisons.network_table({"mnist/s1-same": "(1, same)"}).to_html()


def test_a_variant_that_no_experiment_has_is_named():
    with pytest.raises(ValueError, match=r"variant must be one of s1-same, .* of mnist, got 'mnist/s3-same'"):
        comparisons.network("mnist/s3-same")


def test_ink_is_unread_in_rows_and_in_columns():
    image = np.array([[4, 0, 1], [0, 0, 0], [2, 0, 3]])
    assert comparisons.ink_unread(image, [2]) == pytest.approx(0.6)
    assert comparisons.ink_unread(image, [1]) == 0
    assert comparisons.ink_unread(image, ()) == 0


def test_f07_over_images_is_the_difference_of_recalls(monkeypatch):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), np.arange(20, 40, 2)))
    fine = np.isin(labels, (2, 6))
    for better, points in ((np.ones(len(labels)), 0), (fine, 100), (~fine, -100), (labels == 2, 50)):
        hits = {
            "fashion-mnist/b": dict.fromkeys(range(2), better.astype(float)),
            "fashion-mnist/a": dict.fromkeys(range(2), np.zeros(len(labels))),
        }
        monkeypatch.setitem(comparisons.fine_grained_over_images.__globals__, "hits", hits.__getitem__)
        effect = comparisons.fine_grained_over_images(labels)
        assert effect.estimate == pytest.approx(points)
        assert effect.images == len(labels)


def test_what_the_objections_count(judged):
    pairing = comparisons.pairing()
    assert list(pairing.index) == list(judged)
    assert pairing["M-08"] == judged["M-08"].paired.correlation
    left_open = comparisons.open_conditions()
    assert left_open["M-10"] == 1  # (1, same) and (1, valid) are not told apart
    assert "M-03" not in left_open
    table = comparisons.sensitivity_table().data
    assert table.rules.sum() == sum(each.rule.measure == "accuracy" for each in judged.values())
    assert (table["among its family"] > table["alone"]).all()


def test_only_sampling_that_follows_the_image_changes_nothing():
    changes = {name: comparisons.changes_by_shift(name, steps=5) for name in ("stride", "polyphase")}
    assert {values.shape for values in changes.values()} == {(24,)}
    assert changes["polyphase"].max() < 1e-9
    assert changes["stride"].max() > 1
    assert changes["stride"][4 * 5 - 1] < 1e-9  # four pixels down: the same grid again, twice halved


def test_only_padding_that_is_not_of_the_image_tells_places():
    told = {name: comparisons.places_told(name, seeds=(0, 1), images=40) for name in ("zeros", "valid")}
    assert told["zeros"].min() > 20
    assert abs(told["valid"]).max() < 10
    again = comparisons.places_told("zeros", seeds=(1,), images=40)
    assert again == pytest.approx(told["zeros"][1:])


def test_one_more_run_of_the_page_lies_where_the_recorded_ones_do():
    found = page_intervals()
    assert len(found) >= 4
    for each in found:
        variant = variant_of(each)
        shares = accuracies(variant) / 100
        assert each["runs"] == len(shares)
        assert 0.8 <= np.mean((each["low"] <= shares) & (shares <= each["high"])) <= 1, variant
        assert each["low"] < shares.mean() < each["high"]


def variant_of(interval):
    """The variant whose runs an interval is of, by its settings in the catalog."""
    for experiment in ("page", "page-garments"):
        for variant in find(experiment).variants:
            settings = Job(experiment=find(experiment), variant=variant.name, seed=0).settings
            model = small_cnn(**interval["network"])
            is_network = str(model) == str(variant.build())
            drawn = settings["changes"][0]["drawn"]
            images = {"mnist": "digits", "fashion-mnist": "garments"}[settings["data"]] if drawn else "mnist"
            change = {"pushed": "corner", "shuffled_labels": "shuffled"}.get(settings["changes"][-1]["name"])
            if is_network and (images, change or "none") == (interval["images"], interval["change"]):
                return f"{experiment}/{variant.name}"
    raise AssertionError(f"no variant is {interval}")


def test_the_presets_of_the_page_are_recorded_or_will_be():
    """As it takes them: what the explorer trains by default is what the catalog trains."""
    plain = TrainingExplorer()
    for experiment in ("page", "page-garments"):
        plan = find(experiment)
        assert (plan.epochs, plan.batch_size, plan.learning_rate, plan.epsilon) == (
            plain.epochs,
            plain.batch_size,
            plain.learning_rate,
            1e-7,
        )
    for preset in TRAINING_PRESETS.values():
        for network in preset["networks"]:
            setting = {key: value for key, value in network.items() if key != "name"}
            images = preset.get("images", "mnist")
            assert variant_of({"network": setting, "images": images, "change": preset["change"]})
