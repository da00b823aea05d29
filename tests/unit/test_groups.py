"""group_test: which test samples belong together."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeq.data import check_dataset
from edgeq.data.arrays import dataset_from_arrays
from edgeq.errors import DataError

ARRAYS = {"x_test": np.arange(12, dtype=np.float32).reshape(6, 2), "y_test": np.array([0, 1, 0, 1, 0, 1])}


def test_groups_are_numbered() -> None:
    data = dataset_from_arrays({**ARRAYS, "group_test": np.array(["b", "a", "b", "c", "c", "a"])}, "d")
    assert data.test.groups is not None
    assert data.test.groups.tolist() == [1, 0, 1, 2, 2, 0]
    assert data.sha256 != dataset_from_arrays(ARRAYS, "d").sha256


@pytest.mark.parametrize("groups", [np.array([0.5] * 6), np.zeros((6, 2), int), np.array([1, 2])])
def test_groups_that_are_none(groups: NDArray[np.generic]) -> None:
    with pytest.raises(DataError, match="group_test"):
        check_dataset(dataset_from_arrays({**ARRAYS, "group_test": groups}, "d"), None)
