"""The data sets as tensors, the box that warns of drawn ones, and the facts of the real ones."""

import dataclasses
import re
from pathlib import Path

import pytest
import torch
from torchvision.datasets import MNIST, FashionMNIST

from helpers.data import SIZES, TITLES, Images, load_or_draw, stand_in, stand_in_notice

# Published facts: images per class (Fashion-MNIST is exactly balanced), the first labels, and the mean pixel
# that is commonly subtracted.
COUNTS = {
    ("mnist", "train"): [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    ("mnist", "test"): [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    ("fashion-mnist", "train"): [6000] * 10,
    ("fashion-mnist", "test"): [1000] * 10,
}
FIRST = {
    ("mnist", "train"): [5, 0, 4, 1, 9],
    ("mnist", "test"): [7, 2, 1, 0, 4],
    ("fashion-mnist", "train"): [9, 0, 0, 3, 0],
    ("fashion-mnist", "test"): [9, 2, 1, 1, 6],
}
MEAN = {"mnist": 0.1307, "fashion-mnist": 0.2860}
RING = {
    "mnist": 0.0002,
    "fashion-mnist": 0.0233,
}  # share of the ink in the outermost pixels, as book/data.md says


@pytest.fixture
def six():
    """Six images, each of one grey value: 0, 51, ..., 255."""
    values = torch.arange(0, 256, 51, dtype=torch.uint8)
    images = values.reshape(6, 1, 1).expand(6, 28, 28)
    return Images(images, torch.arange(6), tuple("abcdef"), is_stand_in=False, name="mnist", split="test")


@pytest.mark.parametrize("name", TITLES)
@pytest.mark.parametrize("split", SIZES)
def test_the_data_set_at_hand_is_what_its_name_says(name, split):
    data = load_or_draw(name, split=split, download=False)
    assert data.images.shape == (SIZES[split], 28, 28)
    assert data.labels.shape == (SIZES[split],)
    assert (data.images.dtype, data.labels.dtype) == (torch.uint8, torch.int64)
    assert len(data.classes) == 10
    counts = data.labels.bincount().tolist()
    first = data.labels[:5].tolist()
    mean = data.images.float().mean().item() / 255
    if data.is_stand_in:
        assert counts == [SIZES[split] // 10] * 10
        assert first != sorted(first)
        assert mean == pytest.approx(MEAN[name], rel=0.2)
    else:
        assert counts == COUNTS[name, split]
        assert first == FIRST[name, split]
        assert mean == pytest.approx(MEAN[name], rel=0.02)
        inside = data.images[:, 1:-1, 1:-1].sum() / data.images.sum()
        assert 1 - inside.item() == pytest.approx(RING[name], abs=0.0001)


def test_the_float_view_divides_by_255_and_adds_the_channel(six):
    view = six.as_float()
    assert view.dtype == torch.float32
    assert view.shape == (6, 1, 28, 28)
    torch.testing.assert_close(view[:, 0, 0, 0], torch.tensor([0, 0.2, 0.4, 0.6, 0.8, 1.0]))


def test_the_float_view_leaves_the_bytes_alone(six):
    before = six.images.clone()
    six.as_float().zero_()
    assert torch.equal(six.images, before)


def test_select_keeps_images_and_labels_together_in_the_order_asked(six):
    chosen = six.select([4, 1, 1])
    assert chosen.labels.tolist() == [4, 1, 1]
    assert chosen.images[:, 0, 0].tolist() == [204, 51, 51]
    assert torch.equal(six.select(torch.tensor([4, 1, 1])).images, chosen.images)
    assert (chosen.classes, chosen.name, chosen.split) == (six.classes, "mnist", "test")


def test_select_refuses_an_index_outside(six):
    with pytest.raises(IndexError):
        six.select([6])


def test_first_is_the_beginning(six):
    assert six.first(2).labels.tolist() == [0, 1]
    assert len(six.first(6)) == 6


@pytest.mark.parametrize("count", [0, -1, 7])
def test_first_refuses_what_is_not_there(six, count):
    with pytest.raises(ValueError, match=f"count must be from 1 to 6, .*got {count}"):
        six.first(count)


def test_a_data_set_shows_itself_in_one_line(six):
    assert repr(six) == "<Images mnist, test: 6, real>"
    assert "drawn stand-in" in repr(stand_in("mnist", split="test", size=10))


def test_a_data_set_cannot_be_changed(six):
    with pytest.raises(dataclasses.FrozenInstanceError):
        six.is_stand_in = True


def test_there_is_no_notice_on_real_data(six):
    assert stand_in_notice(six, six) is None
    assert stand_in_notice() is None


def test_the_notice_is_a_warning_box_that_says_what_to_do(six):
    drawn = stand_in("fashion-mnist", split="test", size=10)
    notice = stand_in_notice(six, drawn, drawn)
    box = notice._repr_html_()
    assert box.startswith('<div class="admonition warning"')
    assert '<p class="admonition-title"><strong>Drawn images, not Fashion-MNIST</strong></p>' in box
    for text in (repr(notice), box):
        assert "numbers computed here are not those of the real data" in text
        assert "STRIDE_BOOK_DATA" in text
        assert "python -m helpers.data" in text
    assert "`" not in box


def test_the_notice_names_each_data_set_once():
    drawn = [stand_in(name, split="test", size=10) for name in ("mnist", "fashion-mnist", "mnist")]
    assert stand_in_notice(*drawn).title == "Drawn images, not MNIST and Fashion-MNIST"


def test_the_page_about_the_data_gives_the_checksums_that_are_verified():
    page = (Path(__file__).parents[2] / "book" / "data.md").read_text()
    for kind in (MNIST, FashionMNIST):
        for file, md5 in kind.resources:
            assert re.search(rf"`{re.escape(file)}` \| [\d,]+ \| `{md5}`", page), file
