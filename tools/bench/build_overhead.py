#!/usr/bin/env python3
"""How much longer `edgeq build` takes than a bare conversion, on the demo's model.

    python tools/bench/build_overhead.py [--repeat 5] [--json]

Two programs run alternately, each in a process of its own, and the medians of their wall times are compared:

- bare: imports TensorFlow, loads the model and the data, converts with as many calibration samples, writes the .tflite;
- edgeq: `edgeq build` of the same model and data. What only edgeq does by its nature is subtracted: compiling the
  firmware, and running it, as its own report times them (stages compile, run and layers).

The ratio of two such times depends little on the machine. Exit status 1 if the ratio is above --limit.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from edgeq import process
from edgeq.digits import make_demo

STAGES_OF_ITS_OWN = ("compile", "run", "layers")
CALIBRATION_SAMPLES = 200

BARE = """
import sys
import numpy as np
import tensorflow as tf
import keras
model_path, data_path, out, samples = sys.argv[1:]
model = keras.saving.load_model(model_path)
train = np.load(data_path)["x_train"][: int(samples)]
def representative_dataset():
    for sample in train:
        yield [sample[np.newaxis]]
converter = tf.lite.TFLiteConverter.from_keras_model(model)
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.representative_dataset = representative_dataset
converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
converter.inference_input_type = converter.inference_output_type = tf.int8
open(out, "wb").write(converter.convert())
"""


def timed(argv: list[str | Path], what: str) -> float:
    begin = time.monotonic()
    process.run(argv, timeout=900, what=what, env=process.own_environment())
    return time.monotonic() - begin


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5, help="pairs of runs (default: 5)")
    parser.add_argument("--limit", type=float, default=1.3, help="largest ratio that passes (default: 1.3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    bare: list[float] = []
    whole: list[float] = []
    own: list[float] = []
    stages: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, data = make_demo(folder)
        script, converted, build = folder / "bare.py", folder / "bare.tflite", folder / "build"
        script.write_text(BARE)
        for _ in range(options.repeat):
            bare.append(
                timed([sys.executable, script, model, data, converted, str(CALIBRATION_SAMPLES)], "the bare script")
            )
            argv: list[str | Path] = [sys.executable, "-m", "edgeq", "build", model, "--data", data, "--out", build]
            whole.append(timed([*argv, "--calibration-samples", str(CALIBRATION_SAMPLES)], "edgeq build"))
            report = json.loads((build / "report.json").read_text())
            timings = {t["stage"]: t["seconds"] for t in report["timings"]}
            for stage, seconds in timings.items():
                stages.setdefault(stage, []).append(seconds)
            own.append(sum(timings[stage] for stage in STAGES_OF_ITS_OWN))
    rest = [a - b for a, b in zip(whole, own, strict=True)]
    ratio = statistics.median(rest) / statistics.median(bare)
    result = {
        "ratio": round(ratio, 3),
        "limit": options.limit,
        "bare_seconds": statistics.median(bare),
        "edgeq_seconds": statistics.median(whole),
        "compile_and_run_seconds": statistics.median(own),
        "stages_seconds": {stage: statistics.median(values) for stage, values in stages.items()},
        "runs": options.repeat,
    }
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print(f"bare conversion      {statistics.median(bare):7.2f} s")
        print(f"edgeq build          {statistics.median(whole):7.2f} s, of it")
        for stage, values in stages.items():
            print(f"  {stage:18} {statistics.median(values):7.2f} s")
        print(f"edgeq without {' + '.join(STAGES_OF_ITS_OWN)}: {statistics.median(rest):.2f} s")
        print(f"ratio                {ratio:7.3f}   (limit {options.limit})")
    return int(ratio > options.limit)


if __name__ == "__main__":
    sys.exit(main())
