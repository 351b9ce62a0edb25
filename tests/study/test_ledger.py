"""The ledger, checked against torch, against gradients and against the runs that are recorded."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from helpers.arithmetic import ReceptiveField
from helpers.data import DataUnavailable, Images
from helpers.models import CNNBiLSTM, fashion_cnn, mnist_cnn
from helpers.sources import WORKED_5X5, WORKED_7X7
from study.experiments.catalog import find
from study.experiments.runs import Cost
from study.judging import Rule, Verdict, judge, recorded_judgements
from study.judging.rules import rules
from study.ledger import (
    CLAIMS,
    Finding,
    Measured,
    answers,
    claim,
    decided,
    fashion,
    guide,
    judge_all,
    mnist,
    papers,
    same_padding,
    signals,
    worked_examples,
)
from study.ledger.advice import ADVICE, HEADLINES, Conclusion, check_grounds
from study.ledger.finding import both
from study.ledger.literature import LITERATURE
from study.ledger.networks import ARCHITECTURES, SETTINGS, cost_of, field_of, pixels_read
from study.ledger.questions import QUESTIONS, says

ROOT = Path(__file__).resolve().parents[2]
HOLDS, FAILS, DEPENDS = Verdict.HOLDS, Verdict.FAILS, Verdict.DEPENDS

SOURCES = {
    "M": "stride-padding-mnist",
    "F": "stride-bilstm",
    "G": "stride-guide",
    "B": "stride-beyond-kernel",
    "P": "strided-post",
}
COUNTED = {"M-08": "mnist", "F-09": "fashion-mnist"}  # by counting over images


def computed_half(name):
    """What computing finds of a claim, or of its half."""
    (part,) = [part for part in CLAIMS[name].parts if not isinstance(part, Measured)]
    return part.check()


def images(name, *, ring_of=0, labels=None):
    """Ten images of one bright center; so many of them bright at the border too."""
    pixels = torch.zeros(10, 28, 28, dtype=torch.uint8)
    pixels[:, 14, 14] = 255
    pixels[:ring_of, 0, 5] = 255
    labels = torch.arange(10) if labels is None else torch.tensor(labels)
    return Images(pixels, labels, tuple("0123456789"), is_stand_in=False, name=name, split="train")


def given(found):
    """A `load` that finds these images."""
    return lambda *_, **__: found


@pytest.fixture(scope="module")
def judgements():
    return recorded_judgements()


@pytest.fixture
def real(monkeypatch):
    """Small stand-ins for the real images, with as little ink at the border and as balanced."""
    monkeypatch.setattr(mnist, "load", given(images("mnist")))
    monkeypatch.setattr(fashion, "load", given(images("fashion-mnist")))


def test_every_claim_is_there_once():
    letters = [name[0] for name in CLAIMS]
    counted = [letters[: index + 1].count(letter) for index, letter in enumerate(letters)]
    assert list(CLAIMS) == [f"{letter}-{number:02}" for letter, number in zip(letters, counted, strict=True)]
    assert list(dict.fromkeys(letters)) == [*SOURCES, "L"]
    assert all(name == each.id for name, each in CLAIMS.items())
    assert all(each.source == SOURCES[name[0]] for name, each in CLAIMS.items() if name[0] != "L")
    of_the_literature = [each.source for name, each in CLAIMS.items() if name[0] == "L"]
    assert list(dict.fromkeys(of_the_literature)) == list(LITERATURE)


def test_statements_are_sentences_of_their_own():
    statements = [each.statement for each in CLAIMS.values()]
    assert len(set(statements)) == len(statements)
    for text in [*statements, *(each.note for each in CLAIMS.values() if each.note)]:
        assert text.endswith(".")
        assert text[0].isupper()
        assert "  " not in text


def test_two_claims_of_one_id_are_refused():
    with pytest.raises(ValueError, match="M-05"):
        claim.by_id((CLAIMS["M-05"],), (CLAIMS["M-05"], CLAIMS["M-06"]))


def test_every_source_is_in_the_bibliography():
    known = re.findall(r"@\w+\{([\w-]+),", (ROOT / "book" / "references.bib").read_text())
    assert {each.source for each in CLAIMS.values()} <= set(known)


def test_every_link_leads_somewhere():
    pages = [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "book").rglob("*.md")]
    labels = {label for page in pages for label in re.findall(r'^\s*"?\(([\w-]+)\)=', page.read_text(), re.M)}
    assert {each.link for each in CLAIMS.values() if each.link} <= labels


def test_sizes_are_torchs():
    image = torch.zeros(1, 1, 28, 28)
    layers = [mnist_cnn(stride=stride, padding=padding).conv1 for stride, padding in SETTINGS.values()]
    assert ", ".join(str(layer(image).shape[-1]) for layer in layers) == computed_half("M-05").evidence
    assert torch.nn.Conv2d(3, 64, 7, 2, 3)(torch.zeros(1, 3, 224, 224)).shape[-1] == 112
    halves = [
        F.conv2d(image, torch.zeros(1, 1, size, size), stride=stride, padding=(size - 1) // 2)
        for size, stride in ((3, 1), (5, 1), (4, 1), (3, 2))
    ]
    found = re.findall(r"to (\d+)", computed_half("G-05").evidence)
    assert [int(size) for size in found] == [half.shape[-1] for half in halves]


@pytest.mark.parametrize("name", [*SETTINGS, "A", "B", "C"])
def test_costs_are_those_that_torch_counts(name):
    models = {"A": lambda: fashion_cnn(stride=2), "B": lambda: fashion_cnn(stride=1), "C": CNNBiLSTM}
    if name in SETTINGS:
        stride, padding = SETTINGS[name]
        model = mnist_cnn(stride=stride, padding=padding).eval()
    else:
        model = models[name]().eval()
    assert cost_of(name).parameters == sum(weight.numel() for weight in model.parameters())
    if name != "C":  # torch counts no LSTM
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(torch.zeros(1, 1, 28, 28))
        assert cost_of(name).macs == counter.get_total_flops() // 2
    else:
        steps, gates = 14 * 14, 4 * 64
        lstm = 2 * steps * gates * (32 + 64)
        assert cost_of(name).macs == 28 * 28 * 9 * 32 + lstm + 128 * 10


@pytest.mark.parametrize("name", SETTINGS)
def test_the_pixels_read_are_those_with_a_gradient(name):
    stride, padding = SETTINGS[name]
    model = mnist_cnn(stride=stride, padding=padding).double()
    layers = torch.nn.Sequential(
        *(
            torch.nn.AvgPool2d(2) if isinstance(layer, torch.nn.MaxPool2d) else layer
            for label, layer in model.named_children()
            if label.startswith(("conv", "pool"))
        )
    )
    for weight in layers.parameters():
        torch.nn.init.ones_(weight)
    image = torch.ones(1, 1, 28, 28, dtype=torch.double, requires_grad=True)
    last = layers(image)
    (gradient,) = torch.autograd.grad(last.sum(), image, retain_graph=True)
    assert pixels_read(name) == int((gradient != 0).sum())
    center = last.shape[-1] // 2
    (gradient,) = torch.autograd.grad(last[0, 0, center, center], image)
    seen = int((gradient[0, 0] != 0).any(dim=0).sum())
    assert seen <= field_of(name)
    assert seen == field_of(name) or name.startswith("(2")  # whose field hangs over the edge


def test_shares_of_cost():
    assert computed_half("M-06").evidence.startswith("conv1: 75%, network, same: 91%, network, valid: 95%")
    assert computed_half("M-07").evidence.startswith(
        "conv1: 14%, network, stride 1: 38%, network, stride 2: 66%"
    )
    assert pytest.approx(0.138, abs=0.001) == 1 - 26**2 / 28**2


def test_worked_examples_are_torchs():
    for example in (*WORKED_5X5, WORKED_7X7):
        image, kernel = (torch.tensor(each)[None, None].double() for each in (example.image, example.kernel))
        right = F.conv2d(image, kernel, stride=example.stride)[0, 0].numpy()
        assert (abs(example.published - right) > 1e-9).sum() == len(example.slips)
    assert "0 of 13" in computed_half("G-01").evidence
    assert "+0.99" in computed_half("G-01").evidence
    assert "83 should be 88, 127 should be 117" in computed_half("P-01").evidence


def test_the_census_has_one_network_of_each_family():
    assert len(ARCHITECTURES) == len(set(ARCHITECTURES)) == 20
    assert set(same_padding.NAMED.values()) <= set(ARCHITECTURES)


FREE = Cost(parameters=1, macs=1)


def windows(**columns):
    """A table as the census makes it, of three networks of two convolutions."""
    base = {
        "model": [name for name in same_padding.NAMED.values() for _ in range(2)],
        "type": "convolution",
        "order": [0, 1] * 3,
        "padding_kind": "same",
        "step": 1,
    }
    return given(pd.DataFrame({**base, **columns}))


def late_strides():
    """Three networks of six convolutions, of stride 2 from the fourth on."""
    return given(
        pd.DataFrame(
            {
                "model": [name for name in same_padding.NAMED.values() for _ in range(6)],
                "order": [*range(6)] * 3,
                "step": [1, 1, 1, 2, 2, 2] * 3,
            }
        )
    )


def plain_stride(_):
    """An experiment in which polyphase sampling is a plain stride."""
    shifts = find("small-shifts")
    return SimpleNamespace(variant=given(shifts.variant("stride")))


def reordered_torch():
    """Functions of torch, of which one puts the phases of a kernel in another order."""
    reordered = {"pixel_shuffle": lambda kernel, step: F.pixel_shuffle(kernel.flip(1), step)}
    return SimpleNamespace(**vars(F) | reordered)


def wider_is_worse():
    """NumPy, with another mean: by it a mean of four pixels aliases more than one of three."""
    return SimpleNamespace(**vars(np) | {"mean": lambda power: abs(np.mean(power) - 0.05)})


def truthful(example):
    return replace(example, published=example.output)


CHECKS = {  # of what computing decides: the verdict; then what it rests on, made wrong; the verdict of that
    "M-05": (
        HOLDS,
        mnist,
        {"MNIST_CONV1_SIZES": {"s1-same": 28, "s1-valid": 26, "s2-same": 14, "x": 12}},
        DEPENDS,
    ),
    "M-06": (DEPENDS, mnist, {"SAVING": 0.5}, FAILS),
    "M-07": (FAILS, mnist, {"A_TENTH": 0.7}, HOLDS),
    "M-08": (FAILS, mnist, {"load": given(images("mnist", ring_of=5))}, HOLDS),
    "M-15": (HOLDS, mnist, {"cost_of": given(FREE)}, FAILS),
    "M-19": (FAILS, mnist, {"cost_of": given(FREE), "field_of": given(1), "pixels_read": given(1)}, HOLDS),
    "M-20": (HOLDS, mnist, {"convolve2d": lambda image, kernel, stride=1, padding=0: image[::stride]}, FAILS),
    "M-11": (HOLDS, same_padding, {"published_convolutions": windows(step=2)}, FAILS),
    "M-12": (DEPENDS, same_padding, {"resolve_padding": given((1, 1))}, HOLDS),
    "M-13": (DEPENDS, same_padding, {"output_size": given(28)}, HOLDS),
    "M-14": (HOLDS, same_padding, {"published_convolutions": windows(step=2, padding_kind="valid")}, FAILS),
    "M-16": (HOLDS, same_padding, {"output_size": lambda size, **_: size - 2}, DEPENDS),
    "M-18": (FAILS, same_padding, {"published_convolutions": windows()}, HOLDS),
    "M-21": (HOLDS, same_padding, {"output_size": given(27)}, DEPENDS),
    "F-09": (FAILS, fashion, {"load": given(images("fashion-mnist", labels=[0] * 7 + [1, 2, 3]))}, HOLDS),
    "F-10": (HOLDS, fashion, {"cost_of": given(FREE)}, FAILS),
    "F-14": (FAILS, fashion, {"_features": given("alike")}, HOLDS),
    "F-15": (DEPENDS, fashion, {"cost_of": given(FREE)}, HOLDS),
    "G-01": (FAILS, guide, {"WORKED_5X5": tuple(map(truthful, WORKED_5X5))}, HOLDS),
    "G-02": (FAILS, guide, {"receptive_field": lambda layers: ReceptiveField(layers[0].stride, 1)}, HOLDS),
    "G-03": (DEPENDS, guide, {"QUARTER": 1.0}, FAILS),
    "G-04": (HOLDS, guide, {"output_size": given(111)}, DEPENDS),
    "G-05": (DEPENDS, guide, {"output_size": given(28)}, HOLDS),
    "G-06": (
        HOLDS,
        guide,
        {"published_windows": windows(step=2, type=["convolution", "pooling"] * 3)},
        FAILS,
    ),
    "G-07": (HOLDS, guide, {"cost_of": given(FREE)}, FAILS),
    "G-08": (FAILS, guide, {"published_convolutions": late_strides()}, HOLDS),
    "B-01": (HOLDS, worked_examples, {"unread": given(())}, DEPENDS),
    "B-02": (FAILS, worked_examples, {"signal": SimpleNamespace(convolve2d=given(0))}, HOLDS),
    "B-03": (HOLDS, worked_examples, {"window_starts": given(range(28))}, DEPENDS),
    "B-04": (DEPENDS, worked_examples, {"output_size": lambda size, **_: size}, HOLDS),
    "B-05": (FAILS, worked_examples, {"receptive_field": given(ReceptiveField(9, 4))}, HOLDS),
    "B-06": (
        DEPENDS,
        worked_examples,
        {"_formula": lambda size, kernel_size, stride: (size - kernel_size) // stride + 1},
        HOLDS,
    ),
    "P-01": (FAILS, worked_examples, {"WORKED_7X7": truthful(WORKED_7X7)}, HOLDS),
    "P-02": (DEPENDS, worked_examples, {"output_size": lambda size, **_: (size - 3) / 2 + 1}, HOLDS),
    "P-03": (HOLDS, worked_examples, {"coverage": given((0, 1, 2))}, FAILS),
    "L-01": (FAILS, papers, {"F": reordered_torch()}, HOLDS),
    "L-13": (HOLDS, papers, {"find": plain_stride}, FAILS),
    "L-19": (DEPENDS, signals, {"_low_passed": lambda signal, keep: signal}, HOLDS),
    "L-20": (HOLDS, signals, {"_gaps": given(0)}, DEPENDS),
    "L-21": (HOLDS, signals, {"reduce": lambda *_: np.ones(129) / 129}, DEPENDS),
    "L-22": (HOLDS, signals, {"receptive_field": given(ReceptiveField(196, 32))}, FAILS),
    "L-23": (HOLDS, signals, {"coverage": given((2,) * 99)}, DEPENDS),
    "L-24": (HOLDS, signals, {"transposed_output_size": given(28)}, FAILS),
    "L-25": (
        DEPENDS,
        signals,
        {"coverage": lambda size, padding=0, **_: (3,) * size if padding else (0, *(3,) * (size - 2), 0)},
        HOLDS,
    ),
    "L-26": (DEPENDS, signals, {"window_starts": given(range(-1, 8, 2))}, HOLDS),
    "L-27": (DEPENDS, signals, {"transposed_output_size": given(0)}, FAILS),
    "L-28": (FAILS, signals, {"convolve2d": given(np.ones((0, 0)))}, HOLDS),
    "L-29": (HOLDS, signals, {"parameters": given(1)}, DEPENDS),
    "L-30": (HOLDS, signals, {"output_size": given(28)}, DEPENDS),
    "L-31": (HOLDS, signals, {"macs": given(1)}, FAILS),
    "L-32": (DEPENDS, signals, {"convolve2d": lambda *_, stride: np.ones((12 // stride,) * 2)}, HOLDS),
    "L-33": (DEPENDS, answers, {"np": wider_is_worse()}, HOLDS),
    "L-34": (DEPENDS, answers, {"unread": given((0,))}, FAILS),
    "L-35": (HOLDS, answers, {"resolve_padding": given((1, 0))}, DEPENDS),
    "L-36": (DEPENDS, answers, {"_comes_back": given(True)}, FAILS),
    "L-37": (HOLDS, answers, {"coverage": given((1,) * 14)}, DEPENDS),
}


def test_every_check_is_here():
    assert set(CHECKS) == {name for name, each in CLAIMS.items() if each.kind != "measured"}


@pytest.mark.parametrize("name", CHECKS)
def test_verdict_of_what_computing_decides(name, real):
    verdict, *_ = CHECKS[name]
    found = computed_half(name)
    assert found.verdict is verdict
    assert found.evidence
    assert re.search(r"\d", found.evidence)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_can_fail(name, monkeypatch):
    right, module, wrong, verdict = CHECKS[name]
    for attribute, value in wrong.items():
        monkeypatch.setattr(module, attribute, value)
    assert computed_half(name).verdict is verdict
    assert verdict is not right


@pytest.mark.parametrize("name", COUNTED)
def test_without_the_images_there_is_no_verdict(name, monkeypatch):
    def missing(dataset, *, split, **_):
        raise DataUnavailable(dataset, split, ("nowhere",))

    module = mnist if name == "M-08" else fashion
    monkeypatch.setattr(module, "load", missing)
    found = computed_half(name)
    assert found.verdict is None
    assert found.state == "not judged here"
    assert "real images" in found.reason


def test_true_false_and_both():
    assert decided({"a": True, "b": True}, "").verdict is HOLDS
    assert decided({"a": False, "b": False}, "").verdict is FAILS
    assert decided({"a": True, "b": False}, "").verdict is DEPENDS
    with pytest.raises(ValueError, match="conditions must name"):
        decided({}, "")


@pytest.mark.parametrize(
    ("one", "other", "whole"),
    [
        (HOLDS, HOLDS, HOLDS),
        (HOLDS, FAILS, FAILS),
        (DEPENDS, FAILS, FAILS),
        (HOLDS, Verdict.NO_DIFFERENCE, Verdict.NO_DIFFERENCE),
        (Verdict.CANNOT_BE_TOLD, HOLDS, Verdict.CANNOT_BE_TOLD),
        (Verdict.CANNOT_BE_TOLD, DEPENDS, DEPENDS),
        (FAILS, None, None),
    ],
)
def test_a_claim_of_two_halves(one, other, whole):
    halves = {
        name: Finding(verdict=each, reason="" if each else "why")
        for name, each in (("left", one), ("right", other))
    }
    found = both(halves)
    assert found.verdict is whole
    assert found.reason == ("" if other else "right: why")
    assert dict(found.parts) == halves


MEASURED = [name for name, each in CLAIMS.items() if each.kind != "arithmetic"]


def waits(name):
    """Whether a claim says that the runs of its rule are still to come."""
    return any(isinstance(part, Measured) and not part.is_run for part in CLAIMS[name].parts)


def test_every_measured_claim_has_its_rule_and_every_rule_its_claim(judgements):
    assert set(MEASURED) == {name for name in rules() if rules()[name].family != "own"}
    assert {name for name in MEASURED if not waits(name)} == set(judgements) - set(QUESTIONS)
    for name in MEASURED:
        assert rules()[name].contrast.first in CLAIMS[name].decided_by


def measured_half(found):
    """The half that a rule decides; the whole where there is but one."""
    return next((each for each in found.parts.values() if each.judgement), found)


@pytest.mark.parametrize("name", [name for name in MEASURED if name[0] == "L"])
def test_a_claim_that_waits_for_its_runs_says_so_and_has_no_verdict(name):
    found = replace(CLAIMS[name], parts=(Measured(is_run=False),)).judge({})
    assert (found.verdict, found.state) == (None, "not run yet")
    assert f"{rules()[name].seeds} seeds" in found.reason


@pytest.mark.parametrize("name", [name for name in MEASURED if not waits(name)])
def test_measured_claims_have_the_verdict_of_their_rule(name, judgements, real):
    half = measured_half(CLAIMS[name].judge(judgements))
    assert half.verdict is judgements[name].verdict
    assert half.judgement is judgements[name]
    decimals = 0 if name in ("M-15", "M-17") else 2  # no clock and no ratio bears more
    estimate = f"{judgements[name].effect.estimate:+z.{decimals}f}".replace("-", "−").replace("+0.00", "0.00")
    assert half.evidence.startswith(f"{estimate} (")
    assert f"n = {rules()[name].seeds}" in half.evidence
    assert ("over seeds alone" in half.evidence) is (judgements[name].effect.images == 0)


def test_a_claim_whose_runs_are_not_recorded_is_refused(real):
    with pytest.raises(ValueError, match=r"must hold M-08.*record all runs of mnist-border/s1-same-blanked"):
        CLAIMS["M-08"].judge({})


def invented(name, difference):
    """The judgement of a rule on runs that differ by so much."""
    rule: Rule = rules()[name]
    runs = {
        variant: {
            seed: (difference if variant == rule.contrast.first else 0.0) + 0.01 * (seed % 3)
            for seed in range(rule.seeds)
        }
        for variant in rule.variants
    }
    return {name: judge(replace(rule, conditions=()), runs)}


def test_both_halves_decide_what_is_half_measured(real):
    assert CLAIMS["M-21"].judge(invented("M-21", 3.0)).verdict is HOLDS
    assert CLAIMS["M-21"].judge(invented("M-21", -3.0)).verdict is FAILS
    assert CLAIMS["M-08"].judge(invented("M-08", -3.0)).verdict is FAILS  # for its first half
    assert "powers of ten" in CLAIMS["M-21"].judge(invented("M-21", 3.0)).evidence
    assert "s an epoch" in CLAIMS["M-15"].judge(invented("M-15", -9.0)).evidence


def test_a_real_difference_within_the_margin_is_said_to_be_one():
    found = CLAIMS["M-21"].judge(invented("M-21", 0.1))
    assert "real, but within the margin" in found.evidence


def test_every_rule_of_our_own_says_what_it_decides():
    assert {name for name, rule in rules().items() if rule.family == "own"} == set(QUESTIONS)
    assert set(map(says, rules())) >= set(QUESTIONS.values())


CONCLUSIONS = [*HEADLINES, *(each for situations in ADVICE.values() for each in situations.values())]


@pytest.fixture(scope="module")
def findings(judgements):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(mnist, "load", given(images("mnist")))
        patched.setattr(fashion, "load", given(images("fashion-mnist")))
        return judge_all(judgements)


@pytest.mark.parametrize("conclusion", CONCLUSIONS, ids=lambda each: each.text[:40])
def test_what_the_book_concludes_rests_on_what_was_found(conclusion, findings):
    assert conclusion.grounds
    for name, ground in conclusion.grounds.items():
        assert findings[name].waits if ground is None else findings[name].verdict
    check_grounds([conclusion], findings)


@pytest.mark.parametrize("conclusion", CONCLUSIONS, ids=lambda each: each.text[:40])
def test_a_conclusion_falls_with_each_of_its_grounds(conclusion, findings):
    for name, ground in conclusion.grounds.items():
        others = [Finding(verdict=verdict) for verdict in Verdict if verdict is not findings[name].verdict]
        if isinstance(ground, Mapping):
            conditions = findings[name].conditions
            turned = [{**conditions, each: not truth} for each, truth in ground.items()]
            others += [replace(findings[name], conditions=each) for each in turned]
        for other in others:
            with pytest.raises(ValueError, match=f"{name} must be .*: rewrite the sentence"):
                check_grounds([conclusion], {**findings, name: other})


def test_a_condition_that_a_claim_does_not_cover_is_no_ground():
    depends = decided({"stride 1": True, "stride 2": False}, "")
    check_grounds([Conclusion("Pad.", {"M-13": {"stride 2": False}})], {"M-13": depends})
    with pytest.raises(ValueError, match=r"M-13 must be .*, got .*'stride 3': None"):
        check_grounds([Conclusion("Pad.", {"M-13": {"stride 3": False}})], {"M-13": depends})


def test_a_claim_that_cannot_be_judged_without_images_takes_no_conclusion_down(findings):
    check_grounds(CONCLUSIONS, {**findings, "M-08": Finding(verdict=None, reason="no images")})
