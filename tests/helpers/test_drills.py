"""Exercises and diagnoses: held to torch, which reads the question, and to what is promised of answers."""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from record_drills import BLOCK, LEVELS, TYPED, case_of, compact, digest_of, typed_at
from torch import nn

from helpers.arithmetic import parse_stack
from helpers.drills import KINDS, MISCONCEPTIONS, diagnose, exercise, sheet

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "drills.json").read_text(encoding="utf-8"))
SEEDS = range(60)


@cache
def drills(kind):
    """Exercises of a kind, of all levels."""
    return [exercise(kind, seed=seed, level=level) for level in LEVELS for seed in SEEDS]


def typed(drill, answer):
    return drill.choices[answer[0]] if drill.form == "choice" else ", ".join(map(str, answer))


# --- torch reads the question, and nothing else, and answers


def read(text, name, otherwise=0):
    found = re.search(rf"\b{name} (\d+)", text)
    return int(found[1]) if found else otherwise


def window(line):
    """The settings of one line of a question, as torch names them."""
    uneven = re.search(r"padding (\d+) at the start and (\d+) at the end", line)
    sides = tuple(map(int, uneven.groups())) if uneven else (read(line, "padding"),) * 2
    kernel = re.search(r"(?:[Kk]ernel|convolution|pooling) (\d+)", line)
    named = {
        "kernel_size": int(kernel[1]),
        "stride": read(line, "stride"),
        "dilation": read(line, "dilation", 1),
    }
    return named, sides


def sizes(line):
    return [int(number) for number in re.findall(r"(\d+) (?:×|rows|columns)", line)]


def run(layer, sides, size, channels=1):
    """The output of a layer along an axis; a convolution of ones, so that its gradient counts."""
    signal = torch.ones(1, channels, size, requires_grad=True)
    if isinstance(layer, nn.Conv1d):
        nn.init.ones_(layer.weight)
    return signal, layer(nn.functional.pad(signal, sides) if any(sides) else signal)


def conv(named, **more):
    return nn.Conv1d(1, 1, bias=False, **named, **more)


def axes_of(drill):
    """Size and line of each axis that the question speaks of."""
    first, *lines = drill.question.split("\n")
    told = [line for line in lines if re.search(r"[Kk]ernel \d", line)]
    return list(zip(sizes(first) if len(told) == 2 else sizes(first)[:1], told, strict=True))


def answer_output_size(drill):
    found = []
    for size, line in axes_of(drill):
        named, sides = window(line)
        if "ceil_mode=True" in line:
            layer = nn.MaxPool1d(**named, padding=sides[0], ceil_mode=True)
            found.append(run(layer, (0, 0), size)[1].shape[-1])
        else:
            found.append(run(conv(named), sides, size)[1].shape[-1])
    return tuple(found)


def answer_unread(drill):
    reads = []
    for size, line in axes_of(drill):
        named, sides = window(line)
        signal, output = run(conv(named), sides, size)
        output.sum().backward()
        reads.append((signal.grad[0, 0] > 0).int())
    if len(reads) == 1:
        return (int((reads[0] == 0).sum()),)
    return (int((torch.outer(*reads) == 0).sum()),)


def answer_padding_for_size(drill):
    wanted, size = sizes(drill.question)[0], int(re.search(r"image of (\d+)", drill.question)[1])
    named, _ = window(drill.question.split("\n")[1])
    for padding in range(100):
        fits = size + 2 * padding > named["dilation"] * (named["kernel_size"] - 1)
        if fits and run(conv(named, padding=padding), (0, 0), size)[1].shape[-1] == wanted:
            return (padding,)
    return None


def answer_same_padding(drill):
    """torch's own "same", and TensorFlow's as its documentation gives it."""
    size = sizes(drill.question)[0]
    named, _ = window(drill.question.split("\n")[1])
    reach = named["dilation"] * (named["kernel_size"] - 1) + 1
    if drill.question.startswith("torch"):
        before, after = conv(named, padding="same")._reversed_padding_repeated_twice
    else:
        rest = size % named["stride"]
        total = max(reach - (rest or named["stride"]), 0)
        before, after = total // 2, total - total // 2
        if "LOWER" in drill.question:
            before, after = after, before
    if "left" in drill.question:
        return before, after
    unit = int(re.search(r"window of output (\d+)", drill.question)[1])
    signal, output = run(conv(named), (before, after), size)
    output[0, 0, unit].backward()
    seen = signal.grad[0, 0].nonzero().flatten()
    return int(seen[0]), int(seen[-1])


def answer_transposed(drill):
    line = drill.question.split("\n")[1]
    named, sides = window(line)
    size, extra = sizes(drill.question)[0], read(line, "output_padding")
    layer = nn.ConvTranspose1d(1, 1, **named, padding=sides[0], output_padding=extra)
    made = layer(torch.ones(1, 1, size)).shape[-1]
    if drill.form == "number":
        return (made,)
    image = sizes(drill.question)[1]
    assert run(conv(named, padding=sides[0]), (0, 0), image)[1].shape[-1] == size
    again = layer(torch.ones(1, 1, size), output_size=[image]).shape[-1]
    return made, again - made


def network(drill):
    """The layers that a question lists, each with its name."""
    lines = [line for line in drill.question.split("\n") if re.match(r"(conv|pool)\d", line)]
    layers = {}
    for line in lines:
        named, sides = window(line)
        layers[line.split(":")[0]] = (
            nn.MaxPool1d(**named) if "pooling" in line else conv(named, padding=sides[0])
        )
    return layers


def answer_receptive_field(drill):
    layers = []
    for layer in network(drill).values():
        own = {name: getattr(layer, name) for name in ("kernel_size", "stride", "dilation")}
        own = {name: value[0] if isinstance(value, tuple) else value for name, value in own.items()}
        layers.append(conv(own))  # in place of a maximum, which has the gradient of one pixel
        nn.init.ones_(layers[-1].weight)
    spans = []
    for unit in (0, 1):
        signal = torch.ones(1, 1, 1024, requires_grad=True)
        output = signal
        for layer in layers:
            output = layer(output)
        output[0, 0, unit].backward()
        seen = signal.grad[0, 0].nonzero().flatten()
        spans.append((int(seen[0]), int(seen[-1])))
    return spans[0][1] - spans[0][0] + 1, spans[1][0] - spans[0][0]


def answer_cost(drill):
    size = sizes(drill.question)[0]
    known = cost = 0
    for line in drill.question.split("\n")[1:-1]:
        inputs, outputs = int(re.search(r"(\d+) channels in", line)[1]), int(re.search(r"(\d+) out", line)[1])
        grouped = re.search(r"(\d+) groups", line)
        named, sides = window(line)
        layer = nn.Conv2d(
            inputs, outputs, **named, padding=sides[0], groups=int(grouped[1]) if grouped else 1,
            bias="with bias" in line,
        )  # fmt: skip
        output = layer(torch.empty(1, inputs, size, size))
        known += sum(each.numel() for each in layer.parameters())
        cost += output[0, 0].numel() * layer.weight.numel()
        size = output.shape[-1]
    return known, cost


def answer_which_layer_fails(drill):
    signal = torch.empty(1, 1, sizes(drill.question)[0])
    for place, layer in enumerate(network(drill).values()):
        try:
            signal = layer(signal)
        except RuntimeError:
            return (place,)
    return (len(drill.choices) - 1,)


def survives(size, factors):
    """Whether torch joins the maps of a U-Net on an image of this side."""
    signal, maps = torch.empty(1, 1, size), []
    for factor in factors:
        maps.append(signal)
        signal = nn.MaxPool1d(factor)(signal)
    for factor, beside in zip(reversed(factors), reversed(maps), strict=True):
        signal = nn.ConvTranspose1d(1, 1, factor, stride=factor)(signal)
        try:
            torch.cat([signal, beside]).sum()
        except RuntimeError:
            return False
    return True


def answer_u_net(drill):
    factors = [int(number) for number in re.search(r"by ([\d, ]+),", drill.question)[1].split(", ")]

    def least(size):
        return next(each for each in range(size, 2 * size + 200) if survives(each, factors))

    if drill.form == "number":
        return (least(int(re.search(r"at least (\d+)", drill.question)[1])),)
    found = [int(number) for number in re.findall(r"(\d+) (?:rows|columns)", drill.question)]
    return tuple(least(size) - size for size in found)


@pytest.mark.parametrize("kind", KINDS)
def test_torch_answers_the_question_alike(kind):
    answer = globals()[f"answer_{kind.replace('-', '_')}"]
    for level in LEVELS:
        for seed in range(9):
            drill = exercise(kind, seed=seed, level=level)
            assert answer(drill) == drill.answer, drill.question


# --- what is promised


@pytest.mark.parametrize("kind", KINDS)
def test_python_keeps_to_the_golden_table(kind):
    for level in LEVELS:
        assert digest_of(kind, level, range(BLOCK)) == GOLDEN["digests"][kind][level - 1][0]
    assert json.loads(compact(case_of(kind, 2**32 - 1, 3))) in GOLDEN["cases"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_right_answer_is_right_however_it_is_typed(kind):
    for drill in drills(kind):
        text = typed(drill, drill.answer)
        for each in (text, f"  {text} ", text.upper(), text.replace(", ", " "), f"{text}\t"):
            assert diagnose(drill, each).outcome == "right", (drill.question, each)
        if drill.form != "choice":
            wide = text.translate({ord(sign): chr(ord(sign) + 0xFEE0) for sign in "0123456789,"})
            zeros = ", ".join(f"0{number}.00" for number in drill.answer)
            grouped = "; ".join(f"{number:,}" for number in drill.answer)
            assert {diagnose(drill, each).outcome for each in (wide, zeros, grouped)} == {"right"}, wide


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_is_wrong_and_named_and_points_at_a_line(kind):
    for drill in drills(kind):
        assert drill.steps
        firsts = {each.answer: each for each in reversed(drill.mistakes)}
        for answer, mistake in firsts.items():
            assert answer != drill.answer
            assert min(answer) >= 0
            found = diagnose(drill, typed(drill, answer))
            assert (found.outcome, found.misconception) == ("wrong", mistake.misconception)
            assert MISCONCEPTIONS[mistake.misconception] in found.says
            assert 0 <= found.step == mistake.step < len(drill.steps)


def test_every_misconception_is_reached_and_every_kind_reaches_its_own():
    words = json.loads((Path(__file__).parents[2] / "src/helpers/drills.json").read_text(encoding="utf-8"))
    reached = set()
    for kind in KINDS:
        own = {each.misconception for drill in drills(kind) for each in drill.mistakes}
        assert own == set(words["kinds"][kind]["mistakes"]), kind
        reached |= own
    said = {
        diagnose(drill, text).misconception for drill in drills("output-size") for text in typed_at(drill)
    }
    assert reached | said == {*MISCONCEPTIONS, ""}


def plausible(drill):
    """What the misconceptions give, and what lies one beside the answer."""
    answers = {each.answer for each in drill.mistakes}
    if drill.form != "choice":
        for place, number in enumerate(drill.answer):
            for by in (1, -1):
                answers.add((*drill.answer[:place], number + by, *drill.answer[place + 1 :]))
    return {answer for answer in answers if min(answer) >= 0}


def shares(kind):
    """The shares of plausible wrong answers that are diagnosed, and that are more than one off."""
    counted = Counter()
    for drill in drills(kind):
        for answer in plausible(drill):
            found = diagnose(drill, typed(drill, answer))
            counted[found.misconception or "unknown"] += 1
    all_of = counted.total()
    return 1 - counted["unknown"] / all_of, 1 - (counted["unknown"] + counted["off-by-one"]) / all_of


@pytest.mark.parametrize("kind", KINDS)
def test_nine_in_ten_plausible_wrong_answers_are_diagnosed(kind):
    diagnosed, named = shares(kind)
    assert diagnosed >= 0.9
    assert named >= 0.6, "to be one off says little: it is the last resort"


@pytest.mark.parametrize("kind", KINDS)
def test_levels_are_graded(kind):
    easy, rounded, bent, wide = ([each for each in drills(kind) if each.level == level] for level in LEVELS)
    asked = [each.question for each in easy]
    assert not [text for text in asked if "dilation" in text or "ceil_mode" in text or "rows and" in text]
    for harder in (rounded, bent, wide):
        assert len({each.question for each in harder}) > len(harder) / 2

    def lines(drills):
        return sum(len(each.steps) for each in drills)

    assert lines(easy) <= lines(rounded) < lines(wide) or kind in (
        "padding-for-size",
        "u-net",
        "same-padding",
    )
    assert lines(easy) < lines(wide)


def test_rounding_matters_from_level_2_on():
    for level, expected in ((1, {None}), (2, {2})):
        assert {exercise("output-size", seed=seed, level=level).rounds for seed in SEEDS} == expected


# --- what is typed


@given(
    st.sampled_from(list(KINDS)),
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.text() | st.sampled_from(TYPED),
)
def test_whatever_is_typed_is_judged(kind, seed, level, text):
    found = diagnose(exercise(kind, seed=seed, level=level), text)
    assert found.outcome in ("right", "wrong", "unreadable")
    assert found.says


@pytest.mark.parametrize("text", ["", "abc", "7/0", "1e3", "0x10", "1, 2", "٣", "½", "--4", "1" * 300])
def test_what_is_no_number_is_said_to_be_none_with_what_to_type(text):
    found = diagnose(exercise("output-size", seed=7), text)
    assert (found.outcome, found.misconception, found.step) == ("unreadable", "", None)
    assert "one whole number" in found.says


def test_a_fraction_that_was_not_rounded_is_told():
    drill = exercise("output-size", seed=0, level=2)
    assert diagnose(drill, f"{drill.answer[0]}.75").misconception == "no-floor"
    assert diagnose(drill, f"{4 * drill.answer[0] + 1}/4").step == drill.rounds
    assert diagnose(drill, f"{drill.answer[0] + 1}.75").outcome == "unreadable"


@pytest.mark.parametrize(("text", "slug"), [("-4", "negative"), ("−4", "negative"), ("1" + "0" * 40, "")])
def test_a_number_that_cannot_be_is_wrong(text, slug):
    found = diagnose(exercise("output-size", seed=7), text)
    assert (found.outcome, found.misconception) == ("wrong", slug)


def test_a_pair_of_which_one_half_is_right_says_so():
    drill = exercise("receptive-field", seed=3, level=2)
    field, jump = drill.answer
    assert diagnose(drill, f"{field}, {jump + 50}").says.startswith("The first number is right")
    assert diagnose(drill, f"{field + 900}, {jump}").says.startswith("The second number is right")
    assert diagnose(drill, f"{jump}, {field}").misconception == "swapped"


def test_two_misconceptions_of_one_number_are_both_said():
    for drill in drills("output-size"):
        counted = Counter(each.answer for each in drill.mistakes)
        for answer in (answer for answer, count in counted.items() if count > 1):
            first, second = [each.misconception for each in drill.mistakes if each.answer == answer][:2]
            says = diagnose(drill, typed(drill, answer)).says
            assert says == f"{MISCONCEPTIONS[first]} Or: {MISCONCEPTIONS[second]}"
            return
    pytest.fail("no two give one number")


def test_a_choice_is_given_by_its_words_or_its_number():
    drill = exercise("which-layer-fails", seed=1, level=1)
    [right] = drill.answer
    assert diagnose(drill, f"{right + 1}").outcome == "right"
    assert diagnose(drill, "conv99").says.startswith("Choose one of these: conv1, ")


# --- sheets, errors, addresses


@pytest.mark.parametrize("kind", KINDS)
def test_a_sheet_repeats_nothing(kind):
    for level in LEVELS:
        questions = [each.question for each in sheet([kind], seed=level, count=100, level=level)]
        assert len(set(questions)) == 100


def test_a_sheet_takes_the_kinds_in_turn_and_rises():
    made = sheet(seed=5)
    assert [each.kind for each in made] == [*KINDS, *KINDS][:12]
    assert [each.level for each in made] == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert made == sheet(seed=5) != sheet(seed=6)


@pytest.mark.parametrize(
    ("call", "error", "reason"),
    [
        (lambda: exercise("size", seed=1), ValueError, "kind must be one of 'output-size', .*, got 'size'"),
        (lambda: exercise("cost", seed=-1), ValueError, "seed must be at least 0, got -1"),
        (lambda: exercise("cost", seed=2**32), ValueError, "seed must be at most 4294967295, got 4294967296"),
        (lambda: exercise("cost", seed=1.0), TypeError, "seed must be a whole number"),
        (lambda: exercise("cost", seed=1, level=5), ValueError, "level must be at most 4, got 5"),
        (lambda: sheet("cost", seed=1), TypeError, "kinds must be a sequence of names, got 'cost'"),
        (lambda: sheet(["size"], seed=1), ValueError, r"kinds\[0\] must be one of"),
        (lambda: sheet([], seed=1), ValueError, "kinds must hold a name, got none"),
        (lambda: sheet(seed=1, count=101), ValueError, "count must be at most 100, got 101"),
        (lambda: sheet(seed=1, level=0), ValueError, "level must be at least 1, got 0"),
        (lambda: diagnose("14", "14"), TypeError, "exercise must be an Exercise, got '14'"),
        (lambda: diagnose(exercise("cost", seed=1), 14), TypeError, "answer must be a string, got 14"),
    ],
)
def test_errors_name_the_argument_and_the_rule(call, error, reason):
    with pytest.raises(error, match=reason):
        call()


def test_a_stack_in_an_address_is_one_that_python_reads():
    for kind in ("which-layer-fails", "u-net"):
        for drill in drills(kind):
            stack = re.search(r"&stack=([^&]+)", drill.opens)[1].replace("+", " ")
            assert parse_stack(stack)


def test_all_but_grouped_layers_open_an_explorer():
    closed = {(drill.kind, drill.level) for kind in KINDS for drill in drills(kind) if not drill.opens}
    assert closed == {("cost", 3)}
