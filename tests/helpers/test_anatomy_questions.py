"""Which sizes a model takes, where one unit looks, and which layers compare what sees all already."""

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from helpers.anatomy import anatomy, field_at, load_model, working_sizes
from helpers.anatomy.__main__ import main


class Halves(nn.Module):
    """Halved twice and back, with a skip connection."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(1, 4, 2, 2)
        self.deep = nn.Conv2d(4, 4, 2, 2)
        self.up = nn.ConvTranspose2d(4, 4, 2, 2)

    def forward(self, x):
        half = self.down(x)
        return torch.cat([half, self.up(self.deep(half))], 1)


def test_sizes_that_work_are_those_that_run():
    found = working_sizes(Halves(), range(1, 25))
    assert found == (4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24)
    for size in range(1, 25):
        try:
            Halves()(torch.zeros(1, 1, size, size))
        except RuntimeError:
            assert size not in found
        else:
            assert size in found


class Looks(nn.Conv2d):
    def forward(self, x):
        return super().forward(x) if x.sum() < 1e9 else x


def test_a_model_that_looks_at_values_runs_itself():
    assert working_sizes(Looks(1, 1, 5), range(3, 8)) == (5, 6, 7)


def test_the_command_says_sizes(capsys):
    assert main(["torchvision:alexnet", "--sizes", "60-66"]) == 0
    assert capsys.readouterr().out == "63-66\n"


def test_a_unit_looks_where_its_gradient_is():
    model = nn.Sequential(
        nn.Conv2d(2, 4, 5, 2, 2), nn.ReLU(), nn.Conv2d(4, 3, 3, 2, 1), nn.Conv2d(3, 1, (3, 1))
    )
    field = field_at(model, (2, 31, 28), "2", (3, 2))
    for module in model:
        if isinstance(module, nn.Conv2d):
            nn.init.ones_(module.weight)
    image = torch.ones(1, 2, 31, 28, requires_grad=True)
    model[:3](image)[0, :, 3, 2].sum().backward()
    rows = image.grad[0].any(0).nonzero()
    assert field.first == tuple(rows.amin(0).tolist())
    assert field.last == tuple(rows.amax(0).tolist())
    assert field.center == (12.0, 8.0)
    edge = field_at(model, (2, 31, 28), "2", (0, 0))
    assert edge.first == (-4, -4)  # in the padding


def test_the_effective_field_is_smaller_where_paths_are_many():
    torch.manual_seed(0)
    deep = nn.Sequential(*(nn.Conv2d(1, 1, 3) for _ in range(8)))
    shallow = nn.Conv2d(1, 1, 17)
    for module in (*deep, shallow):
        nn.init.ones_(module.weight)
    one, other = (field_at(model, (1, 33, 33), "", effective=True) for model in (deep, shallow))
    assert (one.first, one.last) == (other.first, other.last) == ((8, 8), (24, 24))
    assert other.effective == pytest.approx((9 / 17) ** 2)
    assert one.effective > 0.85  # the binomial weights of eight 3x3 layers lie in the middle


def test_questions_are_refused_in_one_grammar():
    model = nn.Conv2d(1, 1, 3)
    for message, call in {
        "layer must name a module of the model, got 'no'": lambda: field_at(model, 8, "no"),
        r"unit must be an index into a map of \(6, 6\), got \(6, 0\)": lambda: field_at(model, 8, "", (6, 0)),
        "sizes must be at least 1, got 0": lambda: working_sizes(model, [0]),
    }.items():
        with pytest.raises(ValueError, match=message):
            call()


def test_unproductive_layers_are_said():
    table = anatomy(load_model("torchvision:vgg16"), 64).set_index("name")
    layers = [name for name, note in table.note.items() if "unproductive" in note]
    assert layers
    before = table.receptive_field.shift(1)
    for name in table.index[table.type == "Conv2d"]:
        previous = before[name]
        assert (name in layers) == (previous is not None and min(previous) > 64), (name, previous)
    assert not anatomy(load_model("torchvision:vgg16"), 512).note.str.contains("unproductive").any()


def test_unproductive_is_what_its_own_input_sees():
    """In a residual block the row before may be that of another branch."""
    table = anatomy(get_model("resnet18", weights=None), 40).set_index("name")
    assert "unproductive" not in table.note["layer2.0.downsample.0"]  # a 1x1 kernel compares nothing
