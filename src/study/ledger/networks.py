"""The networks that the claims are about: the four settings on MNIST, models A, B and C, published ones."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import takewhile

import pandas as pd
from torch import nn

from helpers.anatomy import anatomy, census
from helpers.arithmetic import Layer, Padding, network_unread, receptive_field
from helpers.models import CNNBiLSTM, MapToSequence, fashion_cnn, mnist_cnn
from study.experiments.cost import Cost, cost
from study.records import RECORDED, records

SIZE = 28  # pixels of an image of MNIST and of Fashion-MNIST
SETTINGS: dict[str, tuple[int, Padding]] = {
    "(1, same)": (1, "same"),
    "(1, valid)": (1, "valid"),
    "(2, same)": (2, "same"),
    "(2, valid)": (2, "valid"),
}
_MODELS: dict[str, Callable[[], nn.Module]] = {
    "(1, same)": partial(mnist_cnn, stride=1, padding="same"),
    "(1, valid)": partial(mnist_cnn, stride=1, padding="valid"),
    "(2, same)": partial(mnist_cnn, stride=2, padding="same"),
    "(2, valid)": partial(mnist_cnn, stride=2, padding="valid"),
    "A": partial(fashion_cnn, stride=2),
    "B": partial(fashion_cnn, stride=1),
    "C": CNNBiLSTM,
}

# One of each family of torchvision, so that eleven EfficientNets do not outvote one AlexNet.
ARCHITECTURES = (
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "googlenet",
    "inception_v3",
    "maxvit_t",
    "mnasnet1_0",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "regnet_y_400mf",
    "resnet50",
    "resnext50_32x4d",
    "shufflenet_v2_x1_0",
    "squeezenet1_0",
    "swin_t",
    "vgg16",
    "vit_b_16",
    "wide_resnet50_2",
)


@cache
def cost_of(network: str) -> Cost:
    """Parameters and MACs of a network of the sources."""
    return cost(_MODELS[network]())


@cache
def anatomy_of(network: str) -> pd.DataFrame:
    """A network of the sources, layer by layer."""
    return anatomy(_MODELS[network](), SIZE)


def features_of(network: str) -> pd.DataFrame:
    """What stands before its first dense layer or its LSTM, layer by layer."""
    layers = _MODELS[network]().children()
    layers = takewhile(lambda layer: not isinstance(layer, nn.Flatten | MapToSequence), layers)
    return anatomy(nn.Sequential(*layers), SIZE)


def stack(setting: str) -> Sequence[Layer]:
    """Convolutions and poolings of one of the four settings, along one axis."""
    convolution, pooling = Layer(3, *SETTINGS[setting]), Layer(2, stride=2)
    return convolution, pooling, convolution, pooling


def field_of(setting: str) -> int:
    """Receptive field of a unit of the last map."""
    return receptive_field(stack(setting)).size


def pixels_read(setting: str) -> int:
    """Pixels of the image that the last map depends on."""
    return (SIZE - len(network_unread(SIZE, stack(setting)))) ** 2


@cache
def fastest_epoch(setting: str) -> float:
    """Seconds of the fastest recorded epoch, which other work disturbed the least."""
    stride, padding = SETTINGS[setting]
    runs = records(RECORDED, experiment="mnist", variant=f"s{stride}-{padding}")
    return min(epoch.seconds for run in runs for epoch in run.epochs)


@cache
def published_windows() -> pd.DataFrame:
    """Convolutions and poolings of published networks, one of each family; `step` is the larger stride."""
    windows = census(ARCHITECTURES)
    return windows.assign(step=windows.stride.map(max))


def published_convolutions() -> pd.DataFrame:
    """The convolutions among them."""
    windows = published_windows()
    return windows[windows.type == "convolution"]
