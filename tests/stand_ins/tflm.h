/* What stands in for TensorFlow Lite Micro's headers in tests: the names and types that edgeq's own C++ uses,
 * and an interpreter that asks an arena for memory as TFLM's does. Written for these tests; nothing of
 * TFLM's. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "tflm_memory.h"

#define TFLITE_SCHEMA_VERSION (3)

struct TfLiteIntArray {
  int size;
  int data[4];
};

struct TfLiteEvalTensor {
  union {
    void *data;
  } data;
  size_t bytes;
};

struct TfLiteTensor {
  union {
    void *data;
    char *raw;
  } data;
  size_t bytes;
};

struct TfLiteContext {
  void *impl;
  TfLiteEvalTensor *(*GetEvalTensor)(const TfLiteContext *context, int tensor);
  void *(*AllocatePersistentBuffer)(TfLiteContext *context, size_t bytes);
};

struct TfLiteNode {
  TfLiteIntArray *outputs;
  void *user_data;
};

struct TFLMRegistration {
  void *(*init)(TfLiteContext *context, const char *data, size_t bytes);
  void (*free)(TfLiteContext *context, void *data);
  TfLiteStatus (*prepare)(TfLiteContext *context, TfLiteNode *node);
  TfLiteStatus (*invoke)(TfLiteContext *context, TfLiteNode *node);
  void (*reset)(TfLiteContext *context, void *data);
  int32_t builtin_code;
};

extern "C" void DebugLog(const char *format, va_list args);
extern "C" int DebugVsnprintf(char *to, size_t room, const char *format, va_list args);

namespace tflite {

constexpr TfLiteStatus kTfLiteAbort = static_cast<TfLiteStatus>(15);

inline TfLiteStatus TfLiteEvalTensorByteLength(const TfLiteEvalTensor *tensor, size_t *bytes) {
  *bytes = tensor->bytes;
  return kTfLiteOk;
}

/* A model: a list of builtin codes. */
enum BuiltinOperator : int32_t {};

struct OperatorCode {
  BuiltinOperator code;
};

inline BuiltinOperator GetBuiltinCode(const OperatorCode *code) {
  return code->code;
}

template <typename T>
struct Vector {
  const T *const *items;
  size_t count;
  const T *const *begin() const { return items; }
  const T *const *end() const { return items + count; }
  const T *Get(size_t i) const { return items[i]; }
  size_t size() const { return count; }
};

struct Operator {
  uint32_t opcode;
  uint32_t opcode_index() const { return opcode; }
};

struct SubGraph {
  Vector<Operator> ops;
  const Vector<Operator> *operators() const { return &ops; }
};

struct Model {
  Vector<SubGraph> graphs;
  Vector<OperatorCode> codes;
  uint32_t schema;
  const Vector<SubGraph> *subgraphs() const { return &graphs; }
  const Vector<OperatorCode> *operator_codes() const { return &codes; }
  uint32_t version() const { return schema; }
};

inline const Model *GetModel(const void *bytes) {
  return static_cast<const Model *>(bytes);
}

typedef TfLiteStatus (*TfLiteBridgeBuiltinParseFunction)(const Operator *op, void *allocator, void **data);

class MicroOpResolver {
 public:
  virtual const TFLMRegistration *FindOp(BuiltinOperator op) const = 0;
  virtual const TFLMRegistration *FindOp(const char *op) const = 0;
  virtual TfLiteBridgeBuiltinParseFunction GetOpDataParser(BuiltinOperator op) const = 0;
  virtual ~MicroOpResolver() {}

 private:
  TF_LITE_REMOVE_VIRTUAL_DELETE
};

inline TfLiteStatus GetRegistrationFromOpCode(const OperatorCode *code, const MicroOpResolver &resolver,
                                              const TFLMRegistration **found) {
  *found = resolver.FindOp(code->code);
  return *found != nullptr ? kTfLiteOk : kTfLiteError;
}

template <unsigned>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  const TFLMRegistration *FindOp(BuiltinOperator) const override { return nullptr; }
  const TFLMRegistration *FindOp(const char *) const override { return nullptr; }
  TfLiteBridgeBuiltinParseFunction GetOpDataParser(BuiltinOperator) const override { return nullptr; }
  TfLiteStatus AddConcatenation() { return kTfLiteOk; }
  TfLiteStatus AddConv2D() { return kTfLiteOk; }
  TfLiteStatus AddFullyConnected() { return kTfLiteOk; }
  TfLiteStatus AddLogistic() { return kTfLiteOk; }
  TfLiteStatus AddMaxPool2D() { return kTfLiteOk; }
  TfLiteStatus AddReshape() { return kTfLiteOk; }
  TfLiteStatus AddSoftmax() { return kTfLiteOk; }

 private:
  TF_LITE_REMOVE_VIRTUAL_DELETE
};

class MicroResourceVariables {
 public:
  static MicroResourceVariables *Create(MicroAllocator *allocator, int count) {
    void *const to = allocator->AllocatePersistentBuffer(sizeof(MicroResourceVariables));
    void *const records = allocator->AllocatePersistentBuffer(20u * static_cast<size_t>(count));
    return new (to) MicroResourceVariables(records);
  }

 private:
  explicit MicroResourceVariables(void *r) : records(r) {}

  void *records;
};

/* What the tests let go wrong. */
struct Misfortune {
  bool tensors; /* allocating fails, whatever the arena */
  bool layout;  /* the library's interpreter is larger than the headers' */
};
inline Misfortune misfortune;

class MicroInterpreter {
 public:
  MicroInterpreter(const Model *model, const MicroOpResolver &resolver, MicroAllocator *allocator,
                   MicroResourceVariables *variables)
      : model_(model), resolver_(resolver), allocator_(allocator), variables_(variables) {
    context_ = {this, eval_tensor, persistent};
  }

  TfLiteStatus AllocateTensors() {
    if (misfortune.layout) *reinterpret_cast<uint32_t *>(this + 1) = 0;
    const Vector<Operator> &ops = *model_->subgraphs()->Get(0)->operators();
    nodes_ = static_cast<Node *>(allocator_->AllocatePersistentBuffer(ops.size() * sizeof(Node)));
    tensors_ =
        static_cast<TfLiteEvalTensor *>(allocator_->AllocatePersistentBuffer(3u * sizeof(TfLiteEvalTensor)));
    if (nodes_ == nullptr || tensors_ == nullptr) return kTfLiteError;
    for (size_t i = 0; i < ops.size(); i++) {
      const OperatorCode *const code = model_->operator_codes()->Get(ops.Get(i)->opcode_index());
      nodes_[i] = {{&outputs_[i], nullptr}, resolver_.FindOp(code->code)};
      outputs_[i] = {1, {static_cast<int>(i) + 1, 0, 0, 0}};
    }
    for (size_t i = 0; i < ops.size(); i++)
      if (nodes_[i].kernel->init != nullptr)
        nodes_[i].node.user_data = nodes_[i].kernel->init(&context_, nullptr, 0);
    for (size_t i = 0; i < ops.size(); i++) {
      if (nodes_[i].kernel->prepare(&context_, &nodes_[i].node) != kTfLiteOk) return kTfLiteError;
      (void)allocator_->memory->ResetTempAllocations();
    }
    if (misfortune.tensors) return kTfLiteError;
    return plan();
  }

  TfLiteStatus Invoke() {
    const size_t count = model_->subgraphs()->Get(0)->operators()->size();
    for (size_t i = 0; i < count; i++) {
      const TfLiteStatus status = nodes_[i].kernel->invoke(&context_, &nodes_[i].node);
      if (status != kTfLiteOk) return status;
    }
    return kTfLiteOk;
  }

  size_t arena_used_bytes() const { return allocator_->memory->used(); }
  TfLiteTensor *input(size_t) { return &input_; }
  TfLiteTensor *output(size_t) { return &output_; }
  MicroAllocator *allocator() { return allocator_; }

 private:
  struct Node {
    TfLiteNode node;
    const TFLMRegistration *kernel;
  };

  /* Three tensors of 48 bytes, through a plan that is made in memory for a while. */
  TfLiteStatus plan() {
    SingleArenaBufferAllocator &memory = *allocator_->memory;
    uint8_t *const info = memory.AllocateTemp(60, 4);
    if (info == nullptr) return kTfLiteError;
    uint8_t *const kept = memory.AllocatePersistentBuffer(24, 8);
    if (kept == nullptr) return kTfLiteError;
    const size_t left = static_cast<size_t>(kept - info) - 60u;
    uint8_t *const room = memory.AllocateTemp(left / 16u * 16u, 4);
    if (room == nullptr) return kTfLiteError;
    (void)allocator_->planner->Init(room, static_cast<int>(left / 16u * 16u));
    for (int i = 0; i < 3; i++)
      if (allocator_->planner->AddBuffer(48, i, i + 1, -1) != kTfLiteOk) return kTfLiteError;
    (void)memory.ResetTempAllocations();
    uint8_t *const begin = memory.GetOverlayMemoryAddress();
    if (memory.ResizeBuffer(begin, allocator_->planner->GetMaximumMemorySize(), 16) != kTfLiteOk)
      return kTfLiteError;
    for (int i = 0; i < 3; i++) tensors_[i] = {{begin + 48 * i}, 48};
    input_ = {{tensors_[0].data.data}, 48};
    output_ = {{tensors_[2].data.data}, 48};
    return kTfLiteOk;
  }

  static TfLiteEvalTensor *eval_tensor(const TfLiteContext *context, int tensor) {
    return &static_cast<MicroInterpreter *>(context->impl)->tensors_[tensor];
  }
  static void *persistent(TfLiteContext *context, size_t bytes) {
    return static_cast<MicroInterpreter *>(context->impl)->allocator_->AllocatePersistentBuffer(bytes);
  }

  const Model *model_;
  const MicroOpResolver &resolver_;
  MicroAllocator *allocator_;
  MicroResourceVariables *variables_;
  TfLiteContext context_;
  Node *nodes_ = nullptr;
  TfLiteEvalTensor *tensors_ = nullptr;
  TfLiteIntArray outputs_[4];
  TfLiteTensor input_ = {}, output_ = {};
};

}  // namespace tflite
