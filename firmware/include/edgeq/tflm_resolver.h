/* A resolver between the interpreter and the kernels: the interpreter gets registrations of ours, which call
 * the kernels' own. So a device sees every operator before and after it runs, in every build of TensorFlow
 * Lite Micro; MicroProfilerInterface is not called where the library was built without its error strings. C++
 * only. */
#ifndef EDGEQ_TFLM_RESOLVER_H
#define EDGEQ_TFLM_RESOLVER_H

#include <stddef.h>

#include "tensorflow/lite/micro/compatibility.h"
#include "tensorflow/lite/micro/micro_op_resolver.h"

typedef TfLiteStatus edgeq_tflm_function(TfLiteContext *context, TfLiteNode *node);

/* `kernel` is an operator's own registration. */
TfLiteStatus edgeq_tflm_prepare(const TFLMRegistration *kernel, TfLiteContext *context, TfLiteNode *node);
TfLiteStatus edgeq_tflm_run(const TFLMRegistration *kernel, TfLiteContext *context, TfLiteNode *node);

/* Kinds of operators that a model can have: each needs a function of its own, since a registration's
 * functions are told nothing but the node. */
template <size_t kKinds>
class edgeq_tflm_resolver : public tflite::MicroOpResolver {
 public:
  explicit edgeq_tflm_resolver(const tflite::MicroOpResolver &kernels) : kernels_(kernels) { fill<kKinds>(); }

  const TFLMRegistration *FindOp(tflite::BuiltinOperator op) const override {
    return wrapped(kernels_.FindOp(op));
  }
  const TFLMRegistration *FindOp(const char *op) const override { return wrapped(kernels_.FindOp(op)); }
  tflite::TfLiteBridgeBuiltinParseFunction GetOpDataParser(tflite::BuiltinOperator op) const override {
    return kernels_.GetOpDataParser(op);
  }

 private:
  template <size_t kKind>
  static TfLiteStatus prepare(TfLiteContext *context, TfLiteNode *node) {
    return edgeq_tflm_prepare(found_[kKind], context, node);
  }

  template <size_t kKind>
  static TfLiteStatus invoke(TfLiteContext *context, TfLiteNode *node) {
    return edgeq_tflm_run(found_[kKind], context, node);
  }

  template <size_t kLeft>
  static void fill() {
    if constexpr (kLeft > 0) {
      prepare_[kLeft - 1] = prepare<kLeft - 1>;
      invoke_[kLeft - 1] = invoke<kLeft - 1>;
      fill<kLeft - 1>();
    }
  }

  static const TFLMRegistration *wrapped(const TFLMRegistration *kernel) {
    if (kernel == nullptr) return nullptr;
    size_t kind = 0;
    while (kind < count_ && found_[kind] != kernel) kind++;
    if (kind == kKinds) return nullptr;
    if (kind == count_) {
      found_[count_++] = kernel;
      wrapped_[kind] = *kernel;
      wrapped_[kind].prepare = prepare_[kind];
      wrapped_[kind].invoke = invoke_[kind];
    }
    return &wrapped_[kind];
  }

  const tflite::MicroOpResolver &kernels_;
  static inline const TFLMRegistration *found_[kKinds];
  static inline TFLMRegistration wrapped_[kKinds];
  static inline edgeq_tflm_function *prepare_[kKinds], *invoke_[kKinds];
  static inline size_t count_ = 0;

  TF_LITE_REMOVE_VIRTUAL_DELETE
};

#endif
