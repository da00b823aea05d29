"""TensorFlow Lite metadata: what an app must know of a model (labels, normalization), inside the .tflite.

The format is the public schema of the TFLite Support library, metadata_schema.fbs: a flatbuffer of its own in a buffer
named TFLITE_METADATA, and the label file in a zip archive behind the model. It is written by hand with the
`flatbuffers` package: tflite-support has no wheels for Python 3.11 and later, and MediaPipe, which has the same
writers, brings OpenCV, matplotlib and an audio library along.
"""

from edgeq.mobile.metadata.embed import read_metadata, with_metadata
from edgeq.mobile.metadata.record import InputMetadata, ModelMetadata, OutputMetadata

__all__ = ["InputMetadata", "ModelMetadata", "OutputMetadata", "read_metadata", "with_metadata"]
