"""The networks that a page trains: settings, cost, first weights, and the images that they learn from."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod, sqrt
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from traitlets import TraitError, TraitType

from helpers.arithmetic import Layer, macs, network_unread, output_size, parameters
from helpers.checks import choice, switch, whole_number
from helpers.widgets.traits import MOST_LETTERS

NetworkState = dict[str, Any]
Arrays = list[NDArray[np.float32]]

IMAGE_SETS = {"mnist": "MNIST", "digits": "drawn digits", "garments": "drawn garments"}
"""What a page can train on, and what it calls it."""
MOST_NETWORKS, _CLASSES, _SIZE = 4, 10, 28
# The largest value of each setting of a network; strides begin at 1, as does the kernel.
MOST_OF_A_NETWORK = {"strides": 4, "padding": 3, "kernel_size": 7, "border": 12}
_PLAIN: NetworkState = {
    "name": "",
    "strides": (1, 1),
    "padding": "valid",
    "convention": "tensorflow",
    "kernel_size": 3,
    "pool": True,
    "border": 0,
}


def _network(name: str, **settings: Any) -> NetworkState:
    return {**_PLAIN, "name": name, **settings}


FOUR_SETTINGS = [
    _network("(1, same)", padding="same"),
    _network("(1, valid)"),
    _network("(2, same)", strides=(2, 2), padding="same"),
    _network("(2, valid)", strides=(2, 2)),
]
_FRAMED = _network("(2, valid), every pixel read", strides=(2, 2), border=9)
TRAINING_PRESETS: dict[str, dict[str, Any]] = {
    "four settings: stride 1 and 2, same and valid": {"networks": FOUR_SETTINGS, "change": "none"},
    "(2, valid), and with every pixel read": {"networks": [FOUR_SETTINGS[3], _FRAMED], "change": "none"},
    "the same, digits pushed into the corner it never reads": {
        "networks": [FOUR_SETTINGS[3], _FRAMED],
        "change": "corner",
    },
    "shuffled labels": {"networks": [FOUR_SETTINGS[0]], "change": "shuffled"},
    "A and B: the first stride, on garments": {
        "networks": [_network("A", strides=(2, 1)), _network("B")],
        "images": "garments",
        "change": "none",
    },
}
"""What a reader can pick by name: networks, and what they are trained on."""


class NetworkPlan(NamedTuple):
    """What is known of a network before it is trained.

    Attributes:
        name: the network's.
        sizes: pixels along each axis, of the image with its border and of the map after each layer.
        parameters: learned weights and biases.
        macs: multiply-accumulates for one image, biases excluded.
        unread: pixels of the image, of 784, on which no answer depends.
    """

    name: str
    sizes: tuple[int, ...]
    parameters: int
    macs: int
    unread: int


class Networks(TraitType[Any, Any]):
    """One to four networks, as mappings of the settings that `helpers.models.small_cnn` takes, and a name."""

    def validate(self, obj: Any, value: Any) -> list[NetworkState]:
        """Return the networks with all their settings."""
        is_list = isinstance(value, Sequence) and not isinstance(value, str)
        if not is_list or not 1 <= len(value) <= MOST_NETWORKS:
            raise TraitError(f"networks must be 1 to {MOST_NETWORKS} mappings of settings, got {value!r}")
        try:
            checked = [_checked(each) for each in value]
        except (TypeError, ValueError) as error:
            raise TraitError(f"networks: {error}") from None
        names = [each["name"] for each in checked]
        if len(set(names)) < len(names):
            raise TraitError(f"networks must have a name each, got {names}")
        return checked


def image_order(seed: int, *, images: int) -> Iterator[NDArray[np.int64]]:
    """Yield the order in which the browser shows the training images, epoch after epoch.

    Args:
        seed: of the run.
        images: how many there are.

    >>> next(image_order(1, images=5)).tolist()
    [3, 1, 2, 0, 4]
    """
    random = _stream(seed, 1)
    order = np.arange(whole_number("images", images, at_least=1))
    while True:
        shares = random(len(order) - 1)
        for last, share in zip(range(len(order) - 1, 0, -1), shares, strict=True):
            other = int(share * (last + 1))
            order[[last, other]] = order[[other, last]]
        yield order.copy()


def plan_of(network: NetworkState, channels: tuple[int, int]) -> NetworkPlan:
    """Return what is known of a network of so many filters in its two convolutions.

    Raises:
        ValueError: if a layer has no window that fits; it is named.
    """
    size, before = _SIZE + network["border"], 1
    sizes, layers, learned, products = [size], [Layer(1)], 0, 0
    for number, made in enumerate(channels, start=1):
        window = Layer(
            network["kernel_size"],
            network["strides"][number - 1],
            network["padding"],
            convention=network["convention"],
        )
        pooling = [Layer(2, kind="pooling")] if network["pool"] else []
        for name, layer in zip((f"conv{number}", f"pool{number}"), [window, *pooling], strict=False):
            try:
                size = output_size(size, **layer.window)
            except ValueError as error:
                raise ValueError(f"{network['name']}: {name} has no window that fits: {error}") from None
            sizes.append(size)
            layers.append(layer)
            if layer is window:
                products += macs(before, made, layer.kernel_size, size)
        learned += parameters(before, made, network["kernel_size"])
        before = made
    learned += parameters(before * size * size, _CLASSES, 1)
    products += macs(before * size * size, _CLASSES, 1, 1)
    return NetworkPlan(network["name"], tuple(sizes), learned, products, _unread(network, sizes[0], layers))


def _unread(network: NetworkState, size: int, layers: Sequence[Layer]) -> int:
    first = network["border"] // 2
    lost = {index - first for index in network_unread(size, layers)} & set(range(_SIZE))
    return _SIZE**2 - (_SIZE - len(lost)) ** 2


def _checked(network: Any) -> NetworkState:
    if not isinstance(network, Mapping) or (unknown := set(network) - set(_PLAIN)):
        known = ", ".join(_PLAIN)
        raise TypeError(
            f"each must be a mapping of {known}, got {network!r}"
            + (f" with {sorted(map(str, unknown))}" if isinstance(network, Mapping) else "")
        )
    state = {**_PLAIN, **network}
    strides = state["strides"]
    if not isinstance(strides, list | tuple) or len(strides) != 2:
        raise ValueError(f"strides must be two, of the first and the second convolution, got {strides!r}")
    state["strides"] = tuple(_ranged("strides", each, at_least=1) for each in strides)
    if state["padding"] not in ("valid", "same"):
        if isinstance(state["padding"], str):
            raise ValueError(f"padding must be a number, 'valid' or 'same', got {state['padding']!r}")
        state["padding"] = _ranged("padding", state["padding"], at_least=0)
    state["kernel_size"] = _ranged("kernel_size", state["kernel_size"], at_least=1)
    state["border"] = _ranged("border", state["border"], at_least=0)
    state["pool"] = switch("pool", state["pool"])
    choice("convention", state["convention"], ("tensorflow", "onnx-lower", "pytorch"))
    name = state["name"] or _words(state)
    if not isinstance(name, str) or len(name) > MOST_LETTERS:
        raise ValueError(f"name must be text of up to {MOST_LETTERS} characters, got {name!r}")
    return {**state, "name": name}


def _ranged(name: str, value: Any, *, at_least: int) -> int:
    number = whole_number(name, value, at_least=at_least)
    if number > MOST_OF_A_NETWORK[name]:
        raise ValueError(f"{name} must be from {at_least} to {MOST_OF_A_NETWORK[name]}, got {number}")
    return number


def _words(state: NetworkState) -> str:
    """What a network without a name is called: its strides and its padding."""
    first, second = state["strides"]
    strides = f"{first}" if first == second else f"{first} then {second}"
    return f"({strides}, {state['padding']})"


def starting_weights(network: NetworkState, channels: tuple[int, int], seed: int) -> Arrays:
    """Return what the engine begins with: weights after Glorot, biases of zero, layer after layer."""
    kernel, (first, second) = network["kernel_size"], channels
    side = plan_of(network, channels).sizes[-1]
    shapes: list[tuple[int, ...]] = [
        (first, 1, kernel, kernel),
        (second, first, kernel, kernel),
        (_CLASSES, second * side * side),
    ]
    arrays = []
    for number, shape in enumerate(shapes):
        size, inputs = prod(shape), prod(shape[1:])
        outputs = size // shape[1] if len(shape) == 4 else shape[0]
        shares = _stream(seed, number + 2)(size)
        weight = (2 * shares - 1) * sqrt(6 / (inputs + outputs))
        arrays += [weight.astype(np.float32).reshape(shape), np.zeros(shape[0], np.float32)]
    return arrays


class _Shares(Protocol):
    def __call__(self, count: int) -> NDArray[np.float64]: ...


def _stream(seed: int, purpose: int) -> _Shares:
    """The engine's `randomStream`: numbers from 0 up to 1, as many as are asked for."""
    counter = _mixed(np.uint32(_mixed(np.uint32(seed)) + np.uint64(purpose)))

    def draw(count: int) -> NDArray[np.float64]:
        nonlocal counter
        steps = (np.arange(1, count + 1, dtype=np.uint64) * 0x9E3779B9 + int(counter)) & 0xFFFFFFFF
        if count:
            counter = np.uint32(steps[-1])
        shares: NDArray[np.float64] = _mixed(steps.astype(np.uint32)) / 2.0**32
        return shares

    return draw


def _mixed(values: ArrayLike) -> Any:
    """The last step of MurmurHash3, on 32 bits."""
    bits = np.asarray(values, np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        bits = ((bits ^ (bits >> np.uint32(shift))).astype(np.uint64) * factor & 0xFFFFFFFF).astype(np.uint32)
    return bits ^ (bits >> np.uint32(16))
