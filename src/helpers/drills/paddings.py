"""Cases of the padding of one layer: for a wanted size, by the word “same”, and on the way back up."""

from collections.abc import Callable, Mapping

from helpers.arithmetic import Window, output_size, resolve_padding
from helpers.drills.one_layer import Case, Drawn, Facts, Numbers, along_axes, drawn_axis


def _half(pixels: int) -> int:
    return -(-pixels // 2)


def _padding_for_size(draw: Drawn, level: int) -> Case | None:
    axis = drawn_axis(draw["layers"][0], "")
    if not axis["fits"]:
        return None
    size, kernel, stride, reach = (axis[name] for name in ("size", "kernel_size", "stride", "reach"))
    window = axis["window"]
    wanted = output_size(size, **window)
    missing = (wanted - 1) * stride + reach - size
    if missing < 1 or wanted < 2 or (level < 3 and (level == 1) != (wanted == size)):
        return None
    enough = range(max(0, _half(reach - size)), axis["padding"] + 1)
    least = next(
        each for each in enough if output_size(size, **{**window, "padding": (each, each)}) == wanted
    )
    wrong = {
        "both-sides-at-once": missing,
        "half-down": missing // 2,
        "same-rule": (reach - 1) // 2,
        "kernel-for-reach": _half(missing + kernel - reach),
        "dilated-kernel": _half(missing + axis["dilation"] * kernel - reach),
        "as-many-strides": _half(missing + stride),
        "no-stride": _half(wanted - 1 + reach - size),
        "difference-only": wanted - size,
        "difference-halved": _half(wanted - size),
        "window-is-a-point": _half(missing + 1 - reach),
        "one-by-habit": 1,
    }
    axis |= {"wanted": wanted, "needed": missing + size, "missing": missing, "least": least}
    opens = {"explorer": "solver", "size": size, "output": wanted, "kernel_size": kernel, "stride": stride}
    opens["dilation"] = axis["dilation"]
    return Case({"odd": missing % 2}, [axis], (least,), along_axes([wrong]), opens)


def _sides(pixels: int, axis: Facts) -> Numbers:
    """Padding before and after, with the odd pixel on the side of the convention."""
    less, more = max(0, pixels) // 2, _half(max(0, pixels))
    return (more, less) if axis["convention"] == "onnx-lower" else (less, more)


def _sides_mistaken(axis: Facts) -> dict[str, Numbers]:
    """What “same” pads before and after, as those get it who make one mistake."""
    size, kernel, stride, reach, total = (
        axis[name] for name in ("size", "kernel_size", "stride", "reach", "total")
    )
    return {
        "other-convention": (axis["after"], axis["before"]),
        "half-the-kernel": (reach // 2, reach // 2),
        "both-sides-at-once": (total, total),
        "same-rule": _sides(reach - 1, axis),
        "kernel-for-reach": _sides(total + kernel - reach, axis),
        "outputs-rounded-down": _sides((size // stride - 1) * stride + reach - size, axis),
        "one-side-only": (total, 0) if axis["convention"] == "onnx-lower" else (0, total),
        "no-padding": (0, 0),
    }


def _ends_mistaken(axis: Facts) -> dict[str, Numbers]:
    """From where to where the window of an output reaches, as those get it who make one mistake."""
    place, reach, first, last = axis["unit"] * axis["stride"], axis["reach"], axis["first"], axis["last"]
    starts = {slug: place - before for slug, (before, _) in _sides_mistaken(axis).items()}
    start = starts["kernel-for-reach"]
    unstrided = axis["unit"] - axis["before"]
    return {slug: (start, start + reach - 1) for slug, start in starts.items()} | {
        "kernel-for-reach": (start, start + axis["kernel_size"] - 1),
        "counted-from-one": (first - axis["stride"], last - axis["stride"]),
        "one-past-the-end": (first, last + 1),
        "no-stride": (unstrided, unstrided + reach - 1),
    }


def _same_padding(draw: Drawn, level: int) -> Case | None:
    axis = dict(draw["layers"][0])
    size, kernel, stride, dilation = (axis[name] for name in ("size", "kernel_size", "stride", "dilation"))
    convention, unit = axis["convention"], axis["unit"]
    reach, count = dilation * (kernel - 1) + 1, -(-size // stride)
    total = (count - 1) * stride + reach - size
    if total < 1 or (convention == "pytorch" and stride > 1) or (level < 3 and total % 2 != level - 1):
        return None
    if level == 3 and dilation == 1 and convention == "tensorflow":
        return None
    before, after = resolve_padding(
        size, kernel_size=kernel, stride=stride, dilation=dilation, padding="same", convention=convention
    )
    first = unit * stride - before
    last = first + reach - 1
    if level == 4 and (first < 0 or last >= size or unit >= count):
        return None
    axis |= {"reach": reach, "count": count, "needed": size + total, "total": total, "before": before}
    axis |= {"after": after, "first": first, "last": last, "dilated": dilation > 1, "strided": stride > 1}
    axis |= {"which": level == 4, "sides": level < 4, "lower": before > after, "upper": before < after}
    opens = {"explorer": "convolution", "input_size": size, "kernel_size": kernel, "stride": stride}
    opens |= {"padding": "same", "convention": convention, "dilation": dilation}
    if level < 4:
        return Case({}, [axis], (before, after), _sides_mistaken(axis), opens)
    return Case({}, [axis], (first, last), _ends_mistaken(axis), opens | {"selected": [unit, unit]})


def _grown_mistaken(axis: Facts) -> dict[str, int]:
    """The size that a transposed convolution makes, as those get it who make one mistake."""
    size, kernel, stride, padding, reach, spread = (
        axis[name] for name in ("size", "kernel_size", "stride", "padding", "reach", "spread")
    )
    extra, dilation, cropped = axis["output_padding"], axis["dilation"], axis["cropped"]
    return {
        "convolution-formula": (size + 2 * padding - reach) // stride + 1,
        "times-stride": size * stride,
        "no-output-padding": cropped,
        "padding-once": spread - padding + extra,
        "no-padding": spread + extra,
        "padding-added": spread + 2 * padding + extra,
        "as-many-strides": cropped + stride + extra,
        "kernel-for-reach": cropped + kernel - reach + extra,
        "dilated-kernel": cropped + dilation * kernel - reach + extra,
        "output-padding-twice": cropped + 2 * extra,
        "no-stride": size - 1 + reach - 2 * padding + extra,
        "copies-are-points": cropped + 1 - reach + extra,
    }


def _transposed(draw: Drawn, level: int) -> Case | None:
    axis = dict(draw["layers"][0])
    kernel, stride, dilation, padding = (
        axis[name] for name in ("kernel_size", "stride", "dilation", "padding")
    )
    reach = dilation * (kernel - 1) + 1
    window = Window(kernel_size=kernel, stride=stride, dilation=dilation, padding=padding)
    image = axis["size"]
    if level == 4:
        if image + 2 * padding < reach:
            return None
        axis["size"] = output_size(image, **window)
    size, extra = axis["size"], axis["output_padding"]
    spread = (size - 1) * stride + reach
    cropped = spread - 2 * padding
    twisted = extra > 0 or dilation > 1
    if size < 3 or cropped < 1 or extra >= stride or padding >= reach or (level == 3 and not twisted):
        return None
    axis |= {"reach": reach, "spread": spread, "cropped": cropped, "start": spread - reach, "image": image}
    axis |= {"dilated": dilation > 1, "added": extra, "more": image - cropped}
    axis |= {"back": level == 4, "up": level < 4}
    made = output_size(size, **{**window, "kind": "transposed", "output_padding": extra})
    sizes = _grown_mistaken(axis)
    answer: Numbers = (made,)
    wrong: dict[str, Numbers] = {slug: (each,) for slug, each in sizes.items()}
    if level == 4:
        if made == image:
            return None
        extra = image - made
        answer = (made, extra)
        wrong = {slug: (each, image - each) for slug, each in sizes.items()}
        wrong |= {"inverts": (image, 0), "stride-less-one": (made, stride - 1)}
    opens = {"explorer": "convolution", "kind": "transposed", "input_size": size, "kernel_size": kernel}
    opens |= {"stride": stride, "dilation": dilation, "padding": padding, "output_padding": extra}
    return Case({"made": made}, [axis], answer, wrong, opens)


padding_rules: Mapping[str, Callable[[Drawn, int], Case | None]] = {
    "padding-for-size": _padding_for_size,
    "same-padding": _same_padding,
    "transposed": _transposed,
}
