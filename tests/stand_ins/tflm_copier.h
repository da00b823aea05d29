/* Stands in for TensorFlow Lite Micro's headers: an interpreter that copies the head of its input to its
 * outputs. */
#pragma once
#include <string.h>

#include "tflm_memory.h"
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
/* Copies the head of the input to both outputs. As TFLM's, it believes in what it is given of the arena. */
struct MicroInterpreter {
  MicroInterpreter(const Model *, const MicroOpResolver &, MicroAllocator *a) : allocator(a) {}
  TfLiteStatus AllocateTensors() {
    for (TfLiteTensor &tensor : tensors) {
      tensor.data.data = allocator->AllocatePersistentBuffer(100);
      memset(tensor.data.data, 0, 100);
    }
    return kTfLiteOk;
  }
  TfLiteStatus Reset() { return kTfLiteOk; }
  TfLiteStatus Invoke() {
    for (int i = 0; i < 54; i++) at(1)[i] = at(2)[i] = at(0)[i];
    return kTfLiteOk;
  }
  size_t arena_used_bytes() const { return 300; }
  TfLiteTensor *input(int) { return &tensors[0]; }
  TfLiteTensor *output(int i) { return &tensors[1 + i]; }
  int8_t *at(int i) { return static_cast<int8_t *>(tensors[i].data.data); }
  MicroAllocator *allocator;
  TfLiteTensor tensors[3];
};
}  // namespace tflite
