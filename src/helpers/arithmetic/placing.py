"""A layer on an axis of known size: its padding, its windows, the size of its output."""

from helpers.arithmetic.layer import Layer


class NothingLeft(ValueError):
    """The layer leaves not one pixel."""


def pads(size: int, layer: Layer) -> tuple[int, int]:
    """Pixels (before, after) that a layer pads an axis of checked size with, or crops if it is transposed."""
    if layer.grows:
        return _cropped(size, layer)[:2]
    if isinstance(layer.padding, tuple):
        return layer.padding
    if layer.padding == "valid":
        return 0, 0
    if layer.padding == "full":
        return layer.reach - 1, layer.reach - 1
    if layer.padding == "causal":
        return layer.reach - 1, 0
    last_start = (size - 1) // layer.stride * layer.stride  # "same" has ceil(size / stride) windows
    return _halves(last_start + layer.reach - size, layer)


def starts(size: int, layer: Layer) -> range:
    """The windows of a checked layer on an axis of checked size, by the index of their first tap.

    They lie on the input, one for each output; those of a transposed convolution or a resize lie on the
    output, one for each input.
    """
    before, after = pads(size, layer)
    if layer.grows:
        return range(-before, (size - 1) * layer.stride - before + 1, layer.stride)
    room = before + size + after - layer.reach
    last = room - room % layer.stride
    if layer.ceil_mode and last < room and layer.padding != "same":  # "same" rounds up by itself
        next_start = last + layer.stride
        last = next_start if layer.ceil_mode == "bare" or next_start < before + size else last
    if last < 0:
        raise NothingLeft(
            f"kernel_size={layer.kernel_size} with dilation={layer.dilation} spans {layer.reach} pixels, but "
            f"size={size} with padding {before, after} has {before + size + after}: use a smaller kernel or "
            f"dilation, or at least {-room} more pixels of input or padding"
        )
    return range(-before, last - before + 1, layer.stride)


def window_count(windows: range) -> int:
    """How many windows there are; `len` ends at 2**63."""
    return (windows.stop - 1 - windows.start) // windows.step + 1


def size_after(size: int, layer: Layer) -> int:
    """Size of the output of a checked layer on an axis of checked size."""
    if not layer.grows:
        return window_count(starts(size, layer))
    before, after, extra = _cropped(size, layer)
    return (size - 1) * layer.stride + layer.reach + extra - before - after


def _cropped(size: int, layer: Layer) -> tuple[int, int, int]:
    """What a growing layer crops (before, after) of its spread input, and what it adds at the end."""
    spread = (size - 1) * layer.stride + layer.reach
    if isinstance(layer.padding, tuple):
        before, after = layer.padding
        extra = layer.output_padding
        if layer.output_shape is not None:
            least = spread - before - after
            _check_shape(layer, size, least, least + layer.stride - 1)
            extra = layer.output_shape - least
        if spread + extra <= before + after:
            raise NothingLeft(
                f"padding {before, after} crops away all {spread + extra} pixels of the output: "
                f"use at most {spread + extra - 1} in total"
            )
        return before, after, extra
    if layer.padding == "valid":
        # Keras gives each input a stride of pixels, or more; ONNX and torch end with the last tap.
        filled = max(spread, size * layer.stride) if layer.convention == "tensorflow" else spread
        _check_shape(layer, size, spread, spread + layer.stride - 1)
        return 0, 0, (layer.output_shape or filled) - spread
    if layer.convention == "tensorflow":  # the output's own "same" windows have to be as many as the input
        _check_shape(layer, size, (size - 1) * layer.stride + 1, size * layer.stride)
    excess = spread - (layer.output_shape or size * layer.stride)
    if excess < 0 and layer.convention == "onnx-lower":
        raise ValueError(
            f"output_shape must be at most {spread} for size={size}, where ONNX's padding ends, got "
            f'{spread - excess}: use convention="tensorflow", or padding=0 with output_padding'
        )
    return *_halves(excess, layer), max(0, -excess)


def _halves(total: int, layer: Layer) -> tuple[int, int]:
    """Both sides of "same", the larger where the convention wants it."""
    less, more = max(0, total) // 2, (max(0, total) + 1) // 2
    return (more, less) if layer.convention == "onnx-lower" else (less, more)


def _check_shape(layer: Layer, size: int, least: int, most: int) -> None:
    if layer.output_shape is not None and not least <= layer.output_shape <= most:
        raise ValueError(
            f"output_shape must be from {least} to {most} for size={size}, got {layer.output_shape}"
        )
