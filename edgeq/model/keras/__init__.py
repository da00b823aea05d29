"""Keras models as graphs that can be searched and edited, tf_keras ones as Keras 3 ones, and the comparison of two."""
