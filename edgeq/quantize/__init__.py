"""Float model to full-integer .tflite."""
