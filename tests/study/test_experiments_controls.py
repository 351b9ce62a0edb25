"""The controls: what is changed and nothing else, what is measured besides, and what the catalog promises."""

import json
from dataclasses import replace
from functools import partial
from math import log10
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from helpers.data import Images, stand_in
from helpers.models import cnn, mnist_cnn
from study.experiments.catalog import EXPERIMENTS, FASHION, MNIST, find
from study.experiments.literature import SMALL_EXPERIMENTS
from study.experiments.measurements import (
    Trained,
    edge_response,
    fit_of_labels,
    initial_gradients,
    position_read_out,
    shifted,
    under_noise,
    under_shifts,
)
from study.experiments.plan import Experiment, Variant
from study.experiments.preparation import (
    Splits,
    blanked,
    first_images,
    mislabeled,
    moved_and_mirrored,
    pushed,
    shuffled_labels,
)
from study.experiments.report import compare
from study.experiments.runs import Job, cost, run, untrained
from study.experiments.sweep import what_is_missing
from study.judging import RULES, read_rules
from study.records import read, write

ROOT = Path(__file__).resolve().parents[2]
OTHERS = ("mnist", "fashion-mnist", "page", "page-garments")  # no control of a source
CONTROLS = [
    each for each in EXPERIMENTS.values() if each.name not in OTHERS and each not in SMALL_EXPERIMENTS
]


def splits_of(images, labels=None):
    """The same images to learn from and to test on; the test images validate."""
    labels = torch.zeros(len(images), dtype=torch.int64) if labels is None else labels
    whole = Images(images, labels, tuple("0123456789"), True, "mnist", "train")
    return Splits(whole, whole, whole)


@pytest.fixture(scope="module")
def splits():
    train, test = (
        stand_in("mnist", split=split, size=size) for split, size in (("train", 200), ("test", 50))
    )
    return Splits(train, test, test)


# --- Changes


@given(
    st.integers(0, 20), st.integers(0, 20), st.integers(0, 2**32), st.sampled_from(["up-left", "down-right"])
)
def test_pushed_images_keep_all_ink_and_touch_the_corner(down, right, seed, corner):
    ink = torch.randint(1, 256, (1, 8, 8), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    image = torch.zeros(1, 28, 28, dtype=torch.uint8)
    image[:, down : down + 8, right : right + 8] = ink
    moved = pushed(splits_of(image), corner=corner).train.images
    where = slice(0, 8) if corner == "up-left" else slice(20, 28)
    assert torch.equal(moved[:, where, where], ink)
    assert moved.sum() == image.sum()


def test_every_image_is_pushed_by_itself_in_all_splits(splits):
    moved = pushed(splits, corner="up-left")
    for before, after in zip(splits, moved, strict=True):
        assert (after.images.sum((1, 2)) == before.images.sum((1, 2))).all()
        assert (after.images[:, 0] > 0).any(1).all()
        assert (after.images[:, :, 0] > 0).any(1).all()
        assert torch.equal(after.labels, before.labels)
    assert moved.validation is moved.test


def test_an_image_without_ink_is_pushed_nowhere():
    blank = torch.zeros(1, 28, 28, dtype=torch.uint8)
    for corner in ("up-left", "down-right"):
        assert torch.equal(pushed(splits_of(blank), corner=corner).train.images, blank)


def test_blanked_images_lose_their_rings_and_nothing_else(splits):
    for rings in (1, 3):
        after = blanked(splits, rings=rings).test.images
        inside = slice(rings, 28 - rings)
        assert torch.equal(after[:, inside, inside], splits.test.images[:, inside, inside])
        assert after.sum() == splits.test.images[:, inside, inside].sum()


@pytest.mark.parametrize("share", [0.05, 0.2, 1.0])
def test_exactly_a_share_of_the_training_labels_is_wrong(splits, share):
    changed = mislabeled(splits, share=share)
    wrong = changed.train.labels != splits.train.labels
    assert int(wrong.sum()) == share * 200
    assert changed.train.labels.unique().tolist() == list(range(10))
    assert changed.train.images is splits.train.images
    assert changed.test is splits.test


def test_wrong_labels_are_spread_over_all_other_classes():
    labels = torch.full((9_000,), 3)
    given = mislabeled(
        splits_of(torch.zeros(9_000, 28, 28, dtype=torch.uint8), labels), share=1.0
    ).train.labels
    counts = torch.bincount(given, minlength=10)
    assert counts[3] == 0
    assert counts[torch.arange(10) != 3].double().std() < 3 * 30  # binomial: sqrt(1000)


def test_shuffled_labels_are_the_same_ones_in_an_order_of_chance(splits):
    changed = shuffled_labels(splits)
    assert torch.equal(changed.train.labels.sort().values, splits.train.labels.sort().values)
    agreeing = (changed.train.labels == splits.train.labels).double().mean()
    assert agreeing < 0.25
    assert changed.test is splits.test


@pytest.mark.parametrize("change", [partial(mislabeled, share=0.2), shuffled_labels])
def test_random_changes_are_the_same_for_every_run_and_depend_on_their_seed(splits, change):
    first = change(splits).train.labels
    torch.manual_seed(5)
    assert torch.equal(first, change(splits).train.labels)
    assert not torch.equal(first, change(splits, seed=1).train.labels)


def test_changes_leave_what_they_are_given_as_it_was(splits):
    before = [(part.images.clone(), part.labels.clone()) for part in splits]
    for change in (
        partial(pushed, corner="down-right"),
        partial(blanked, rings=1),
        partial(mislabeled, share=0.5),
        shuffled_labels,
    ):
        change(splits)
    for part, (images, labels) in zip(splits, before, strict=True):
        assert torch.equal(part.images, images)
        assert torch.equal(part.labels, labels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (partial(pushed, corner="left"), "corner must be one of 'up-left', 'down-right', got 'left'"),
        (partial(blanked, rings=0), "rings must be from 1 to 13, got 0"),
        (partial(blanked, rings=14), "rings must be from 1 to 13, got 14"),
        (partial(mislabeled, share=0), "share must be above 0, and at most 1, got 0"),
        (partial(mislabeled, share=1.5), "share must be above 0, and at most 1, got 1.5"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(splits, change, message):
    with pytest.raises(ValueError, match=message):
        change(splits)


def test_augmented_images_are_moved_and_mirrored_copies():
    """Each is found again among the 2 x 25 that it may have become, and all of these occur."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 1, 28, 28, generator=generator)
    possible = torch.stack(
        [
            shifted(view, down, right)[0]
            for view in (image[:, 0], image[:, 0].flip(2))
            for down in range(-2, 3)
            for right in range(-2, 3)
        ]
    )  # (50, 28, 28)
    batch = moved_and_mirrored(image.expand(1_000, 1, 28, 28), generator, pixels=2)
    assert batch.shape == (1_000, 1, 28, 28)
    found = (batch == possible).all(3).all(2)  # (1000, 50)
    assert (found.sum(1) == 1).all()
    assert found.any(0).all()


def test_augmentation_draws_from_its_generator_alone():
    images = torch.rand(8, 1, 28, 28)
    first, again = (moved_and_mirrored(images, torch.Generator().manual_seed(3), pixels=2) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(
        moved_and_mirrored(images, torch.Generator(), pixels=0).sort().values, images.sort().values
    )


# --- What is measured besides


def a_run_over(splits, model, unchanged=None):
    return Trained(model=model, untrained=lambda: model, splits=splits, unchanged=unchanged or splits)


class Brightness(nn.Module):
    """Answers with the class whose place in the first row of pixels is brightest."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images):
        return self.scale * images[:, 0, 0, :10]


def one_hot(classes):
    """Images whose first row is white at one place."""
    images = torch.zeros(len(classes), 28, 28, dtype=torch.uint8)
    images[torch.arange(len(classes)), 0, classes] = 255
    return images


def test_shifts_are_measured_in_all_four_directions():
    """Moved along the row, no answer is right; moved up or down, the row is black and the answer 0."""
    classes = torch.tensor([0, 3, 5, 7])
    measured = under_shifts(a_run_over(splits_of(one_hot(classes), classes), Brightness()), pixels=(1, 2))
    assert set(measured) == {f"{what}-shift-{by}" for what in ("accuracy", "consistency") for by in (1, 2)}
    # down 1/4, up 1/4, right 0; left: class 0 falls off the edge, black is answered with 0
    assert measured["accuracy-shift-1"] == pytest.approx((0.25 + 0.25 + 0.0 + 0.25) / 4)
    assert measured["consistency-shift-1"] == pytest.approx(measured["accuracy-shift-1"])


def test_consistent_is_not_correct():
    classes = torch.tensor([3, 3])
    wrong = splits_of(torch.full((2, 28, 28), 9, dtype=torch.uint8), classes)
    measured = under_shifts(a_run_over(wrong, Brightness()), pixels=(1,))
    assert measured == {"accuracy-shift-1": 0.0, "consistency-shift-1": pytest.approx(0.75)}


@given(st.integers(-3, 3), st.integers(-3, 3))
def test_a_shift_there_and_back_keeps_what_did_not_leave(down, right):
    image = torch.zeros(1, 28, 28, dtype=torch.uint8)
    image[:, 3:25, 3:25] = torch.arange(22 * 22).reshape(22, 22) % 256
    moved = shifted(image, down, right)
    assert moved[0, 10 + down, 10 + right] == image[0, 10, 10]
    assert torch.equal(shifted(moved, -down, -right), image)


def test_noise_is_the_same_for_every_network_and_of_the_stated_level(splits):
    seen = []

    class Watch(Brightness):
        def forward(self, images):
            seen.append(images.clone())
            return super().forward(images)

    levels = (0.1, 0.2)
    measured = under_noise(a_run_over(splits, Watch()), levels=levels)
    again = under_noise(a_run_over(splits, Brightness()), levels=levels)
    assert measured == again
    assert list(measured) == ["accuracy-noise-0.1", "accuracy-noise-0.2"]
    clean = splits.test.as_float()
    gray = (clean > 0.45) & (clean < 0.55)  # too far from black and white to be clipped
    for level, images in zip(levels, seen, strict=True):
        assert images.min() >= 0
        assert images.max() <= 1
        assert (images - clean)[gray].std() == pytest.approx(level, rel=0.15)
    inside = (seen[1] > 0) & (seen[1] < 1) & gray
    torch.testing.assert_close((seen[1] - clean)[inside], 2 * (seen[0] - clean)[inside])


def test_the_fit_of_wrong_labels_counts_the_mislabeled_images_alone():
    true = torch.tensor([0, 1, 2, 3])
    given = torch.tensor([0, 1, 5, 6])
    images = one_hot(torch.tensor([0, 1, 5, 3]))  # the third is answered as labeled, the fourth as it is
    changed, unchanged = splits_of(images, given), splits_of(images, true)
    assert fit_of_labels(a_run_over(changed, Brightness(), unchanged)) == {
        "mislabeled-as-given": 0.5,
        "mislabeled-as-true": 0.5,
    }


def test_the_edge_is_that_of_zero_padding_alone(splits):
    def response(**arguments):
        model = untrained(Variant(name="any", seeds=1, build=partial(cnn, strides=(1, 1), **arguments)), 0)
        return edge_response(a_run_over(splits, model))["edge-response"]

    assert response(padding="same") > 0.1
    assert response(padding="valid") < 1e-6
    assert response(padding="same", padding_mode="reflect") < 1e-6


def test_the_edge_response_of_a_known_kernel(splits):
    """Nine weights of 1 on white: 9 inside, 6 along a side, 4 in a corner."""
    model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.ReLU())
    nn.init.ones_(model[0].weight)
    sides, corners = 4 * 26, 4
    expected = (sides * 3 + corners * 5) / (sides + corners) / 9
    assert edge_response(a_run_over(splits, model))["edge-response"] == pytest.approx(expected)


def test_initial_gradients_are_those_of_backward(splits):
    variant = find("mnist-depth").variant("same")
    model = untrained(variant, 0)
    batch = splits.train.first(100)
    nn.functional.cross_entropy(model(batch.as_float()), batch.labels).backward()
    first, last = (model.get_submodule(f"conv{number}").weight.grad.norm() for number in (1, 10))
    first, last = first / 72**0.5, last / 576**0.5  # weights of each
    over = replace(a_run_over(splits, nn.Identity()), untrained=partial(untrained, variant, 0))
    measured = initial_gradients(over, images=100)
    assert measured["gradient-ratio"] == pytest.approx(log10(first / last), abs=1e-4)
    assert initial_gradients(over, images=1_000) != measured  # as many as there are


# --- In a run


SMALL = Experiment(
    name="small",
    question="Does it run?",
    data="mnist",
    variants=(
        Variant(
            name="changed",
            seeds=1,
            build=partial(mnist_cnn, stride=2, padding="valid"),
            changes=(partial(mislabeled, share=0.5), partial(pushed, corner="up-left")),
            augment=partial(moved_and_mirrored, pixels=1),
        ),
        Variant(name="plain", seeds=1, build=partial(mnist_cnn, stride=2, padding="valid")),
    ),
    epochs=2,
    batch_size=32,
    tolerance=1.0,
    evaluations=(fit_of_labels, partial(under_shifts, pixels=(1,))),
    test_every_epoch=True,
)
JOB = Job(experiment=SMALL, variant="changed", seed=0, device="cpu", drawn=320)


@pytest.fixture(scope="module")
def record():
    return run(JOB)


def test_a_record_says_what_was_changed_and_measured(record):
    assert record.reason == ""
    told = {name: record.settings[name] for name in ("changes", "augment", "evaluations", "test_every_epoch")}
    assert told == {
        "changes": [{"name": "mislabeled", "share": 0.5}, {"name": "pushed", "corner": "up-left"}],
        "augment": {"name": "moved_and_mirrored", "pixels": 1},
        "evaluations": [{"name": "fit_of_labels"}, {"name": "under_shifts", "pixels": [1]}],
        "test_every_epoch": True,
    }
    assert list(record.extra) == [
        "accuracy-epoch-1",
        "accuracy-epoch-2",
        "mislabeled-as-given",
        "mislabeled-as-true",
        "accuracy-shift-1",
        "consistency-shift-1",
    ]
    assert record.extra["accuracy-epoch-2"] == record.outcome.accuracy


def test_measuring_besides_changes_no_run(record):
    silent = replace(SMALL, evaluations=(), test_every_epoch=False)
    again = run(replace(JOB, experiment=silent))
    assert compare(record, replace(again, extra=record.extra)).identical
    assert not compare(record, again).identical


@pytest.mark.parametrize("without", [{"changes": ()}, {"augment": None}])
def test_every_change_reaches_the_run(record, without):
    variants = (replace(SMALL.variants[0], **without), SMALL.variants[1])
    other = run(replace(JOB, experiment=replace(SMALL, variants=variants)))
    assert [epoch.train_loss for epoch in other.epochs] != [epoch.train_loss for epoch in record.epochs]
    assert not set(without) & set(other.settings)


def test_a_stored_control_is_accepted_as_finished(record, tmp_path):
    assert read(write(record, tmp_path)) == record
    assert what_is_missing([JOB], results=tmp_path) == []


# --- The catalog


def test_the_settings_of_the_sources_are_as_they_were_recorded_first():
    """No key that later controls needed: their records stay valid."""
    for experiment, model in ((MNIST, "mnist_cnn"), (FASHION, "fashion_cnn")):
        job = Job(experiment=experiment, variant=experiment.variants[0].name, seed=0)
        optional = {"padding"} if model == "mnist_cnn" else set()
        assert set(job.settings) - optional == {
            "data", "stand_in", "model", "stride", "epochs", "batch_size", "optimizer", "learning_rate",
            "epsilon", "validation", "split_seed", "fitted_images",
        }  # fmt: skip
        assert job.settings["model"] == model
    assert Job(experiment=FASHION, variant="c", seed=0).settings["model"] == "CNNBiLSTM"


@pytest.mark.parametrize("experiment", CONTROLS, ids=lambda experiment: experiment.name)
def test_a_control_differs_from_its_source_in_what_it_says_only(experiment):
    source = {"mnist": MNIST, "fashion-mnist": FASHION}[experiment.data]
    for name in ("batch_size", "learning_rate", "epsilon", "validation"):
        assert getattr(experiment, name) == getattr(source, name)
    assert experiment.epochs == (source.epochs if not experiment.name.endswith("long") else experiment.epochs)
    # A run a shuffle takes the place of a run a seed.
    allowed = {1} if experiment.name == "mnist-reshuffled" else {5, 10}
    assert {variant.seeds for variant in experiment.variants} <= allowed
    names = [variant.name for variant in experiment.variants]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("experiment", SMALL_EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_the_networks_of_the_literature_differ_in_what_they_compare_only(experiment):
    for name in ("batch_size", "learning_rate", "epsilon", "validation"):
        assert getattr(experiment, name) == getattr(SMALL_EXPERIMENTS[0], name)
    assert len({variant.name for variant in experiment.variants}) == len(experiment.variants)
    assert len({variant.changes for variant in experiment.variants}) == 1
    for variant in experiment.variants:
        widths = [layer.out_channels for layer in variant.build().modules() if isinstance(layer, nn.Conv2d)]
        assert all(width % 8 == 0 for width in widths)  # with fewer than eight, some builds of torch crash


@pytest.mark.parametrize(
    "experiment", [*CONTROLS, *SMALL_EXPERIMENTS], ids=lambda experiment: experiment.name
)
def test_settings_and_networks_of_the_controls(experiment):
    for variant in experiment.variants:
        job = Job(experiment=experiment, variant=variant.name, seed=0)
        assert json.loads(json.dumps(job.settings)) == job.settings
        image = torch.zeros(2, 1, 28, 28)
        assert untrained(variant, 0).eval()(image).shape == (2, 10)


def costs(experiment, *names):
    return [cost(find(experiment).variant(name).build()) for name in names]


def test_what_is_called_equal_is_equal():
    averages = costs("mnist-size", "s1-same-average", "s1-valid-average", "s2-same-average")
    averages += costs("fashion-size", "a-average", "b-average")
    assert {size.parameters for size in averages} == {28_426}
    a, b = costs("fashion-pixels", "a", "b")
    like, wide, thin = costs("fashion-size", "b-like-a", "a-wide", "b-thin")
    assert like.parameters == a.parameters
    assert wide.macs == pytest.approx(b.macs, rel=0.0002)
    assert thin.macs == pytest.approx(a.macs, rel=0.015)
    one, two = costs("mnist-pixels", "s1-same", "s2-same")
    like, wide = costs("mnist-size", "s1-same-like-s2", "s2-same-wide")
    assert like.parameters == two.parameters
    assert wide.macs == pytest.approx(one.macs, rel=0.0017)
    downsampling = costs("mnist-downsampling", "max", "stride", "blur", "max-blur")
    assert {size.parameters for size in downsampling} == {421_642}
    assert costs("fashion-strides", "two-unpooled")[0].parameters == b.parameters
    uncollapsed, everything = costs("mnist-pixels", "s2-valid-uncollapsed", "s2-valid-all")
    assert uncollapsed.parameters == everything.parameters == two.parameters
    same, valid = costs("mnist-depth", "same", "valid")
    assert same.parameters == valid.parameters


def test_what_the_literature_compares_is_as_equal_as_it_says():
    proposed, six, wide = costs("small-space-to-depth", "space-to-depth", "strided-six", "strided-wide")
    assert proposed == six
    assert proposed.macs < wide.macs < 1.06 * proposed.macs
    layer, pooled_layer = costs("small-all-convolutional", "strided-layer", "pooled-layer")
    assert layer.parameters == pooled_layer.parameters
    pooled, strided = costs("small-all-convolutional", "pooled", "strided")
    assert pooled.parameters == strided.parameters
    first, middle, last, *wider = costs(
        "small-stages", "first", "middle", "last", "first-wide", "middle-wide"
    )
    assert first.parameters == middle.parameters == last.parameters
    assert all(each.macs == pytest.approx(last.macs, rel=0.01) for each in wider)
    padded = costs("small-padding", "zeros", "partial", "reflect", "replicate", "circular")
    assert len(set(padded)) == 1
    assert len({size.parameters for size in costs("small-shifts", "stride", "polyphase", "blur", "max")}) == 1
    small, large = costs("small-stem", "small", "large-wide")
    assert large.macs == pytest.approx(small.macs, rel=0.01)


def test_space_to_depth_is_the_convolution_that_it_is_compared_with():
    proposed, six = (
        find("small-space-to-depth").variant(name).build() for name in ("space-to-depth", "strided-six")
    )
    weights = proposed.state_dict()
    for name in ("conv2.weight", "conv3.weight"):
        weights[name] = torch.nn.functional.pixel_shuffle(weights[name], 2)
    six.load_state_dict(weights)
    image = torch.rand((3, 1, 28, 28), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(six(image), proposed(image))


def test_few_images_are_the_first_ones_and_all_test_images_stay(splits):
    few = first_images(splits, train=20, validation=5)
    assert torch.equal(few.train.images, splits.train.images[:20])
    assert torch.equal(few.validation.labels, splits.validation.labels[:5])
    assert few.test is splits.test
    with pytest.raises(ValueError, match=r"train must be .*, got 0"):
        first_images(splits, train=0, validation=5)


def trained_of(model, splits):
    return Trained(model=model, untrained=lambda: model, splits=splits, unchanged=splits)


@pytest.mark.parametrize(
    ("padding", "mode", "tells"),
    [("same", "zeros", True), ("valid", "zeros", False), ("same", "circular", False)],
)
def test_only_padding_that_ends_the_image_tells_where_a_unit_is(padding, mode, tells, splits):
    torch.manual_seed(0)
    model = cnn(strides=(1, 2), channels=(8, 8), pools=(None, None), padding=padding, padding_mode=mode)
    position = position_read_out(trained_of(model, splits), images=100)["position"]
    assert (position > 0.02) is tells
    assert -0.02 < position < 1


def test_a_map_of_coordinates_is_read_out_without_error(splits):
    class Coordinates(nn.Conv2d):
        def forward(self, input):
            rows, columns = (torch.arange(4.0) for _ in range(2))
            grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij"))
            return grid.expand(len(input), 2, 4, 4) + 0.0 * super().forward(input).mean()

    position = position_read_out(trained_of(Coordinates(1, 2, 3), splits), images=4)["position"]
    assert position == pytest.approx(1)


def test_hybrids_are_about_as_large_as_c():
    c, *others = costs(
        "fashion-hybrids", "c", "c-dense", "c-dense-narrow", "rows-small", "c-forward", "c-stride-2"
    )
    assert all(other.parameters == pytest.approx(c.parameters, rel=0.025) for other in others)


def test_the_baselines_are_the_sources_networks():
    for control, name, source in (
        *(("mnist-pixels", name, MNIST) for name in ("s1-same", "s1-valid", "s2-same", "s2-valid")),
        ("mnist-long", "s1-same", MNIST), ("mnist-downsampling", "max", MNIST),
        *(("fashion-pixels", name, FASHION) for name in ("a", "b")),
        ("fashion-noise", "b", FASHION), ("fashion-long", "a", FASHION),
        ("fashion-hybrids", "c", FASHION),
    ):  # fmt: skip
        published = source.variant("s1-same" if name == "max" else name)
        first, second = untrained(find(control).variant(name), 3), untrained(published, 3)
        assert str(first) == str(second)
        assert all(map(torch.equal, first.parameters(), second.parameters()))


def test_every_measure_that_a_rule_names_is_measured_where_it_judges():
    needed = {
        "memorized": "fit_of_labels", "under-noise": "under_noise", "consistency": "under_shifts",
        "edge-response": "edge_response", "gradient-ratio": "initial_gradients",
        "position": "position_read_out",
    }  # fmt: skip
    rules = read_rules(RULES)
    for rule in rules.values():
        if rule.measure in needed:
            for experiment in rule.experiments:
                names = [each["name"] for each in find(experiment).measurements["evaluations"]]
                assert needed[rule.measure] in names
    assert {rule.measure for rule in rules.values()} >= set(needed)


def test_every_control_answers_a_rule_but_the_negative_one():
    rules = read_rules(RULES).values()
    judged = set().union(*(rule.experiments for rule in rules))
    assert {each.name for each in (*CONTROLS, *SMALL_EXPERIMENTS)} - judged == {
        "mnist-shuffled",
        "mnist-reshuffled",
    }


def test_the_negative_control_learns_from_shuffled_labels_alone():
    assert {variant.changes for variant in find("mnist-shuffled").variants} == {(shuffled_labels,)}


def test_each_further_shuffle_is_another_one(splits):
    again = find("mnist-reshuffled").variants
    orders = {tuple(change(splits).train.labels.tolist()) for each in again for change in each.changes}
    assert len(orders) == len(again) == 20
    assert tuple(shuffled_labels(splits).train.labels.tolist()) not in orders
