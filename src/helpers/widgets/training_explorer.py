"""The training explorer: up to four small networks that learn in the page, or in JupyterLab."""

import html
from importlib import import_module
from typing import Any

import numpy as np
from traitlets import Bunch, Bytes, Dict, TraitError, TraitType, Unicode, observe, validate
from traitlets import List as ListTrait

from helpers.checks import choice
from helpers.widgets.base import BookWidget
from helpers.widgets.page_networks import (
    FOUR_SETTINGS,
    IMAGE_SETS,
    TRAINING_PRESETS,
    Arrays,
    NetworkPlan,
    Networks,
    plan_of,
    starting_weights,
)
from helpers.widgets.setting import pair
from helpers.widgets.traits import IndexTrait, PerAxis, WholeNumber

CHANGES = ("none", "corner", "shuffled")


class Rate(TraitType[Any, Any]):
    """A learning rate from 0.0001 to 0.1."""

    def validate(self, obj: Any, value: Any) -> float:
        """Return the rate as Python's own number."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 1e-4 <= value <= 0.1:
            raise TraitError(f"{self.name} must be a number from 0.0001 to 0.1, got {value!r}")
        return float(value)


class _Reported(TraitType[Any, Any]):
    """Bytes, also as a browser sends them."""

    default_value = b""

    def validate(self, obj: Any, value: Any) -> bytes:
        """Return the bytes as Python's own."""
        if not isinstance(value, bytes | bytearray | memoryview):
            raise TraitError(f"{self.name} must be bytes, got {value!r}")
        return bytes(value)


class TrainingExplorer(BookWidget, module="training_explorer"):
    """Up to four small networks that learn from the same images in the same order, where they are shown.

    Each is two convolutions with ReLU, each pooled or not, and a dense layer: `helpers.models.small_cnn`. All
    of it is computed in the browser, also in a page without a kernel, and the same seed gives the same run
    there to the last digit. With a kernel, `history` and `weights` hold what the browser has done so far:

        explorer = TrainingExplorer(networks=[{"strides": (2, 2)}, {"padding": "same"}], seed=7)
        explorer.history[-1]      # after Train was pressed

    The seed also gives `start`, the weights of each network before training, and `image_order` the order of
    the images, so that torch can train the same network from the same start.

    Attributes:
        networks: settings of each as `small_cnn` takes them, and a `name`; all but what is given is plain.
        channels: filters of the first and of the second convolution, 1 to 64 each.
        images: "mnist", "digits" or "garments": 2,000 images to learn from and 1,000 to be tested on.
        change: what is done to them first: "none"; "corner" pushes the ink into the lower right corner;
            "shuffled" deals the training labels out anew.
        seed: of the first weights and of the order, 0 to 999,999.
        epochs: how often the run sees every image before it stops by itself, 1 to 50.
        batch_size: images a step, 1 to 256.
        learning_rate: Adam's, 0.0001 to 0.1.
        editing: index of the network that the controls change.
        recorded: where one more run of a setting lies, as `study.comparisons` finds it in the records.

    Raises:
        TraitError: for a value out of range, or a network one of whose layers has no window that fits.

    >>> plan = TrainingExplorer().plans[3]
    >>> plan.name, plan.sizes, plan.parameters, plan.unread
    ('(2, valid)', (28, 13, 6, 2, 1), 1418, 343)
    """

    networks = Networks(FOUR_SETTINGS).tag(sync=True)
    channels = PerAxis((8, 16), low=1, high=64).tag(sync=True)
    images = Unicode("digits").tag(sync=True)
    change = Unicode("none").tag(sync=True)
    seed = WholeNumber(1, low=0, high=999_999).tag(sync=True)
    epochs = WholeNumber(5, low=1, high=50).tag(sync=True)
    batch_size = WholeNumber(32, low=1, high=256).tag(sync=True)
    learning_rate = Rate(5e-3).tag(sync=True)
    editing = IndexTrait(0).tag(sync=True)
    examples = Dict(TRAINING_PRESETS, read_only=True).tag(sync=True)  # what the reader can pick by name
    recorded = ListTrait(Dict()).tag(sync=True)
    # Only with a kernel: what the browser asks for and gets, and what it reports.
    _wanted = Unicode().tag(sync=True)
    _packed = Bytes().tag(sync=True)
    _problem = Unicode().tag(sync=True)
    _history = ListTrait(Dict()).tag(sync=True)
    _weights = _Reported().tag(sync=True)

    @property
    def plans(self) -> list[NetworkPlan]:
        """Sizes, parameters, MACs and unread pixels of each network."""
        return [plan_of(each, pair(self.channels)) for each in self.networks]

    @property
    def history(self) -> list[dict[str, Any]]:
        """What the browser has measured: network, images seen, accuracy (0 to 1), loss (nats), seconds."""
        return list(self._history)

    @property
    def start(self) -> dict[str, Arrays]:
        """The weights of each network before training, by its name, in the order of torch's parameters."""
        return {
            each["name"]: starting_weights(each, pair(self.channels), self.seed) for each in self.networks
        }

    @property
    def weights(self) -> dict[str, Arrays]:
        """The weights that the browser last reported, likewise; before that, those of the start."""
        values, found = np.frombuffer(self._weights, np.float32), self.start
        if len(values) != sum(each.size for arrays in found.values() for each in arrays):
            return found
        for arrays in found.values():
            for place, each in enumerate(arrays):
                arrays[place], values = values[: each.size].reshape(each.shape).copy(), values[each.size :]
        return found

    def fallback(self) -> str:
        """The table of the networks."""
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{' → '.join(map(str, sizes))}</td><td>{learned:,}</td>"
            f"<td>{products:,}</td><td>{unread}</td></tr>"
            for name, sizes, learned, products, unread in self.plans
        )
        head = "".join(
            f"<th>{each}</th>" for each in ("network", "sizes", "parameters", "MACs", "pixels never read")
        )
        return (
            f"<p>Small networks on {IMAGE_SETS[self.images]}.</p><table><tr>{head}</tr>{rows}</table>"
            "<p>With JavaScript, they are trained here, each with a stride and padding of your choice.</p>"
        )

    @validate("networks", "channels")
    def _check_plans(self, proposal: Bunch) -> Any:
        setting = {"networks": self.networks, "channels": self.channels}
        setting[proposal["trait"].name] = proposal["value"]
        try:
            for each in setting["networks"]:
                plan_of(each, pair(setting["channels"]))
        except ValueError as error:
            raise TraitError(str(error)) from None
        return proposal["value"]

    @validate("images", "change")
    def _check_word(self, proposal: Bunch) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        try:
            choice(name, value, IMAGE_SETS if name == "images" else CHANGES)
        except ValueError as error:
            raise TraitError(str(error)) from None
        return value

    @validate("editing")
    def _check_editing(self, proposal: Bunch) -> Any:
        last = len(self.networks) - 1
        if not 0 <= proposal["value"] <= last:
            raise TraitError(f"editing must be a network from 0 to {last}, got {proposal['value']}")
        return proposal["value"]

    @observe("networks")
    def _follow(self, change: Bunch) -> None:
        """Keep `editing` among the networks."""
        self.editing = min(self.editing, len(self.networks) - 1)

    @observe("_wanted")
    def _deliver(self, change: Bunch) -> None:
        """Give the browser the images that it asks for; nothing of them is loaded before."""
        if self._wanted in IMAGE_SETS:
            try:
                # By its name: a notebook that only shows the explorer does not read the data sets.
                self._packed = import_module("helpers.data").packed_excerpt(self._wanted)
            except Exception as error:  # the reader waits in the browser, where no traceback is seen
                self._problem = str(error)
