"""Training a float or fake-quantized Keras model further: what may be asked for, and what happened.

`plan_training` and `train` are in `edgeq.training.plan` and `edgeq.training.train`: they need TensorFlow.
"""

from edgeq.training.history import Epoch, TrainingHistory
from edgeq.training.options import RangesInTraining, TrainingOptions

__all__ = ["Epoch", "RangesInTraining", "TrainingHistory", "TrainingOptions"]
