"""Reads models: Keras, SavedModel and .tflite."""
