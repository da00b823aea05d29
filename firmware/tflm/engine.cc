/* TensorFlow Lite Micro's interpreter behind edgeq/engine.h. */
#include <setjmp.h>

#include <new>

#include "edgeq/board.h"
#include "edgeq/tflm.h"
#include "edgeq/tflm_arena.h"
#include "edgeq/tflm_resolver.h"
#include "tensorflow/lite/micro/memory_helpers.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_resource_variable.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tensorflow/lite/schema/schema_utils.h"

namespace {

constexpr uint32_t kGuard = 0xE5D6C7B8u;
constexpr uint32_t kAlign = 16; /* of the arena's size */
/* What the start was at, of EDGEQ_PROBLEM_START. */
constexpr uint32_t kRegistering = 1;
constexpr uint32_t kAllocating = 2;

/* The interpreter, and words behind it: a library that was compiled from other headers may have a larger
 * one, which writes there. */
struct Room {
  alignas(16) uint8_t interpreter[sizeof(tflite::MicroInterpreter)];
  uint32_t guard[16];
};

Room room;
tflite::MicroInterpreter *interpreter;

uint32_t prepared; /* operators of the main subgraph, which the interpreter prepares first */
uint32_t next_op;  /* that is expected to run next */
uint32_t next_point;
bool refused; /* an operator's prepare ended with an error */

jmp_buf maker; /* of the making of an interpreter, to which an arena without room goes back */
bool making;
size_t lacked; /* bytes that the arena had not */

edgeq_engine_state state = {0, 0, EDGEQ_PROBLEM_NONE, edgeq_tflm_words};

uint32_t needed; /* bytes of arena; 0: not found out yet */
bool timed;
edgeq_trace_fn *tracer;
void *tracer_context;
bool stopped;

edgeq_status fail(edgeq_problem problem, uint32_t detail) {
  state.problem = static_cast<uint8_t>(problem);
  state.detail = detail;
  return EDGEQ_FAILED;
}

bool guarded(void) {
  for (uint32_t word : room.guard)
    if (word != kGuard) return false;
  return true;
}

/* EDGEQ_OK if there is a kernel for every operator of the model. */
edgeq_status find_operators(const tflite::Model *model, const tflite::MicroOpResolver *resolver) {
  for (const tflite::SubGraph *subgraph : *model->subgraphs()) {
    for (const tflite::Operator *op : *subgraph->operators()) {
      const tflite::OperatorCode *code = model->operator_codes()->Get(op->opcode_index());
      const TFLMRegistration *found = nullptr;
      (void)tflite::GetRegistrationFromOpCode(code, *resolver, &found);
      if (found == nullptr)
        return fail(EDGEQ_PROBLEM_OPERATOR, static_cast<uint32_t>(tflite::GetBuiltinCode(code)));
    }
  }
  return EDGEQ_OK;
}

/* The arena of `bytes` is too small. What is known of how large it must be is told, too. */
edgeq_status fail_arena(uint32_t bytes) {
  state.arena_used = (bytes + static_cast<uint32_t>(lacked) + kAlign - 1u) / kAlign * kAlign;
  return fail(EDGEQ_PROBLEM_ARENA, bytes);
}

tflite::MicroInterpreter *made(void) {
  return reinterpret_cast<tflite::MicroInterpreter *>(room.interpreter);
}

edgeq_status allocate(const tflite::Model *model, const tflite::MicroOpResolver *resolver, uint32_t bytes) {
  tflite::MicroAllocator *allocator = edgeq_tflm_allocator(edgeq_tflm.arena, bytes);
  tflite::MicroResourceVariables *variables = nullptr;
  if (edgeq_tflm.variables > 0u)
    variables = tflite::MicroResourceVariables::Create(allocator, edgeq_tflm.variables);
  new (room.interpreter) tflite::MicroInterpreter(model, *resolver, allocator, variables);
  const TfLiteStatus status = made()->AllocateTensors();
  if (!guarded()) return fail(EDGEQ_PROBLEM_LIBRARY, 0);
  if (status == kTfLiteOk) return EDGEQ_OK;
  return refused ? EDGEQ_FAILED : fail(EDGEQ_PROBLEM_START, kAllocating); /* prepare has said why */
}

/* An interpreter in the first `bytes` of the arena. */
edgeq_status make(const tflite::Model *model, const tflite::MicroOpResolver *resolver, uint32_t bytes) {
  prepared = 0;
  refused = false;
  edgeq_tflm_forget_words();
  (void)fail(EDGEQ_PROBLEM_NONE, 0);
  for (uint32_t &word : room.guard) word = kGuard;
  edgeq_status status = EDGEQ_FAILED;
  making = true;
  if (setjmp(maker) == 0) {
    status = allocate(model, resolver, bytes);
  } else {
    status = fail_arena(bytes);
  }
  making = false;
  return status;
}

/* The smallest arena that will do. What the interpreter says leaves out what it takes only for a while, to
 * plan: that is asked for last, and refused in good order where there is no room. */
void find_needed(const tflite::Model *model, const tflite::MicroOpResolver *resolver) {
  uint32_t low = (static_cast<uint32_t>(made()->arena_used_bytes()) + kAlign - 1u) / kAlign * kAlign;
  uint32_t high = edgeq_tflm.arena_bytes;
  while (low < high) {
    const uint32_t middle = (low + high) / 2u / kAlign * kAlign;
    if (make(model, resolver, middle) == EDGEQ_OK) {
      high = middle;
    } else {
      low = middle + kAlign;
    }
  }
  needed = high;
}

edgeq_status bind(edgeq_tensor *tensors, uint32_t count, bool inputs) {
  for (uint32_t i = 0; i < count; i++) {
    TfLiteTensor *found = inputs ? interpreter->input(i) : interpreter->output(i);
    if (found == nullptr || found->bytes != tensors[i].bytes)
      return fail(EDGEQ_PROBLEM_TENSORS, found == nullptr ? 0u : static_cast<uint32_t>(found->bytes));
    tensors[i].data = found->data.raw;
  }
  return EDGEQ_OK;
}

edgeq_status run(void) {
  if (interpreter == nullptr) return EDGEQ_FAILED;
  next_op = next_point = 0;
  stopped = false;
  edgeq_tflm_forget_words();
  const TfLiteStatus status = interpreter->Invoke();
  if (stopped) return EDGEQ_STOPPED;
  return status == kTfLiteOk ? EDGEQ_OK : fail(EDGEQ_PROBLEM_INVOKE, next_op == 0u ? 0u : next_op - 1u);
}

/* Shows the outputs of operator `op` that are trace points. False if the tracer wants no more. */
bool show(uint32_t op, TfLiteContext *context, TfLiteNode *node) {
  for (; next_point < edgeq_tflm.point_count && edgeq_tflm.points[next_point].op == op; next_point++) {
    const int tensor = node->outputs->data[edgeq_tflm.points[next_point].output];
    const TfLiteEvalTensor *value = context->GetEvalTensor(context, tensor);
    size_t bytes = 0;
    (void)tflite::TfLiteEvalTensorByteLength(value, &bytes);
    if (!tracer(tracer_context, next_point, value->data.data, static_cast<uint32_t>(bytes))) return false;
  }
  return true;
}

}  // namespace

const edgeq_engine_state *edgeq_tflm_state(void) {
  return &state;
}

void edgeq_tflm_lacks(size_t bytes) {
  lacked = bytes;
  if (making) longjmp(maker, 1);
}

TfLiteStatus edgeq_tflm_prepare(const TFLMRegistration *kernel, TfLiteContext *context, TfLiteNode *node) {
  const uint32_t op = prepared;
  if (op < edgeq_tflm.op_count) {
    edgeq_tflm.places[op] = {node, kernel};
    prepared++;
  }
  const TfLiteStatus status = kernel->prepare == nullptr ? kTfLiteOk : kernel->prepare(context, node);
  if (status != kTfLiteOk) {
    refused = true;
    (void)fail(EDGEQ_PROBLEM_PREPARE, op);
  }
  return status;
}

TfLiteStatus edgeq_tflm_run(const TFLMRegistration *kernel, TfLiteContext *context, TfLiteNode *node) {
  if (next_op < prepared && edgeq_tflm.places[next_op].node == node)
    return edgeq_tflm.ops[next_op++](context, node);
  return kernel->invoke(context, node); /* of another subgraph: the first values of variables */
}

TfLiteStatus edgeq_tflm_op(uint32_t op, TfLiteContext *context, TfLiteNode *node) {
  const uint32_t begin = timed ? edgeq_board_ticks() : 0u;
  const TfLiteStatus status = edgeq_tflm.places[op].kernel->invoke(context, node);
  if (timed) edgeq_tflm.ticks[op] = edgeq_board_ticks() - begin;
  if (tracer == nullptr || status != kTfLiteOk || show(op, context, node)) return status;
  stopped = true;
  return tflite::kTfLiteAbort;
}

edgeq_status edgeq_tflm_init(void) {
  interpreter = nullptr;
  state.arena_used = 0;
  const tflite::Model *model = tflite::GetModel(edgeq_tflm.model_data);
  if (model->version() != TFLITE_SCHEMA_VERSION) return fail(EDGEQ_PROBLEM_SCHEMA, TFLITE_SCHEMA_VERSION);
  const tflite::MicroOpResolver *resolver = edgeq_tflm.resolver();
  if (resolver == nullptr) return fail(EDGEQ_PROBLEM_START, kRegistering);
  if (find_operators(model, resolver) != EDGEQ_OK) return EDGEQ_FAILED;

  edgeq_status status = make(model, resolver, edgeq_tflm.arena_bytes);
  if (status == EDGEQ_OK && needed == 0u) {
    find_needed(model, resolver);
    status = make(model, resolver, edgeq_tflm.arena_bytes);
  }
  if (status != EDGEQ_OK) return status;
  interpreter = made();
  state.arena_used = needed;
  status = bind(edgeq_tflm.inputs, edgeq_tflm.input_count, true);
  return status != EDGEQ_OK ? status : bind(edgeq_tflm.outputs, edgeq_tflm.output_count, false);
}

edgeq_status edgeq_tflm_invoke(void) {
  tracer = nullptr;
  return run();
}

edgeq_status edgeq_tflm_invoke_timed(const uint32_t **ticks) {
  tracer = nullptr;
  timed = true;
  const edgeq_status status = run();
  timed = false;
  *ticks = edgeq_tflm.ticks;
  return status;
}

edgeq_status edgeq_tflm_invoke_traced(edgeq_trace_fn *trace, void *context) {
  tracer = trace;
  tracer_context = context;
  const edgeq_status status = run();
  tracer = nullptr;
  return status;
}
