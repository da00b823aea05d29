/* All inputs, or all outputs, of a model as one piece: laid one behind the other. For the link's own files.
 */
#ifndef EDGEQ_TENSORS_H
#define EDGEQ_TENSORS_H

#include <stdint.h>

#include "edgeq/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline uint32_t edgeq_smaller(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

/* Bytes of `count` tensors together. */
uint32_t edgeq_total_bytes(const edgeq_tensor *tensors, uint32_t count);

/* Copies `bytes` bytes to position `offset` of the inputs; the caller has checked that they fit. */
void edgeq_store_inputs(const edgeq_model *model, uint32_t offset, const uint8_t *from, uint32_t bytes);

/* The other way, from position `offset` of the outputs. */
void edgeq_load_outputs(const edgeq_model *model, uint32_t offset, uint8_t *to, uint32_t bytes);

#ifdef __cplusplus
}
#endif

#endif
