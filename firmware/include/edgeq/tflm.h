/* TensorFlow Lite Micro as the engine: what the generated <model>_engine.cc tells tflm/engine.cc. C++ only.
 */
#ifndef EDGEQ_TFLM_H
#define EDGEQ_TFLM_H

#include <stdint.h>

#include "edgeq/engine.h"
#include "edgeq/selftest.h"
#include "tensorflow/lite/micro/micro_op_resolver.h"

typedef TfLiteStatus edgeq_tflm_op_fn(TfLiteContext *context, TfLiteNode *node);

/* A tensor that a traced build shows: output `output` of operator `op`. Sorted by op. */
struct edgeq_tflm_point {
  uint16_t op;
  uint16_t output;
};

/* An operator of the main subgraph, as the interpreter prepared it. */
struct edgeq_tflm_place {
  const TfLiteNode *node;
  const TFLMRegistration *kernel;
};

/* A model. `inputs` and `outputs` are filled in but for their data, which init finds out. `ops[i]` is a
 * function of operator i's own, which calls edgeq_tflm_op(i, context, node): its symbol is what emulators
 * attribute instructions to. `variables` are as many as the model's resource variables. */
struct edgeq_tflm_app {
  const uint8_t *model_data;
  const tflite::MicroOpResolver *(*resolver)(void); /* null if its operators could not be registered */
  edgeq_tflm_op_fn *const *ops;
  edgeq_tflm_place *places; /* op_count of them, for engine.cc */
  uint32_t *ticks;          /* likewise */
  const edgeq_tflm_point *points;
  edgeq_tensor *inputs;
  edgeq_tensor *outputs;
  uint8_t *arena; /* aligned at 16 bytes */
  uint32_t arena_bytes;
  uint16_t op_count;
  uint16_t point_count;
  uint16_t input_count;
  uint16_t output_count;
  uint16_t variables;
};

/* Defined by the generated file: a firmware has one model. */
extern const edgeq_tflm_app edgeq_tflm;

const edgeq_engine_state *edgeq_tflm_state(void);

edgeq_status edgeq_tflm_init(void);
edgeq_status edgeq_tflm_invoke(void);
edgeq_status edgeq_tflm_invoke_timed(const uint32_t **ticks);
edgeq_status edgeq_tflm_invoke_traced(edgeq_trace_fn *trace, void *context);

/* Runs operator `op`, and shows its outputs in a traced inference. */
TfLiteStatus edgeq_tflm_op(uint32_t op, TfLiteContext *context, TfLiteNode *node);

/* The last message of TensorFlow Lite Micro (tflm/log.cc). */
extern char edgeq_tflm_words[];
void edgeq_tflm_forget_words(void);

#endif
