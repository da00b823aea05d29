/* Stands in for TensorFlow Lite Micro's headers: an interpreter that sums up its inputs in a resource
 * variable. */
#pragma once
#include "methods.h" /* STAND_IN_METHODS: the op resolver's */
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
  STAND_IN_METHODS
};
struct MicroResourceVariables {
  static MicroResourceVariables *Create(MicroAllocator *, int count) {
    static MicroResourceVariables made;
    return count < 2 ? nullptr : &made;
  }
  int sum;
};
inline int alive = 0;
/* All outputs are the sum of the first inputs, from 7 on: an interpreter gives the variable its first value
 * once. */
struct MicroInterpreter {
  MicroInterpreter(const Model *, const MicroOpResolver &, MicroAllocator *a,
                   MicroResourceVariables *v = nullptr)
      : memory(static_cast<uint8_t *>(a->AllocatePersistentBuffer(200))), variables(v) {
    alive++;
  }
  ~MicroInterpreter() { alive--; }
  TfLiteStatus AllocateTensors() { return variables == nullptr || alive != 1 ? kTfLiteError : kTfLiteOk; }
  TfLiteStatus Invoke() {
    if (!begun) variables->sum = 7;
    begun = true;
    variables->sum += static_cast<int8_t>(memory[0]);
    for (int i = 0; i < 4; i++) memory[100 + i] = static_cast<uint8_t>(variables->sum);
    return kTfLiteOk;
  }
  size_t arena_used_bytes() const { return 300; }
  TfLiteTensor *input(int) {
    tensor.data.data = memory;
    return &tensor;
  }
  TfLiteTensor *output(int) {
    tensor.data.data = memory + 100;
    return &tensor;
  }
  uint8_t *memory;
  MicroResourceVariables *variables;
  bool begun = false;
  TfLiteTensor tensor = {};
};
}  // namespace tflite
