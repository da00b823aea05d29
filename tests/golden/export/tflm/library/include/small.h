/* small: an int8 model, run by TensorFlow Lite Micro. Made by edgeq 0.1.0 from the .tflite with SHA-256
 * 3027ca98a3676011098a7e7fce6620c34a5e828ea293315ca110f82ae9bf84bf.
 *
 * None of the functions is reentrant. Order: small_init once; then, for each inference, write the inputs,
 * small_invoke, read the outputs. Inputs may be lost during invoke.
 */
#ifndef SMALL_H
#define SMALL_H

#include "small/engine.h"
#include "small/config.h"
#include "small/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Once, before anything else: makes the interpreter. Again, to forget what inferences before have left. EDGEQ_FAILED: the
 * arena (SMALL_ARENA_BYTES) is too small (small_arena_lacking), or the library has no kernel for an operator; it
 * has printed which. */
edgeq_status small_init(void);

/* One inference. EDGEQ_FAILED before init, or if an operator fails. */
edgeq_status small_invoke(void);

/* Runs the golden input: EDGEQ_OK if the outputs are what they were on the host, else EDGEQ_MISMATCH. EDGEQ_FAILED if
 * compiled with SMALL_NO_SELFTEST. */
edgeq_status small_selftest(void);

/* Bytes of the arena that the interpreter keeps; 0 before init. A lower bound of SMALL_ARENA_BYTES: for a while init
 * takes more, to plan. */
uint32_t small_arena_used(void);

/* After an init that failed: how many bytes more the arena must have, at least; 0: it failed for another reason. Nothing
 * is ever written outside of the arena, and an inference takes nothing more: what init has taken will do. */
uint32_t small_arena_lacking(void);

/* Where the values are: ..._ELEMENTS of them, inside the arena; null before init. */
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
