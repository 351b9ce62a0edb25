"""The networks that the claims are about: the four settings on MNIST, models A, B and C, published ones."""

from collections.abc import Callable
from functools import cache, partial
from itertools import takewhile

import pandas as pd
from torch import nn

from helpers.anatomy import anatomy, census
from helpers.arithmetic import network_unread, receptive_field
from helpers.models import IMAGE_SIZE, CNNBiLSTM, MapToSequence, fashion_cnn, layers_of, mnist_cnn
from helpers.sources import MNIST_SETTINGS
from study.experiments.runs import Cost, cost
from study.records import RECORDED, records

SETTINGS = {setting.label: setting for setting in MNIST_SETTINGS.values()}
_MODELS: dict[str, Callable[[], nn.Module]] = {
    **{name: partial(mnist_cnn, stride=s, padding=p) for name, (s, p) in SETTINGS.items()},
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
    """Parameters and MACs of a network of the sources, such as "A" or "(1, same)"."""
    return cost(_MODELS[network]())


@cache
def anatomy_of(network: str) -> pd.DataFrame:
    """The layers of a network of the sources: a row each."""
    return anatomy(_MODELS[network](), IMAGE_SIZE)


def features_of(network: str) -> pd.DataFrame:
    """The layers of a network before its first dense layer or its LSTM: a row each."""
    layers = _MODELS[network]().children()
    layers = takewhile(lambda layer: not isinstance(layer, nn.Flatten | MapToSequence), layers)
    return anatomy(nn.Sequential(*layers), IMAGE_SIZE)


def field_of(setting: str) -> int:
    """Receptive field of a unit of the last map of one of the four settings, in pixels along an axis."""
    return receptive_field(layers_of(SETTINGS[setting])).size


def pixels_read(setting: str) -> int:
    """Number of pixels of the image that the last map of one of the four settings depends on."""
    return (IMAGE_SIZE - len(network_unread(IMAGE_SIZE, layers_of(SETTINGS[setting])))) ** 2


@cache
def fastest_epoch(setting: str) -> float:
    """Seconds of the fastest recorded epoch of one of the four settings: the one that was disturbed least."""
    stride, padding = SETTINGS[setting]
    runs = records(RECORDED, experiment="mnist", variant=f"s{stride}-{padding}")
    return min(epoch.seconds for run in runs for epoch in run.epochs)


@cache
def published_windows() -> pd.DataFrame:
    """Convolutions and poolings of published networks, one of each family; `step` is the larger stride."""
    windows = census(ARCHITECTURES)
    return windows.assign(step=windows.stride.map(max))


def published_convolutions() -> pd.DataFrame:
    """The convolutions among the windows of published networks."""
    windows = published_windows()
    return windows[windows.type == "convolution"]
