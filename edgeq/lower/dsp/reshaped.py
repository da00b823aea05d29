"""The same CONV_2D in another shape, for which kernels are faster: it reads and writes the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from edgeq.lower.dsp.candidate import derived, number, weights_of
from edgeq.lower.dsp.phases import repeated
from edgeq.lower.packing import QUAD
from edgeq.lower.program import KernelCall

_AXES = ("height", "width")


def pixels_as_channels(call: KernelCall) -> Iterator[KernelCall]:
    """The call with outputs that lie side by side as channels of one, where quads are then fuller.

    A filter becomes several, each further along a window that spans all of theirs; zeros are around it.

    Raises:
        NotExactError: the weights are no constants.
    """
    weights = weights_of(call)
    filters, height, width, depth = weights.shape
    stride, plain = number(call, "stride_width"), number(call, "groups") == number(call, "dilation_width") == 1
    one_pixel = height == width == stride == number(call, "stride_height") == 1 and not _padded(call)
    image = {name: number(call, name) for name in ("input_height", "input_width", "output_height", "output_width")}
    if one_pixel:  # rows make no difference
        row = image["input_height"] * image["input_width"]
        image = {"input_height": 1, "input_width": row, "output_height": 1, "output_width": row}
    for pixels in (2, 4):
        fuller = -(-pixels * filters // QUAD) < pixels * -(-filters // QUAD)
        if not plain or not fuller or image["output_width"] % pixels:
            continue
        merged = np.zeros((pixels, filters, height, width + (pixels - 1) * stride, depth), np.int8)
        for i in range(pixels):
            merged[i, :, :, i * stride : i * stride + width] = weights
        shape = {
            **image,
            "output_width": image["output_width"] // pixels,
            "output_channels": pixels * filters,
            "filter_width": merged.shape[3],
            "stride_width": pixels * stride,
        }
        if one_pixel:  # those that a window spans are its depth
            merged = merged.reshape(pixels, filters, 1, 1, pixels * depth)
            shape.update(
                input_width=image["input_width"] // pixels,
                input_channels=pixels * depth,
                filter_channels=pixels * depth,
                filter_width=1,
                stride_width=1,
            )
        made = repeated(call, pixels)
        operand = derived(call, f"weights_of_{pixels}", merged.reshape(-1, *merged.shape[2:]))
        yield replace(made, params={**made.params, **shape}, inputs=(call.inputs[0], operand), channels_read=None)


def columns_as_rows(call: KernelCall) -> Iterator[KernelCall]:
    """The call on an image of one column as one on an image of one row, so that a window's values follow each other.

    Raises:
        NotExactError: the weights are no constants.
    """
    weights = weights_of(call)
    one_column = all(number(call, f"{name}_width") == 1 for name in ("input", "output", "filter"))
    if not one_column or number(call, "pad_left") or weights.shape[1] == 1:
        return
    names = [*(f"{what}_" for what in ("input", "output", "filter", "stride", "dilation")), "pad_"]
    turned = {}
    for name in names:
        height, width = ("top", "left") if name == "pad_" else _AXES
        turned[name + height], turned[name + width] = call.params[name + width], call.params[name + height]
    operand = derived(call, "turned_weights", np.ascontiguousarray(weights.transpose(0, 2, 1, 3)))
    yield replace(call, params={**call.params, **turned}, inputs=(call.inputs[0], operand))


def _padded(call: KernelCall) -> bool:
    return bool(number(call, "pad_top") or number(call, "pad_left"))
