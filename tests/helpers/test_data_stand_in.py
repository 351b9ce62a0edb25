"""The drawn data sets: reproducible, balanced, like the real ones where it matters, and learnable."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import avg_pool2d

from helpers.data import CLASSES, EXCERPT, TITLES, excerpt, stand_in
from helpers.data.drawing import BATCH, FONTS, Variation, draw_digit, vary
from helpers.data.garments import Sketch, draw_garment, mirrored, rounded

STILL = Variation(rotation=0, shear=0, size=(1, 1), shift=0, bend=0, shading=0, grain=0)
points = st.lists(st.tuples(st.floats(0, 28), st.floats(0, 28)), min_size=3, max_size=8)


@functools.cache
def enough(name):
    """Enough of a drawn data set to learn from."""
    return stand_in(name, split="train", size=4000)


@pytest.fixture(scope="module", params=TITLES)
def drawn(request):
    """Enough of a drawn data set to learn from, and its test split."""
    return enough(request.param), stand_in(request.param, split="test", size=1000)


@pytest.fixture(scope="module")
def garments():
    """The drawn garments by the name of their class, as floats of shape (N, 28, 28)."""
    data = enough("fashion-mnist")
    images = data.as_float().squeeze(1)
    return {label: images[data.labels == index] for index, label in enumerate(data.classes)}


@settings(max_examples=15)
@given(
    st.sampled_from(list(TITLES)),
    st.sampled_from(["train", "test"]),
    st.integers(1, 80),
    st.integers(0, 2**40),
)
def test_the_same_arguments_draw_the_same_balanced_images(name, split, size, seed):
    one, other = (stand_in(name, split=split, size=size, seed=seed) for _ in range(2))
    assert torch.equal(one.images, other.images)
    assert torch.equal(one.labels, other.labels)
    assert one.images.shape == (size, 28, 28)
    assert one.images.dtype == torch.uint8
    assert one.labels.dtype == torch.int64
    assert one.is_stand_in
    assert (one.name, one.split, one.classes) == (name, split, CLASSES[name])
    counts = one.labels.bincount(minlength=10)
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("name", TITLES)
def test_seeds_and_splits_draw_other_images(name):
    reference = stand_in(name, split="train", size=200)
    for other in (stand_in(name, split="train", size=200, seed=1), stand_in(name, split="test", size=200)):
        assert not torch.equal(reference.labels, other.labels)
        seen = {image.numpy().tobytes() for image in reference.images}
        assert not seen & {image.numpy().tobytes() for image in other.images}


def test_drawing_leaves_the_global_random_state_alone():
    torch.manual_seed(3)
    np.random.seed(3)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(3)
    np.random.seed(3)
    stand_in("fashion-mnist", split="test", size=10)
    assert (torch.rand(1), np.random.rand()) == expected


def test_no_image_is_empty_and_none_comes_twice(drawn):
    train, _ = drawn
    assert (train.images.flatten(1).amax(dim=1) > 40).all()
    assert len({image.numpy().tobytes() for image in train.images}) == len(train)


def test_no_two_classes_have_the_same_mean_image(drawn):
    train, _ = drawn
    means = class_means(train)
    distances = torch.cdist(means, means) + torch.eye(10) * 100
    assert distances.min() > 0.8


def test_the_nearest_class_mean_is_right_far_more_often_than_chance(drawn):
    train, test = drawn
    guesses = torch.cdist(test.as_float().flatten(1), class_means(train)).argmin(dim=1)
    assert 0.65 < (guesses == test.labels).float().mean() < 0.95  # neither noise nor a game for children


def class_means(data):
    """Mean image of each class, shape (10, 784)."""
    images = data.as_float().flatten(1)
    return torch.stack([images[data.labels == label].mean(dim=0) for label in range(10)])


def test_the_background_is_black(drawn):
    train, _ = drawn
    black = (train.images == 0).float().mean()
    assert 0.4 < black < 0.9


def test_digits_keep_to_the_middle_as_those_of_mnist_do():
    images = enough("mnist").as_float().squeeze(1)
    ring = images.sum() - images[:, 1:-1, 1:-1].sum()
    assert ring < 0.002 * images.sum()  # MNIST: 0.0002
    places = torch.arange(28.0)
    for axis in (1, 2):
        centers = (images.sum(dim=axis) * places).sum(dim=1) / images.sum(dim=(1, 2))
        assert (centers - 13.5).abs().mean() < 1.0


def test_garments_fill_the_frame_as_those_of_fashion_mnist_do(garments):
    inked = {label: images.amax(dim=2) > 0.1 for label, images in garments.items()}
    heights = {label: rows.sum(dim=1).float().mean() for label, rows in inked.items()}
    assert min(heights[label] for label in ("T-shirt/top", "Trouser", "Dress", "Coat", "Shirt")) > 25
    assert heights["Sandal"] < heights["Ankle boot"] > heights["Sneaker"]
    assert torch.cat(list(inked.values()))[:, [0, -1]].any(dim=1).float().mean() > 0.4


@pytest.mark.parametrize("label", ["Sandal", "Sneaker", "Ankle boot"])
def test_shoes_point_left(garments, label):
    mean = garments[label].mean(dim=0)
    assert mean[:14, :12].sum() < 0.5 * mean[:14, 16:].sum()


@pytest.mark.parametrize("label", ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Shirt"])
def test_clothes_are_symmetric(garments, label):
    mean = garments[label].mean(dim=0)
    assert (mean - mean.flip(1)).abs().mean() < 0.03


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "size must be at least 1, got 0"),
        ({"size": -3}, "size must be at least 1, got -3"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"split": "valid"}, "split must be one of 'train', 'test', got 'valid'"),
        ({"name": "kmnist"}, "name must be one of 'mnist', 'fashion-mnist', got 'kmnist'"),
    ],
)
def test_wrong_values_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        stand_in(**{"name": "mnist", "split": "test", "size": 10} | arguments)


@pytest.mark.parametrize("argument", ["size", "seed"])
def test_wrong_kinds_are_refused(argument):
    with pytest.raises(TypeError, match=f"{argument} must be a whole number, got 2.5"):
        stand_in("mnist", split="test", **{argument: 2.5})


@pytest.mark.parametrize("draw", [draw_digit, draw_garment])
@pytest.mark.parametrize("label", range(10))
def test_a_drawing_is_a_grey_image_twice_as_fine(draw, label):
    drawing = draw(label, np.random.default_rng(label))
    assert drawing.shape == (56, 56)
    assert drawing.dtype == np.float32
    assert drawing.min() == 0
    assert 0.2 < drawing.max() <= 1


def test_every_font_has_the_digits_where_they_are_expected():
    class Only:
        """A random generator that always takes this font."""

        def __init__(self, font):
            self.font = font

        def choice(self, _):
            return self.font

        def integers(self, low, _):
            return low

    drawings = np.array([[draw_digit(label, Only(font)).ravel() for label in range(10)] for font in FONTS])
    for index, font in enumerate(FONTS):
        means = np.delete(drawings, index, axis=0).mean(axis=0)  # (10, 3136): each digit in all other fonts
        distances = np.linalg.norm(drawings[index][:, None] - means, axis=2)  # (10, 10)
        assert (distances.argmin(axis=1) == np.arange(10)).sum() >= 9, font


def test_without_variation_an_image_is_its_prototype_at_half_the_size():
    prototypes = torch.rand(3, 56, 56)
    picks = torch.tensor([2, 0, 1, 2])
    images = vary(prototypes, picks, variation=STILL, generator=torch.Generator())
    expected = avg_pool2d(prototypes[picks], 2) * 255
    torch.testing.assert_close(images.float(), expected, rtol=0, atol=0.51)


def test_batches_leave_no_seam():
    count = BATCH + 7
    images = vary(
        torch.rand(2, 56, 56), torch.arange(count) % 2, variation=STILL, generator=torch.Generator()
    )
    assert len(images) == count
    assert torch.equal(images[-2], images[1])


@given(points, st.integers(0, 3))
def test_rounding_stays_within_the_polygon_and_cuts_its_corners(polygon, rounds):
    smooth = np.array(rounded(polygon, rounds=rounds))
    assert len(smooth) == len(polygon) * 2**rounds
    assert (smooth.min(axis=0) >= np.min(polygon, axis=0) - 1e-9).all()
    assert (smooth.max(axis=0) <= np.max(polygon, axis=0) + 1e-9).all()
    np.testing.assert_allclose(smooth.mean(axis=0), np.mean(polygon, axis=0), atol=1e-9)


@given(points)
def test_the_mirror_image_of_the_mirror_image_is_the_original(polygon):
    np.testing.assert_allclose(mirrored(mirrored(polygon)), polygon, atol=1e-12)


def test_contrast_fades_details_but_neither_fills_holes_nor_leaves_the_range():
    def middle(shade, *, contrast):
        sketch = Sketch(np.random.default_rng(0), tone=200, contrast=contrast)
        square = [(8, 8), (20, 8), (20, 20), (8, 20)]
        sketch.fill(square)
        sketch.fill(square, shade=shade)
        return sketch.finished()[28, 28] * 255

    assert middle(1.0, contrast=1.0) == pytest.approx(200)
    assert middle(0.5, contrast=1.0) == pytest.approx(100)
    assert middle(0.5, contrast=0.5) == pytest.approx(150)
    assert middle(0.0, contrast=0.5) == 0
    assert middle(3.0, contrast=1.0) == pytest.approx(255)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("split", EXCERPT)
def test_what_a_page_carries_is_the_same_images_in_four_grays(name, split):
    few = excerpt(name, split=split, drawn=True)
    whole = stand_in(name, split=split, size=EXCERPT[split])
    assert few.is_stand_in
    assert few.images.unique().tolist() == [0, 85, 170, 255]
    assert (few.images.int() - whole.images.int()).abs().max() <= 42
    assert torch.equal(few.labels, whole.labels)
