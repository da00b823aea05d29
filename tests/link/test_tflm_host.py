"""TFLM behind the protocol: on the bytes of a C array, layer by layer, and when it crashes."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

import numpy as np
import pytest
from tflite_builder import ModelBuilder

from edgeq.devices.run import run_samples
from edgeq.devices.tflm_host import compile_array, tflm_host_device
from edgeq.errors import DeviceError
from edgeq.link.session import Session
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import computed_tensors
from edgeq.records import Reference
from edgeq.reference import available, layer_outputs, run_reference

pytestmark = pytest.mark.skipif(not available(Reference.TFLM), reason="the tflite-micro wheel is not on this platform")


def model() -> bytes:
    """x → LOGISTIC → ADD with x."""
    b = ModelBuilder()
    x = b.tensor("x", (1, 6), scale=0.05, zero_point=3)
    s = b.tensor("s", (1, 6), scale=1 / 256, zero_point=-128)
    y = b.tensor("y", (1, 6), scale=0.06, zero_point=-5)
    b.op("LOGISTIC", [x], [s])
    b.op("ADD", [s, x], [y])
    return b.finish([x], [y])


def as_library(content: bytes, folder: Path, suffix: str = ".c") -> Path:
    source = folder / f"array{suffix}"
    # C++ gives a constant internal linkage unless it is declared extern.
    declaration = "extern const unsigned char digits_model_data[];\n" if suffix == ".cc" else ""
    numbers = ",".join(map(str, content))
    source.write_text(f"{declaration}const unsigned char digits_model_data[] = {{{numbers}}};\n")
    return compile_array([source], [folder], folder / "out" / "array.so")


@pytest.mark.parametrize("suffix", [".c", ".cc"])
def test_outputs_and_layers_are_those_of_the_reference(tmp_path: Path, suffix: str) -> None:
    content = model()
    x = np.random.default_rng(0).integers(-128, 128, (9, 6)).astype(np.int8)
    with (
        tflm_host_device(as_library(content, tmp_path, suffix), array="digits_model_data") as device,
        Session.connect(
            device.url, expect_sha256=hashlib.sha256(content).hexdigest(), failure=device.failure
        ) as session,
    ):
        assert (session.hello.engine, session.hello.board, session.hello.model) == ("tflm", "host", "digits_model_data")
        run = run_samples(device, session, (x,))
        np.testing.assert_array_equal(run.outputs[0], run_reference(content, (x,), Reference.TFLM).outputs[0])
        tensors = computed_tensors(parse_tflite(content))
        layers = layer_outputs(content, (x[:1],), tensors)
        assert session.trace((x[0].tobytes(),)) == tuple(zlib.crc32(layers[t].tobytes()) for t in tensors)
        assert session.fetch((x[0].tobytes(),), 0) == layers[tensors[0]].tobytes()
        assert session.selftest()


def test_an_array_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="has no array other_model_data"):
        tflm_host_device(as_library(model(), tmp_path), array="other_model_data")


def softmax(input_scale: float, output_scale: float) -> bytes:
    b = ModelBuilder()
    x = b.tensor("x", (1, 6), scale=input_scale)
    y = b.tensor("y", (1, 6), scale=output_scale, zero_point=-128)
    b.op("SOFTMAX", [x], [y], beta=1.0)
    return b.finish([x], [y])


def test_a_model_that_tflm_refuses(tmp_path: Path) -> None:
    with pytest.raises(DeviceError) as caught:
        tflm_host_device(as_library(softmax(0.05, 7.8e-9), tmp_path), array="digits_model_data")
    assert "TensorFlow Lite Micro refuses the model: " in caught.value.message
    assert "Traceback" not in caught.value.message


def test_a_crash_is_contained(tmp_path: Path) -> None:
    """TFLM aborts on such a small scale."""
    with pytest.raises(DeviceError, match=r"the process crashed \(SIGABRT\)"):
        tflm_host_device(as_library(softmax(7.8e-9, 1 / 256), tmp_path), array="digits_model_data")
