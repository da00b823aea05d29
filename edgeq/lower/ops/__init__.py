"""One module per operator family: a .tflite op to a kernel call."""
