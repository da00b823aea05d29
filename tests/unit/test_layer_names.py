"""Ops of a .tflite by the Keras layer that they come from, whatever made the file."""

from __future__ import annotations

import pytest

from edgeq.comparison.layer_names import LayerNames

NAMES = LayerNames(model="functional", layers=("conv2d", "norm", "conv2d_1", "mul", "dense", "dense_1", "gate"))


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [
        ("functional_1/relu_1/Relu;functional_1/norm_1/batchnorm/add_1;functional_1/conv2d_1/convolution", "conv2d"),
        ("functional_1/conv2d_1_2/Relu;functional_1/conv2d_1_2/convolution", "conv2d_1"),
        ("functional_1/conv2d_1_relu_1/Relu;functional_1/conv2d_1_2/BiasAdd", "conv2d_1"),
        ("functional_1/norm_1/batchnorm/mul_1", "norm"),  # not the layer that is called mul
        ("functional_1/mul_1/Mul", "mul"),
        ("functional_1/gate_sigmoid_1/Sigmoid", "gate"),
        ("functional/quant_dense_1/MatMul", "dense_1"),  # tfmot numbers nothing
        ("outer_3/functional_1/dense_1/MatMul", "dense"),  # nested
        ("StatefulPartitionedCall:0", None),
        ("functional_1/unknown_1/Relu", None),
    ],
)
def test_layers_are_found_in_tensor_names(tensor: str, layer: str | None) -> None:
    assert NAMES.layer_of(tensor) == layer
