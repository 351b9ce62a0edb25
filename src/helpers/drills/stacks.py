"""Cases of several layers: what a unit sees, what they cost, where they end, which sizes come back up."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import prod
from operator import ne, sub

from helpers.arithmetic import Layer, fitting_sizes, macs, output_size, parameters, receptive_field
from helpers.drills.one_layer import Case, Drawn, Facts, Numbers, along_axes, first_bends, first_index


def _stack(draw: Drawn) -> list[Facts]:
    """The layers with names, conv1 or pool1; a pooling has its own window, and its stride is that."""
    counted: Counter[str] = Counter()
    layers = []
    for each in draw["layers"]:
        counted[each["kind"]] += 1
        layer = {"padding": 0, **each, "name": f"{each['kind']}{counted[each['kind']]}"}
        if each["kind"] == "pool":
            layer |= {"kernel_size": each["pool"], "stride": each["pool"], "dilation": 1, "padding": 0}
        layer["reach"] = layer["dilation"] * (layer["kernel_size"] - 1) + 1
        layer["dilated"] = layer["dilation"] > 1
        layers.append(layer)
    return layers


def _field_mistaken(layers: Sequence[Facts], answer: Numbers) -> dict[str, Numbers]:
    """Receptive field and jump as those get them who make one mistake."""
    field, jump = answer

    def grown(pixels: Callable[[Facts], int], start: int = 1) -> Numbers:
        return start + sum(pixels(layer) for layer in layers), jump

    last = layers[-1]
    return {
        "jump-forgotten": grown(lambda layer: layer["reach"] - 1),
        "jump-too-early": grown(lambda layer: (layer["reach"] - 1) * layer["jump"]),
        "kernel-for-reach": grown(lambda layer: (layer["kernel_size"] - 1) * layer["step"]),
        "dilated-kernel": grown(lambda layer: (layer["dilation"] * layer["kernel_size"] - 1) * layer["step"]),
        "whole-kernels": grown(lambda layer: layer["reach"] * layer["step"]),
        "kernels-added": grown(lambda layer: layer["reach"], start=0),
        "kernels-multiplied": (prod(layer["reach"] for layer in layers), jump),
        "last-layer": (last["reach"], last["stride"]),
        "last-stride": (field, last["stride"]),
        "strides-added": (field, sum(layer["stride"] for layer in layers)),
        "starts-at-zero": (field - 1, jump),
    }


def _receptive_field(draw: Drawn, level: int) -> Case | None:
    layers = _stack(draw)
    stack: list[Layer] = []
    field = jump = 1
    for layer in layers:
        stack.append(Layer(layer["kernel_size"], layer["stride"], dilation=layer["dilation"]))
        layer |= {"below": field, "step": jump}
        field, jump = (int(number) for number in receptive_field(stack))
        layer |= {"field": field, "jump": jump}
    spread = first_index(layer["dilated"] for layer in layers)
    strided = first_index(layer["stride"] > 1 for layer in layers)
    if field > 400 or (level == 1) != (strided is None) or (level == 3 and spread is None):
        return None
    if strided == len(layers) - 1 or layers[0]["kind"] == "pool":
        return None
    last = len(layers) - 1
    bends = {"kernel-for-reach": spread or 0, "dilated-kernel": spread or 0, "jump-too-early": strided or 0}
    bends |= {"jump-forgotten": (strided or 0) + 1, "last-layer": last, "last-stride": last}
    bends |= {"strides-added": 1, "kernels-multiplied": 1, "kernels-added": 1}
    opens = {"explorer": "receptive_field", "input_size": field + 3 * jump}
    return Case(
        facts={},
        layers=layers,
        answer=(field, jump),
        wrong=_field_mistaken(layers, (field, jump)),
        opens=opens | {"layers": [_for_explorer(layer, 1) for layer in layers]},
        bends=bends,
    )


def _for_explorer(layer: Facts, channels: int) -> Facts:
    """A layer as the receptive field explorer takes it; a pooling has no channels."""
    own = {name: layer[name] for name in ("name", "kernel_size")}
    for name, plain in (("stride", 1), ("dilation", 1), ("padding", 0)):
        own |= {name: layer[name]} if layer[name] != plain else {}
    return own | ({} if layer["name"].startswith("pool") else {"channels": channels})


def _cost_mistaken(layer: Facts) -> dict[str, Numbers]:
    """Parameters and MACs of a layer as those get them who make one mistake."""
    inputs, outputs, kernel, groups = (layer[n] for n in ("inputs", "outputs", "kernel_size", "groups"))
    weights, pixels = layer["weights"], layer["made"] ** 2
    known, cost = layer["parameters"], layer["macs"]
    bias = known - weights

    def of(weights: int, filters: int = outputs) -> Numbers:
        return weights + (filters if bias else 0), weights * pixels

    bare = max(0, (layer["size"] - kernel) // layer["stride"] + 1)
    return {
        "bias-forgotten": (weights, cost),
        "bias-invented": (weights + outputs, cost),
        "bias-in-macs": (known, known * pixels),
        "input-size-in-macs": (known, weights * layer["size"] ** 2),
        "one-side-of-the-map": (known, weights * layer["made"]),
        "no-groups": of(weights * groups),
        "groups-twice": of(weights // groups),
        "kernel-one-side": of(weights // kernel),
        "no-input-channels": of(outputs * kernel * kernel),
        "no-filters": of(inputs // groups * kernel * kernel, 1),
        "one-bias": (weights + (1 if bias else 0), cost),
        "no-padding": (known, weights * bare**2),
        "no-map": (known, weights),
        "additions-counted": (known, 2 * cost),
    }


def _priced(draw: Drawn) -> list[Facts] | None:
    """The layers with their sizes, parameters and MACs; None if one does not take what it gets."""
    layers: list[Facts] = []
    size, inputs = draw["size"], draw["inputs"]
    for number, each in enumerate(draw["layers"], start=1):
        kernel, stride, padding, groups = (each[n] for n in ("kernel_size", "stride", "padding", "groups"))
        room, outputs = size + 2 * padding - kernel, each["outputs"]
        if room < 0 or inputs % groups or outputs % groups or 2 * padding > kernel:
            return None
        made = output_size(size, kernel_size=kernel, stride=stride, padding=padding)
        layer = {**each, "name": f"conv{number}", "size": size, "inputs": inputs, "made": made, "dilation": 1}
        layer |= {"rest": room % stride, "grouped": groups > 1, "plain": not each["bias"]}
        layer["weights"] = parameters(inputs, outputs, kernel, groups=groups, bias=False)
        layer["parameters"] = parameters(inputs, outputs, kernel, groups=groups, bias=bool(each["bias"]))
        layer["macs"] = macs(inputs, outputs, kernel, made, groups=groups)
        layers.append(layer)
        size, inputs = made, outputs
    return layers


def _cost(draw: Drawn, level: int) -> Case | None:
    layers = _priced(draw)
    if not layers or ((level == 1) != (layers[0]["made"] == layers[0]["size"]) and level < 3):
        return None
    mistaken = [_cost_mistaken(layer) for layer in layers]
    right = [(layer["parameters"], layer["macs"]) for layer in layers]
    known, cost = (sum(numbers) for numbers in zip(*right, strict=True))
    wrong: dict[str, Numbers] = {}
    bends = {}
    for slug in mistaken[0]:
        own = [each[slug] for each in mistaken]
        wrong[slug] = tuple(sum(numbers) for numbers in zip(*own, strict=True))
        bends[slug] = first_index(map(ne, own, right)) or 0
    if len(layers) == 2:
        wrong["last-layer"] = right[-1]
    size, inputs = layers[0]["size"], layers[0]["inputs"]
    shown = [
        _for_explorer(layer, layer["outputs"]) | ({} if layer["bias"] else {"bias": False})
        for layer in layers
    ]
    opens = {"explorer": "receptive_field", "input_size": size, "in_channels": inputs, "layers": shown}
    return Case(
        facts={"parameters": known, "macs": cost, "single": len(layers) == 1, "double": len(layers) == 2},
        layers=layers,
        answer=(known, cost),
        wrong=wrong,
        opens={} if any(layer["grouped"] for layer in layers) else opens,
        bends=bends,
    )


def _failing(size: int, layers: Sequence[Facts], after: Callable[[int, Facts], int]) -> int:
    """The index of the first layer that leaves nothing, or how many there are."""
    for index, layer in enumerate(layers):
        size = after(size, layer)
        if size < 1:
            return index
    return len(layers)


def _after(size: int, layer: Facts) -> int:
    """The size that a layer makes, 0 if its window does not fit."""
    if size + 2 * layer["padding"] < layer["reach"]:
        return 0
    return output_size(
        size,
        kernel_size=layer["kernel_size"],
        stride=layer["stride"],
        padding=layer["padding"],
        dilation=layer["dilation"],
    )


def _stops(room: int, layer: Facts) -> int:
    stops: int = room // layer["stride"] + 1 if room >= 0 else 0
    return stops


_FAILING_MISTAKEN: Mapping[str, Callable[[int, Facts], int]] = {
    "kernel-for-reach": lambda size, layer: _stops(size + 2 * layer["padding"] - layer["kernel_size"], layer),
    "no-padding": lambda size, layer: _stops(size - layer["reach"], layer),
    "padding-once": lambda size, layer: _stops(size + layer["padding"] - layer["reach"], layer),
    "no-stride": lambda size, layer: size + 2 * layer["padding"] - layer["reach"] + 1,
    "no-first-stop": lambda size, layer: _stops(size + 2 * layer["padding"] - layer["reach"], layer) - 1,
    "size-over-stride": lambda size, layer: size // layer["stride"],
}


def _which_layer_fails(draw: Drawn, level: int) -> Case | None:
    layers = _stack(draw)
    size = draw["size"]
    place = _failing(size, layers, _after)
    if place < 1 or (place == len(layers)) != (draw["fits"] == 0):
        return None
    if any(2 * layer["padding"] > layer["reach"] for layer in layers) or layers[0]["kind"] == "pool":
        return None
    if level == 3 and not any(layer["dilated"] for layer in layers[: place + 1]):
        return None
    for index, layer in enumerate(layers):
        made = _after(size, layer) if index <= place else 0
        layer |= {"size": size, "padded": size + 2 * layer["padding"], "made": made}
        layer |= {"fits": index < place, "fails": index == place}
        layer["spread"] = layer["dilated"] and index <= place
        layer["lined"] = layer["padding"] > 0 and index <= place
        layer["rest"] = (layer["padded"] - layer["reach"]) % layer["stride"] if index < place else 0
        size = made
    wrong = {slug: (_failing(draw["size"], layers, rule),) for slug, rule in _FAILING_MISTAKEN.items()}
    bends = {slug: min(each[0], place, len(layers) - 1) for slug, each in wrong.items()}
    opens = {"explorer": "solver", "question": "stack", "stack": " ".join(map(_in_short, layers))}
    return Case(
        facts={"size": draw["size"]},
        layers=layers,
        answer=(place,),
        wrong=wrong,
        opens=opens | {"input_size": draw["size"]},
        choices=(*(layer["name"] for layer in layers), "none"),
        bends=bends,
    )


def _in_short(layer: Facts) -> str:
    """A layer as `helpers.arithmetic.parse_stack` and the solver explorer read it."""
    if layer["kind"] == "pool":
        return f"pool{layer['kernel_size']}"
    settings = (("s", layer["stride"], 1), ("p", layer["padding"], 0), ("d", layer["dilation"], 1))
    told = "".join(f"{letter}{value}" for letter, value, plain in settings if value != plain)
    return f"conv{layer['kernel_size']}{told}"


def _next_multiple(size: int, factor: int) -> int:
    return -(-size // factor) * factor


def _multiples_mistaken(axis: Facts, factors: Sequence[int]) -> dict[str, int]:
    """The side that a U-Net takes, as those get it who make one mistake."""
    size, multiple = axis["size"], axis["multiple"]
    power = 1
    while power < size:
        power *= 2
    return {
        "rounded-down": axis["whole"] * multiple,
        "one-level-less": _next_multiple(size, multiple // factors[-1]),
        "one-level-more": _next_multiple(size, multiple * 2),
        "factors-added": _next_multiple(size, sum(factors)),
        "first-level-only": _next_multiple(size, factors[0]),
        "as-it-is": size,
        "power-of-two": power,
        "one-multiple-more": (axis["whole"] + 2) * multiple,
    }


def _surviving(size: int, factors: Sequence[int]) -> Facts:
    """What the lines say of one side of a U-Net's image."""
    multiple, ways = prod(factors), len(factors)
    net = [Layer(factor, kind="pooling") for factor in factors]
    net += [Layer(factor, factor, kind="transposed") for factor in reversed(factors)]
    skips = [(place, 2 * ways - place) for place in range(ways)]
    side = fitting_sizes(net, at_least=size, at_most=size + multiple, skips=skips)[0]
    rest = size % multiple
    known = {"size": size, "multiple": multiple, "whole": size // multiple, "rest": rest, "taken": not rest}
    return known | {"side": side, "added": side - size}


def _u_net(draw: Drawn, level: int) -> Case | None:
    depth, sizes = draw["depth"], [each["size"] for each in draw["layers"]]
    factors = [3 if place + 1 == draw["three"] else 2 for place in range(depth)]
    is_double = level == 4
    if draw["three"] > depth or min(sizes) < prod(factors) or (is_double and sizes[0] == sizes[1]):
        return None
    axes = [_surviving(size, factors) for size in sizes]
    if not axes[0]["rest"]:
        return None
    for axis, label in zip(axes, ("rows", "columns"), strict=False):
        axis |= {"label": label if is_double else "", "double": is_double, "first": label == "rows"}
    wrong = along_axes([_multiples_mistaken(axis, factors) for axis in axes])
    answer = tuple(axis["side"] for axis in axes)
    bends = first_bends(wrong, answer)
    if is_double:
        wrong = {slug: tuple(map(sub, each, sizes)) for slug, each in wrong.items()}
        wrong["size-for-padding"] = answer
        answer = tuple(axis["added"] for axis in axes)
        wrong["each-side"] = tuple(-(-added // 2) for added in answer)
    down, up = (f"pool{factor}" for factor in factors), (f"up{each}s{each}" for each in reversed(factors))
    opens: Facts = {"explorer": "solver", "question": "stack", "stack": " ".join([*down, *up])}
    opens |= {"sizes": [sizes[0], sizes[0] + prod(factors)], "input_size": axes[0]["side"]}
    facts: Facts = {"factors": ", ".join(map(str, factors)), "product": " · ".join(map(str, factors))}
    facts |= {"depth": depth, "across": sizes[-1], "single": not is_double}
    return Case(facts, axes, answer, wrong, opens, bends=bends)


stack_rules: Mapping[str, Callable[[Drawn, int], Case | None]] = {
    "receptive-field": _receptive_field,
    "cost": _cost,
    "which-layer-fails": _which_layer_fails,
    "u-net": _u_net,
}
