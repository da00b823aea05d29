/* small: an int8 model, run by TensorFlow Lite Micro. Made by edgeq 0.1.0 from the .tflite with SHA-256
 * 3027ca98a3676011098a7e7fce6620c34a5e828ea293315ca110f82ae9bf84bf.
 *
 * All memory is static. None of the functions is reentrant. Order: small_init once; then, for each inference, write
 * small_model.inputs[i].data, small_invoke, read small_model.outputs[i].data.
 */
#ifndef SMALL_H
#define SMALL_H

#include "edgeq/engine.h"
#include "edgeq/selftest.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SMALL_MODEL_SHA256 "3027ca98a3676011098a7e7fce6620c34a5e828ea293315ca110f82ae9bf84bf"
#define SMALL_OP_COUNT 7

/* The model as edgeq/engine.h describes it. */
extern const edgeq_model small_model;

/* The input of the self-test, and what its outputs are. */
extern const edgeq_golden small_golden;

/* Makes an interpreter anew. EDGEQ_FAILED: small_model.state says why. */
edgeq_status small_init(void);

/* One inference. */
edgeq_status small_invoke(void);

/* Runs the golden input: EDGEQ_OK if the outputs are what they were on the host, else EDGEQ_MISMATCH. */
edgeq_status small_selftest(void);

#ifdef __cplusplus
}
#endif

#endif
