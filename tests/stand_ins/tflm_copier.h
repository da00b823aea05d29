/* Stands in for TensorFlow Lite Micro's headers: an interpreter that copies the head of its input to its
 * outputs. */
#pragma once
#include <stddef.h>
#include <stdint.h>
enum TfLiteStatus { kTfLiteOk, kTfLiteError };
struct TfLiteTensor {
  union {
    void *data;
  } data;
};
namespace tflite {
struct Model {};
inline const Model *GetModel(const void *) {
  static const Model model;
  return &model;
}
struct MicroOpResolver {};
template <unsigned>
struct MicroMutableOpResolver : MicroOpResolver {
  TfLiteStatus AddConcatenation() { return kTfLiteOk; }
  TfLiteStatus AddConv2D() { return kTfLiteOk; }
  TfLiteStatus AddFullyConnected() { return kTfLiteOk; }
  TfLiteStatus AddLogistic() { return kTfLiteOk; }
  TfLiteStatus AddMaxPool2D() { return kTfLiteOk; }
  TfLiteStatus AddReshape() { return kTfLiteOk; }
  TfLiteStatus AddSoftmax() { return kTfLiteOk; }
};
/* Copies the head of the input to both outputs. */
struct MicroInterpreter {
  MicroInterpreter(const Model *, const MicroOpResolver &, uint8_t *arena, size_t) {
    for (int i = 0; i < 3; i++) tensors[i].data.data = arena + 100 * i;
  }
  TfLiteStatus AllocateTensors() { return kTfLiteOk; }
  TfLiteStatus Reset() { return kTfLiteOk; }
  TfLiteStatus Invoke() {
    for (int i = 0; i < 54; i++) at(1)[i] = at(2)[i] = at(0)[i];
    return kTfLiteOk;
  }
  size_t arena_used_bytes() const { return 300; }
  TfLiteTensor *input(int) { return &tensors[0]; }
  TfLiteTensor *output(int i) { return &tensors[1 + i]; }
  int8_t *at(int i) { return static_cast<int8_t *>(tensors[i].data.data); }
  TfLiteTensor tensors[3];
};
}  // namespace tflite
