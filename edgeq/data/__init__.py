"""Test, training and calibration samples, from wherever the user keeps them.

Three sources, told apart by what is there:

- **An .npz file** with `x_test` and `y_test`, usually `x_train` and `y_train`, and optionally `x_val`, `y_val` and
  `x_calib`. A model with several inputs takes one array per input: `x_test_0`, `x_test_1`, … in the model's order, or
  `x_test_<name of the input>`. An array `class_names` names the classes. Pickled arrays are refused.
- **A folder of images by class**: `folder/train/<class>/*.png` and `folder/test/<class>/*.png` (optionally `val/` and
  `calib/`), or `folder/<class>/*.png`, of which a seeded, stratified fifth is kept for testing. Pixels become float32
  from 0 to 1; `folder?scale=-1..1` or `?scale=0..255` say otherwise, and `?resize=yes` fits the images to the model.
- **`module:function`**, a Python function without arguments that returns a `Dataset` or a dict of arrays with the names
  above.

Labels are class indices; one-hot rows are turned into them. No TensorFlow is imported here.
"""

from __future__ import annotations

from edgeq.data.check import check_dataset
from edgeq.data.source import load_dataset, random_dataset
from edgeq.data.summary import DataSummary, SplitSummary, render_data_summary, summarize_dataset

__all__ = [
    "DataSummary",
    "SplitSummary",
    "check_dataset",
    "load_dataset",
    "random_dataset",
    "render_data_summary",
    "summarize_dataset",
]
