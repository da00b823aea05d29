/* The contract between an engine and whoever runs it (the link, a test, the user's own program).
 *
 * An engine is one constant edgeq_model. The aot engine is C generated from a .tflite; another one may wrap
 * an interpreter. All memory is static and belongs to the engine; none of the functions is reentrant.
 */
#ifndef EDGEQ_ENGINE_H
#define EDGEQ_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EDGEQ_ENGINE_ABI 1u

typedef enum edgeq_dtype {
  EDGEQ_DTYPE_INT8 = 1,
  EDGEQ_DTYPE_INT16 = 2,
  EDGEQ_DTYPE_INT32 = 3,
  EDGEQ_DTYPE_FLOAT32 = 4,
  EDGEQ_DTYPE_UINT8 = 5, /* from here on: of interpreters only */
  EDGEQ_DTYPE_INT64 = 6,
  EDGEQ_DTYPE_BOOL = 7,
  EDGEQ_DTYPE_FLOAT16 = 8,
  EDGEQ_DTYPE_FLOAT64 = 9,
} edgeq_dtype;

typedef enum edgeq_status {
  EDGEQ_OK = 0,
  EDGEQ_STOPPED = 1,  /* a trace callback asked to stop */
  EDGEQ_MISMATCH = 2, /* the self-test's output differs from the golden one */
  EDGEQ_FAILED = 3,   /* the engine could not run (an interpreter's own error) */
} edgeq_status;

/* Why an interpreter did not start, or could not run. */
typedef enum edgeq_problem {
  EDGEQ_PROBLEM_NONE = 0,
  EDGEQ_PROBLEM_ARENA = 1,    /* the arena is too small; detail: its bytes */
  EDGEQ_PROBLEM_OPERATOR = 2, /* there is no kernel for an operator; detail: its builtin code */
  EDGEQ_PROBLEM_PREPARE = 3,  /* an operator refused its tensors or options; detail: its index */
  EDGEQ_PROBLEM_INVOKE = 4,   /* an operator failed in an inference; detail: its index */
  EDGEQ_PROBLEM_SCHEMA = 5,   /* the model's schema is of another version; detail: the interpreter's */
  EDGEQ_PROBLEM_LIBRARY = 6,  /* library and headers are of different versions */
  EDGEQ_PROBLEM_TENSORS = 7,  /* an input or output has another size than the host says; detail: bytes */
  EDGEQ_PROBLEM_START = 8,    /* another reason; detail: 1 registering operators, 2 allocating tensors */
} edgeq_problem;

/* What an engine knows of itself beside its status. */
typedef struct edgeq_engine_state {
  uint32_t arena_used; /* bytes of the arena that will do, of one too small a lower bound; 0: unknown */
  uint32_t detail;     /* of the problem */
  uint8_t problem;     /* edgeq_problem */
  const char *words;   /* the interpreter's own last message; "" where it has none */
} edgeq_engine_state;

/* One input or output of the model. real = scale * (q - zero_point); scale is 0 where it is not quantized. */
typedef struct edgeq_tensor {
  const char *name;
  const int32_t *shape; /* rank elements, batch dimension included */
  void *data; /* inside the arena; an input's bytes are valid until invoke, an output's from invoke on
                 until the next write to an input */
  uint32_t bytes;
  uint8_t dtype; /* edgeq_dtype */
  uint8_t rank;
  float scale;
  int32_t zero_point;
} edgeq_tensor;

/* Called after a trace point's tensor was computed and before its memory is reused. `point` counts from 0 in
 * the order of execution. Returns false to stop the inference there (the tensor then stays untouched). */
typedef bool edgeq_trace_fn(void *context, uint32_t point, const void *data, uint32_t bytes);

typedef struct edgeq_model {
  uint32_t abi; /* EDGEQ_ENGINE_ABI */
  const char *name;
  const char *engine;    /* "aot", "tflm" */
  const uint8_t *sha256; /* 32 bytes: digest of the .tflite */
  const edgeq_tensor *inputs;
  const edgeq_tensor *outputs;
  uint16_t input_count;
  uint16_t output_count;
  uint16_t op_count;          /* kernel calls of one inference */
  uint16_t trace_point_count; /* 0 in a build without SMALL_TRACE */
  uint32_t arena_bytes;
  edgeq_status (*init)(void);   /* before anything else; again, to forget what inferences before have left */
  edgeq_status (*invoke)(void); /* reads the inputs, writes the outputs; the inputs' bytes are lost */
  edgeq_status (*selftest)(
      void); /* runs the golden input and compares the outputs' CRC-32; ends as after init */
  /* As invoke, and calls `trace` at every trace point; null in a build without SMALL_TRACE. */
  edgeq_status (*invoke_traced)(edgeq_trace_fn *trace, void *context);
  /* What the engine knows of itself at this moment; null where the arena is all used and nothing can fail:
   * aot. */
  const edgeq_engine_state *(*state)(void);
  /* As invoke; *ticks are then the board's ticks of each of the op_count kernel calls, until the next one.
   * Null where the engine does not time them. */
  edgeq_status (*invoke_timed)(const uint32_t **ticks);
} edgeq_model;

#ifdef __cplusplus
}
#endif

#endif
