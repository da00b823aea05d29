"""What each Keras 3 layer's configuration means in tf_keras.

A table of layer classes with every attribute they have. What is not in it is refused, so that an attribute which
tf_keras does not know is never dropped in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The attributes of one layer class.

    Attributes:
        same: have the same name and meaning in both.
        renamed: Keras 3's name to tf_keras' name of the same attribute.
        neutral: what tf_keras does not have, with the one value at which it changes nothing.
        ignored: has no effect on the function of a trained layer.
        weights: Keras 3's name of a weight to tf_keras' name, where they differ.
    """

    same: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    neutral: Mapping[str, Any] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    weights: Mapping[str, str] = field(default_factory=dict)


def _rule(
    same: str = "",
    renamed: Mapping[str, str] | None = None,
    neutral: Mapping[str, Any] | None = None,
    ignored: str = "",
    weights: Mapping[str, str] | None = None,
) -> Rule:
    return Rule(
        same=frozenset(same.split()),
        renamed=renamed or {},
        neutral=neutral or {},
        ignored=frozenset(ignored.split()),
        weights=weights or {},
    )


_LAST = {"data_format": "channels_last"}  # the converter knows no other order
_CONVOLUTION = "filters kernel_size strides padding dilation_rate use_bias"
_POOLING = _rule("pool_size strides padding", neutral=_LAST)
_GLOBAL = _rule("keepdims", neutral=_LAST)
_MERGE = _rule()
_DEPTHWISE = _rule(
    "kernel_size strides padding dilation_rate depth_multiplier use_bias",
    neutral=_LAST,
    weights={"kernel": "depthwise_kernel"},
)

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "Activation": _rule(),
        "ActivityRegularization": _rule("l1 l2"),
        "Add": _MERGE,
        "AlphaDropout": _rule("rate seed", neutral={"noise_shape": None}),  # lost when tf_keras copies the layer
        "Average": _MERGE,
        "AveragePooling1D": _POOLING,
        "AveragePooling2D": _POOLING,
        "BatchNormalization": _rule(
            "axis momentum epsilon center scale",
            neutral={"renorm": False, "synchronized": False},
            ignored="renorm_clipping renorm_momentum",  # of renorm
        ),
        "Concatenate": _rule("axis"),
        "Conv1D": _rule(f"{_CONVOLUTION} groups", neutral=_LAST),
        "Conv1DTranspose": _rule(f"{_CONVOLUTION} output_padding", neutral=_LAST),
        "Conv2D": _rule(f"{_CONVOLUTION} groups", neutral=_LAST),
        "Conv2DTranspose": _rule(f"{_CONVOLUTION} output_padding", neutral=_LAST),
        "Cropping1D": _rule("cropping"),
        "Cropping2D": _rule("cropping", neutral=_LAST),
        "Dense": _rule("units use_bias", neutral={"quantization_config": None}),
        "DepthwiseConv1D": _DEPTHWISE,
        "DepthwiseConv2D": _DEPTHWISE,
        "Dropout": _rule("rate noise_shape seed"),
        "ELU": _rule("alpha"),
        "Flatten": _rule(neutral=_LAST),
        "GaussianDropout": _rule("rate seed"),
        "GaussianNoise": _rule("stddev seed"),
        "GlobalAveragePooling1D": _GLOBAL,
        "GlobalAveragePooling2D": _GLOBAL,
        "GlobalMaxPooling1D": _GLOBAL,
        "GlobalMaxPooling2D": _GLOBAL,
        "Identity": _rule(),
        "LayerNormalization": _rule("axis epsilon center scale", neutral={"rms_scaling": False}),
        "LeakyReLU": _rule(renamed={"negative_slope": "alpha"}),
        "MaxPooling1D": _POOLING,
        "MaxPooling2D": _POOLING,
        "Maximum": _MERGE,
        "Minimum": _MERGE,
        "Multiply": _MERGE,
        "PReLU": _rule("shared_axes"),
        "Permute": _rule("dims"),
        "ReLU": _rule("max_value negative_slope threshold"),
        "RepeatVector": _rule("n"),
        "Rescaling": _rule("scale offset"),
        "Reshape": _rule("target_shape"),
        "SeparableConv1D": _rule(f"{_CONVOLUTION} depth_multiplier", neutral=_LAST),
        "SeparableConv2D": _rule(f"{_CONVOLUTION} depth_multiplier", neutral=_LAST),
        "Softmax": _rule("axis"),
        "SpatialDropout1D": _rule("rate seed"),
        "SpatialDropout2D": _rule("rate seed", neutral=_LAST),
        "Subtract": _MERGE,
        "UpSampling1D": _rule("size"),
        "UpSampling2D": _rule("size interpolation", neutral=_LAST),
        "ZeroPadding1D": _rule("padding", neutral=_LAST),
        "ZeroPadding2D": _rule("padding", neutral=_LAST),
    }
)

# Functions of the same values in both, by Keras 3's name. Missing on purpose: hard_sigmoid, which is
# clip(x / 6 + 1/2, 0, 1) in Keras 3 and clip(x / 5 + 1/2, 0, 1) in tf_keras; and what tf_keras does not have.
ACTIVATIONS: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in ("elu", "exponential", "gelu", "leaky_relu", "linear", "mish", "relu", "relu6")},
        **{name: name for name in ("selu", "sigmoid", "softmax", "softplus", "softsign", "swish", "tanh")},
        "silu": "swish",
    }
)

# What stands behind <weight>_regularizer and <weight>_constraint, with the same attributes in both.
REGULARIZERS = frozenset({"L1", "L1L2", "L2"})
CONSTRAINTS = frozenset({"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"})
