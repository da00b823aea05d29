// small: the operators that the model needs, and no others. Made by edgeq 0.1.0.
// SHA-256 of the .tflite: 3027ca98a3676011098a7e7fce6620c34a5e828ea293315ca110f82ae9bf84bf
#ifndef SMALL_OP_RESOLVER_H_
#define SMALL_OP_RESOLVER_H_

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

using small_op_resolver = tflite::MicroMutableOpResolver<7>;

// Registers the operators; kTfLiteError if one of them was registered before.
inline TfLiteStatus small_register_ops(small_op_resolver& resolver) {
  if (resolver.AddConcatenation() != kTfLiteOk) return kTfLiteError;
  if (resolver.AddConv2D() != kTfLiteOk) return kTfLiteError;
  if (resolver.AddFullyConnected() != kTfLiteOk) return kTfLiteError;
  if (resolver.AddLogistic() != kTfLiteOk) return kTfLiteError;
  if (resolver.AddMaxPool2D() != kTfLiteOk) return kTfLiteError;
  if (resolver.AddReshape() != kTfLiteOk) return kTfLiteError;
  if (resolver.AddSoftmax() != kTfLiteOk) return kTfLiteError;
  return kTfLiteOk;
}

#endif  // SMALL_OP_RESOLVER_H_
