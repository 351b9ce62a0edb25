"""The solver explorer in Python: what it takes, what it refuses, what it finds, its static form."""

import json

import pytest
from test_widgets import Placeholder
from traitlets import TraitError

from helpers.arithmetic import dense_features, parse_stack, solve, stack_sizes, trace
from helpers.widgets import SolverExplorer
from helpers.widgets.solver_explorer import SOLVER_EXAMPLES

HOSTILE = "<img src=x onerror='window.hacked=1'>"


def test_it_opens_with_the_question_that_most_people_ask():
    found = SolverExplorer().solutions
    assert [(each.layer.kernel_size, each.layer.padding[0]) for each in found.fit[:2]] == [(2, 0), (4, 1)]
    assert found == solve(28, 14, stride=2)


@pytest.mark.parametrize(
    ("changes", "bounds"),
    [
        ({"output": None, "kernel_size": 3}, {"kernel_size": 3, "output": None}),
        ({"size": (27, 29), "kernel_size": [2, 4]}, {"size": range(27, 30), "kernel_size": range(2, 5)}),
        (
            {"size": None, "kernel_size": 3, "padding": 1},
            {"size": range(1, 257), "kernel_size": 3, "padding": 1},
        ),
        ({"stride": None, "dilation": None, "padding": 2}, {"padding": 2, "dilation": range(1, 5)}),
        (
            {"kind": "transposed", "size": 7, "kernel_size": 3},
            {"kind": "transposed", "size": 7, "kernel_size": 3},
        ),
        (
            {"kind": "pooling", "ceil_mode": True, "size": 27},
            {"kind": "pooling", "ceil_mode": True, "size": 27},
        ),
        ({"ceil_mode": True, "output_padding": 2}, {}),
    ],
)
def test_bounds_are_those_of_solve(changes, bounds):
    asked = {"size": 28, "output": 14, "stride": 2 if "stride" not in changes else range(1, 9)} | bounds
    assert SolverExplorer(**changes).solutions == solve(**asked)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"size": 0}, "size must be a whole number from 1 to 65536, two, .first, last., or nothing, got 0"),
        ({"size": True}, "size must be a whole number"),
        ({"size": 28.0}, "size must be a whole number"),
        ({"size": "28"}, "size must be a whole number"),
        ({"padding": (3, 1)}, r"padding must be \(first, last\) in this order, got \(3, 1\)"),
        ({"kernel_size": (1, 1025)}, "kernel_size must be a whole number from 1 to 1024"),
        ({"sizes": 3}, r"sizes must be two whole numbers from 1 to 65536, \(first, last\), got 3"),
        ({"sizes": None}, "sizes must be two whole numbers"),
        ({"sizes": (9, 3)}, "sizes must be .first, last. in this order"),
        (
            {"size": None, "kernel_size": None},
            "size must be bounded so that at most 20,000 settings are tried",
        ),
        ({"output": (1, 60_000)}, "output must be bounded .* got 7,920,000: fix a number or narrow a range"),
        ({"kind": "transposed", "stride": (1, 200)}, "stride must be bounded"),
        ({"sizes": (1, 65_536)}, "sizes must be so few that at most 100,000 layers are walked, got 327,680"),
        ({"stack": 3}, "stack must be text of up to 400 characters, got 3"),
        ({"stack": "conv3 " * 70}, "stack must be text of up to 400 characters"),
        ({"stack": " "}, "stack must hold a layer such as conv3s2p1"),
        ({"stack": "conv3 pol2"}, "got 'pol2' at character 7: a layer starts with conv"),
        ({"stack": "conv3*101"}, "stack must hold at most 100 layers, got 101"),
        ({"stack": "conv3d1025"}, "stack must have no number above 1024, got conv3d1025"),
        ({"stack": "conv3p0,1025"}, "stack must have no number above 1024"),
        ({"stack": "up1024s1024 resize65"}, "stack must grow a map at most 65,536 times"),
        ({"channels": 0}, "channels must be a whole number from 1 to 65536, got 0"),
        ({"question": "network"}, "question"),
    ],
)
def test_what_is_illegal_is_refused_and_changes_nothing(changes, rule):
    explorer = SolverExplorer()
    before = explorer.static_state()
    with pytest.raises(TraitError, match=rule):
        explorer.set_state(changes)
    assert explorer.static_state() == before
    with pytest.raises(TraitError, match=rule):
        SolverExplorer(**changes)


def test_a_stack_is_answered():
    explorer = SolverExplorer(
        question="stack", stack="conv5 pool2 conv5", sizes=(1, 20), input_size=20, channels=3
    )
    layers = parse_stack("conv5 pool2 conv5")
    assert explorer.stack_sizes == stack_sizes(layers, range(1, 21))
    assert explorer.features == dense_features(20, layers, channels=3) == 3 * trace(20, layers)[-1].size ** 2
    explorer.input_size = 11
    with pytest.raises(ValueError, match="'conv5', number 3 of 3"):
        explorer.features  # noqa: B018


def test_where_nothing_fits_there_is_something_near():
    found = SolverExplorer(size=28, output=28, stride=1, kernel_size=4).solutions
    assert (found.fit, found.nearest[0].layer.padding) == ((), (1, 2))
    found = SolverExplorer(size=28, output=28, stride=5, kernel_size=4).solutions
    assert (found.fit, {each.output for each in found.nearest}) == ((), {8})
    found = SolverExplorer(size=2, output=28, kernel_size=9, padding=0).solutions
    assert found == ((), ())


@pytest.mark.parametrize("name", SOLVER_EXAMPLES)
def test_a_preset_is_a_state(name):
    explorer = SolverExplorer(**SOLVER_EXAMPLES[name])
    again = SolverExplorer(question="stack", stack="pool9", sizes=(3, 4), kernel_size=1, ceil_mode=True)
    with again.hold_trait_notifications():
        for trait, value in SOLVER_EXAMPLES[name].items():
            setattr(again, trait, value)
    if explorer.question == "layer":
        assert again.solutions == explorer.solutions
    else:
        assert (again.stack_sizes, again.input_size) == (explorer.stack_sizes, explorer.input_size)


def test_its_static_form_says_what_it_found():
    for changes, words in (
        ({}, "<td>28</td><td>14</td><td>2</td>"),
        ({"kernel_size": 4, "stride": 1, "output": 28}, "No setting fits"),
        ({"question": "stack"}, "The smallest image that conv3p1 pool2 conv3p1 pool2 conv3 takes has 12"),
    ):
        explorer = SolverExplorer(**changes)
        assert words in explorer.static_html()
        state = json.loads(Placeholder(explorer.static_html()).attributes["data-state"])
        assert state == json.loads(json.dumps(explorer.static_state()))


def test_hostile_text_is_no_stack():
    with pytest.raises(TraitError, match="stack must be layers such as conv3s2p1"):
        SolverExplorer(stack=HOSTILE)
