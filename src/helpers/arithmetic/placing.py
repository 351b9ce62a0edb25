"""A layer on an axis of known size: its padding, its windows, the size of its output."""

from helpers.arithmetic.layer import Layer


class NothingLeft(ValueError):
    """The output would not have a single pixel."""


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
    """Index of the first tap of each window of a layer on an axis of checked size.

    Windows lie on the input, one for each output; those of a transposed convolution or a resize lie on the
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
            f"kernel_size must span at most {before + size + after} pixels for size={size} with padding "
            f"{before, after}, got {layer.kernel_size} with dilation={layer.dilation}, which spans "
            f"{layer.reach}: use a smaller kernel or dilation, or at least {-room} more pixels of input or "
            "padding"
        )
    return range(-before, last - before + 1, layer.stride)


def window_count(windows: range) -> int:
    """Number of windows; `len` fails from 2**63 on."""
    return (windows.stop - 1 - windows.start) // windows.step + 1


def size_after(size: int, layer: Layer) -> int:
    """Size of a layer's output on an axis of checked size."""
    if not layer.grows:
        return window_count(starts(size, layer))
    before, after, extra = _cropped(size, layer)
    return (size - 1) * layer.stride + layer.reach + extra - before - after


def _cropped(size: int, layer: Layer) -> tuple[int, int, int]:
    """What a layer that `grows` crops (before, after) of its full output, and what it adds at the end."""
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
                f"padding must crop at most {spread + extra - 1} pixels in total, got {before, after}, which "
                f"crops all {spread + extra} of the output: use less padding"
            )
        return before, after, extra
    if layer.padding == "valid":
        # Keras gives each input a stride of pixels, or more; ONNX and torch end with the last tap.
        filled = max(spread, size * layer.stride) if layer.convention == "tensorflow" else spread
        _check_shape(layer, size, spread, spread + layer.stride - 1)
        return 0, 0, (layer.output_shape or filled) - spread
    if layer.convention == "tensorflow":  # "same" on the output must give as many windows as the input has
        _check_shape(layer, size, (size - 1) * layer.stride + 1, size * layer.stride)
    excess = spread - (layer.output_shape or size * layer.stride)
    if excess < 0 and layer.convention == "onnx-lower":
        raise ValueError(
            f"output_shape must be at most {spread} for size={size}, where ONNX's padding ends, got "
            f'{spread - excess}: use convention="tensorflow", or padding=0 with output_padding'
        )
    return *_halves(excess, layer), max(0, -excess)


def _halves(total: int, layer: Layer) -> tuple[int, int]:
    """Padding (before, after) for "same", the larger on the side that the convention says."""
    less, more = max(0, total) // 2, (max(0, total) + 1) // 2
    return (more, less) if layer.convention == "onnx-lower" else (less, more)


def _check_shape(layer: Layer, size: int, least: int, most: int) -> None:
    if layer.output_shape is not None and not least <= layer.output_shape <= most:
        raise ValueError(
            f"output_shape must be from {least} to {most} for size={size}, got {layer.output_shape}"
        )
