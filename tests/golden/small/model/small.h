/* small: an int8 model as C. Made by edgeq 0.1.0 from the .tflite with SHA-256
 * 3027ca98a3676011098a7e7fce6620c34a5e828ea293315ca110f82ae9bf84bf.
 *
 * All memory is static. None of the functions is reentrant. Order: small_init once; then, for each inference, write
 * the inputs, small_invoke, read the outputs. Inputs are lost during invoke; outputs are valid until the next
 * write to an input.
 *
 * EDGEQ_ARENA_SECTION and EDGEQ_WEIGHTS_SECTION, defined as strings when the sources are compiled, place the arena and
 * the weights in linker sections. EDGEQ_NO_SELFTEST leaves the golden input out of flash.
 */
#ifndef SMALL_H
#define SMALL_H

#include "edgeq/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SMALL_MODEL_SHA256 "3027ca98a3676011098a7e7fce6620c34a5e828ea293315ca110f82ae9bf84bf"
#define SMALL_ARENA_BYTES 500
#define SMALL_OP_COUNT 5
#define SMALL_INPUT_COUNT 1
#define SMALL_OUTPUT_COUNT 2

/* Input 0: "image * / "quoted" \ ??/ é", 1 x 6 x 6 x 2; real = scale * (q - zero point). */
#define SMALL_INPUT_ELEMENTS 72
#define SMALL_INPUT_BYTES 72
#define SMALL_INPUT_RANK 4
#define SMALL_INPUT_SHAPE {1, 6, 6, 2}
#define SMALL_INPUT_SCALE 0.00392156886f
#define SMALL_INPUT_ZERO_POINT (-128)
/* Output 0: "probabilities", 1 x 4; real = scale * (q - zero point). */
#define SMALL_OUTPUT_0_ELEMENTS 4
#define SMALL_OUTPUT_0_BYTES 4
#define SMALL_OUTPUT_0_RANK 2
#define SMALL_OUTPUT_0_SHAPE {1, 4}
#define SMALL_OUTPUT_0_SCALE 0.00390625f
#define SMALL_OUTPUT_0_ZERO_POINT (-128)
/* Output 1: "flat", 1 x 54; real = scale * (q - zero point). */
#define SMALL_OUTPUT_1_ELEMENTS 54
#define SMALL_OUTPUT_1_BYTES 54
#define SMALL_OUTPUT_1_RANK 2
#define SMALL_OUTPUT_1_SHAPE {1, 54}
#define SMALL_OUTPUT_1_SCALE 0.0500000007f
#define SMALL_OUTPUT_1_ZERO_POINT (-128)

#define SMALL_LABEL_COUNT 4

/* Names of the classes, in the order of the output's values. */
extern const char *const small_labels[SMALL_LABEL_COUNT];

/* The model as edgeq/engine.h describes it. */
extern const edgeq_model small_model;

/* Once, before anything else. */
edgeq_status small_init(void);

/* One inference. */
edgeq_status small_invoke(void);

/* Runs the golden input: EDGEQ_OK if the outputs are what they were on the host, else EDGEQ_MISMATCH. EDGEQ_FAILED if
 * compiled with EDGEQ_NO_SELFTEST. */
edgeq_status small_selftest(void);

#ifdef EDGEQ_TRACE
/* As invoke, and calls `trace` after every traced operator. EDGEQ_STOPPED if `trace` returned false. */
edgeq_status small_invoke_traced(edgeq_trace_fn *trace, void *context);
#endif

/* Where the values are: ..._ELEMENTS of them, inside the arena. */
int8_t *small_input(void);
const int8_t *small_output_0(void);
const int8_t *small_output_1(void);

/* Real values to integers and back, all elements of one input or output, with the bits that the host computes. */
void small_quantize_input(const float *values, int8_t *q);
void small_dequantize_output_0(const int8_t *q, float *values);
void small_dequantize_output_1(const int8_t *q, float *values);

#ifdef __cplusplus
}
#endif

#endif
