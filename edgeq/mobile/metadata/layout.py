"""Numbers of the fields, union members and enumerators in metadata_schema.fbs, schema version 1.1.0.

A field's number counts the fields before it in its table; a union takes two: its type, then its value.
"""

from __future__ import annotations

IDENTIFIER = b"M001"
BUFFER = "TFLITE_METADATA"
LABELS_FILE = "labels.txt"

# The first version that has all fields written here.
MIN_PARSER_VERSION = "1.0.0"


class Model:
    """Table ModelMetadata."""

    NAME, DESCRIPTION, VERSION, SUBGRAPHS, AUTHOR, LICENSE, FILES, MIN_PARSER_VERSION = range(8)


class SubGraph:
    """Table SubGraphMetadata."""

    NAME, DESCRIPTION, INPUTS, OUTPUTS, FILES = range(5)


class Tensor:
    """Table TensorMetadata."""

    NAME, DESCRIPTION, DIMENSION_NAMES, CONTENT, PROCESS_UNITS, STATS, FILES = range(7)


class File:
    """Table AssociatedFile."""

    NAME, DESCRIPTION, TYPE, LOCALE = range(4)
    AXIS_LABELS = 2  # AssociatedFileType.TENSOR_AXIS_LABELS


class Content:
    """Table Content, and the members of its union ContentProperties."""

    PROPERTIES_TYPE, PROPERTIES, RANGE = range(3)
    FEATURE, IMAGE = 1, 2


class Image:
    """Table ImageProperties, with ImageSize and ColorSpaceType."""

    COLOR_SPACE, DEFAULT_SIZE = range(2)
    WIDTH, HEIGHT = range(2)
    RGB, GRAYSCALE = 1, 2


class ProcessUnit:
    """Table ProcessUnit, the member of its union that is written, and that member's table."""

    OPTIONS_TYPE, OPTIONS = range(2)
    NORMALIZATION = 1
    MEAN, STD = range(2)
