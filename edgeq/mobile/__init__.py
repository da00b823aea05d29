"""`edgeq build --target mobile`: one model as several .tflite variants, measured side by side with LiteRT.

`edgeq.mobile.flow` is the flow; there is one module per concern beside it. Nothing here imports TensorFlow at load.
"""
