"""Training a float or fake-quantized Keras model further: what may be asked for, and what happened."""

from edgeq.training.history import Epoch, TrainingHistory
from edgeq.training.options import TrainingOptions

__all__ = ["Epoch", "TrainingHistory", "TrainingOptions"]
