"""What post-training quantization is put together from, and the maker that tries several combinations cheaply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from edgeq.errors import UnsupportedError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.scheme import Scheme
from edgeq.model.verify import require, verify
from edgeq.quantize.bias_correction import correct_biases
from edgeq.quantize.equalize import Equalized, equalize
from edgeq.quantize.ranges import estimate_ranges
from edgeq.quantize.twin import Range, Twin, quantize_twin, twin_of
from edgeq.records import FloatModel, RangeEstimator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One combination. The default is what TensorFlow's converter does alone."""

    ranges: RangeEstimator = RangeEstimator.MINMAX
    equalize: bool = False
    bias_correction: bool = False

    @property
    def steps(self) -> int:
        """How many things it does beyond the converter: less is simpler."""
        return (self.ranges is not RangeEstimator.MINMAX) + self.equalize + self.bias_correction

    @property
    def title(self) -> str:
        """In words: "percentile ranges, equalized, biases corrected"."""
        names = {RangeEstimator.MINMAX: "min/max", RangeEstimator.PERCENTILE: "percentile", RangeEstimator.MSE: "MSE"}
        parts = [f"{names[self.ranges]} ranges"]
        parts += ["equalized"] if self.equalize else []
        parts += ["biases corrected"] if self.bias_correction else []
        return ", ".join(parts)


class RecipeMaker:
    """Makes int8 models of one float model by several recipes; what they share is computed once."""

    def __init__(self, model: FloatModel, samples: tuple[NDArray[np.float32], ...]) -> None:
        """Nothing is computed yet. `samples` calibrate: one array per input, shape (n, *input shape)."""
        self._model = model
        self._samples = samples
        self._twins: dict[bool, Twin] = {}
        self._ranges: dict[tuple[bool, RangeEstimator], Mapping[int, Range]] = {}

    @cached_property
    def equalized(self) -> Equalized:
        """The equalized model.

        Raises:
            UnsupportedError: as `edgeq.quantize.equalize.equalize`.
        """
        try:
            return equalize(self._model)
        except UnsupportedError as exc:
            raise UnsupportedError(
                f"{self._model.path.name} cannot be equalized. {exc.message}",
                hint="Leave out --equalize, or give the model in a form that has Keras layers.",
            ) from exc

    def twin(self, *, equalized: bool) -> Twin:
        """The converter's float model of the original, or of the equalized model.

        Raises:
            UnsupportedError: as `edgeq.quantize.twin.make_twin`, and as `equalized`.
        """
        if equalized not in self._twins:
            self._twins[equalized] = twin_of(self.equalized.model if equalized else self._model, self._samples)
        return self._twins[equalized]

    def make(self, recipe: Recipe) -> bytes:
        """The int8 .tflite; the same bytes for the same model, samples and recipe.

        Raises:
            UnsupportedError: as `twin`, or the converter refused the ranges.
            VerifyError: the model is not full-integer, or the ranges gave an op scales that it cannot compute with.
            InterpreterError: an interpreter that the recipe needs is missing, or refused the model.
        """
        if recipe.ranges is not RangeEstimator.MINMAX:
            # Costs milliseconds, and a model with float ops in it is refused before an interpreter lacks one of them.
            self.make(Recipe(equalize=recipe.equalize))
        twin = self.twin(equalized=recipe.equalize)
        key = (recipe.equalize, recipe.ranges)
        if key not in self._ranges:
            self._ranges[key] = estimate_ranges(twin, self._samples, recipe.ranges)
        content = quantize_twin(twin, self._ranges[key])
        # Before any interpreter runs it: some crash on such models.
        require(verify(parse_tflite(content), scheme=Scheme.INT8, supported_ops=None, engine="aot"), converted=True)
        return correct_biases(content, twin, self._samples) if recipe.bias_correction else content
