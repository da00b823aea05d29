/* firmware/tflm/engine.cc on the stand-in: one start with the arena and the misfortune that the environment
 * names, one traced inference if it succeeds. Prints: status, problem, detail, arena used, trace points seen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edgeq/board.h"
#include "edgeq/tflm.h"
#include "edgeq/tflm_resolver.h"
#include "tensorflow/lite/micro/micro_interpreter.h"

extern "C" uint32_t edgeq_board_ticks(void) {
  return 0;
}

namespace {

bool asked(const char *what) {
  const char *const value = getenv("MISFORTUNE");
  return value != nullptr && strcmp(value, what) == 0;
}

uint32_t arena_bytes(void) {
  return static_cast<uint32_t>(atoi(getenv("ARENA")));
}

/* Kernels that believe in what they are given, as TFLM's do. */
void *init(TfLiteContext *context, const char *, size_t) {
  return context->AllocatePersistentBuffer(context, 40);
}

TfLiteStatus prepare(TfLiteContext *context, TfLiteNode *node) {
  memset(node->user_data, 7, 40);
  tflite::MicroAllocator *const allocator =
      static_cast<tflite::MicroInterpreter *>(context->impl)->allocator();
  uint8_t *const first = allocator->memory->AllocateTemp(50, 4);
  if (first == nullptr) return kTfLiteError;
  memset(first, 1, 50);
  void *const kept = context->AllocatePersistentBuffer(context, 64);
  if (kept == nullptr) return kTfLiteError;
  memset(kept, 2, 64);
  for (int i = 0; i < 50; i++)
    if (first[i] != 1) abort(); /* it was laid over memory in use */
  return kTfLiteOk;
}

TfLiteStatus refuse(TfLiteContext *, TfLiteNode *) {
  return kTfLiteError;
}

TfLiteStatus invoke(TfLiteContext *context, TfLiteNode *node) {
  TfLiteEvalTensor *const out = context->GetEvalTensor(context, node->outputs->data[0]);
  memset(out->data.data, 3, out->bytes);
  return kTfLiteOk;
}

const TFLMRegistration kernels[2] = {
    {init, nullptr, prepare, invoke, nullptr, 3},
    {init, nullptr, asked("refuses") ? refuse : prepare, asked("fails") ? refuse : invoke, nullptr, 4},
};

class Kernels : public tflite::MicroOpResolver {
 public:
  const TFLMRegistration *FindOp(tflite::BuiltinOperator op) const override {
    if (op == 4 && asked("operator")) return nullptr;
    return &kernels[op - 3];
  }
  const TFLMRegistration *FindOp(const char *) const override { return nullptr; }
  tflite::TfLiteBridgeBuiltinParseFunction GetOpDataParser(tflite::BuiltinOperator) const override {
    return nullptr;
  }

 private:
  TF_LITE_REMOVE_VIRTUAL_DELETE
};

const tflite::MicroOpResolver *resolver(void) {
  static Kernels own;
  static edgeq_tflm_resolver<2> wrapped(own);
  return asked("registration") ? nullptr : &wrapped;
}

const tflite::Operator op_list[2] = {{0}, {1}};
const tflite::Operator *const ops[] = {&op_list[0], &op_list[1]};
const tflite::SubGraph graph = {{ops, 2}};
const tflite::SubGraph *const graphs[] = {&graph};
const tflite::OperatorCode code_list[2] = {{tflite::BuiltinOperator{3}}, {tflite::BuiltinOperator{4}}};
const tflite::OperatorCode *const codes[] = {&code_list[0], &code_list[1]};
const tflite::Model model = {{graphs, 1}, {codes, 2}, asked("schema") ? 2u : 3u};

TfLiteStatus op_0(TfLiteContext *context, TfLiteNode *node) {
  return edgeq_tflm_op(0, context, node);
}
TfLiteStatus op_1(TfLiteContext *context, TfLiteNode *node) {
  return edgeq_tflm_op(1, context, node);
}

edgeq_tflm_op_fn *const functions[2] = {op_0, op_1};
edgeq_tflm_place places[2];
uint32_t ticks[2];
const edgeq_tflm_point points[2] = {{0, 0}, {1, 0}};
const int32_t shape[] = {1, 48};
edgeq_tensor inputs[1] = {{"x", shape, nullptr, 48, EDGEQ_DTYPE_INT8, 2, 1.0f, 0}};
edgeq_tensor outputs[1] = {{"y", shape, nullptr, asked("size") ? 47u : 48u, EDGEQ_DTYPE_INT8, 2, 1.0f, 0}};

bool seen(void *count, uint32_t point, const void *data, uint32_t bytes) {
  const uint8_t *const values = static_cast<const uint8_t *>(data);
  if (bytes == 48u && values[47] == 3 && *static_cast<uint32_t *>(count) == point)
    ++*static_cast<uint32_t *>(count);
  return !asked("stop");
}

}  // namespace

/* Of its own size, so that the sanitizer sees its end. */
extern const edgeq_tflm_app edgeq_tflm = {reinterpret_cast<const uint8_t *>(&model),
                                          resolver,
                                          functions,
                                          places,
                                          ticks,
                                          points,
                                          inputs,
                                          outputs,
                                          static_cast<uint8_t *>(aligned_alloc(16, arena_bytes())),
                                          arena_bytes(),
                                          2,
                                          2,
                                          1,
                                          1,
                                          static_cast<uint16_t>(asked("variables") ? 3 : 0)};

int main(void) {
  tflite::misfortune = {asked("tensors"), asked("layout")};
  uint32_t count = 0;
  edgeq_status status = edgeq_tflm_init();
  if (status == EDGEQ_OK) status = edgeq_tflm_invoke_traced(seen, &count);
  const edgeq_engine_state *const state = edgeq_tflm_state();
  printf("%d %d %u %u %u\n", status, state->problem, state->detail, state->arena_used, count);
  free(edgeq_tflm.arena);
  return 0;
}
