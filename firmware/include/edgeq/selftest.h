/* Runs a model on an input whose outputs are known. */
#ifndef EDGEQ_SELFTEST_H
#define EDGEQ_SELFTEST_H

#include <stdint.h>

#include "edgeq/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/* inputs[i] has the bytes of the model's input i; output_crc is the CRC-32 of all outputs, one behind the
 * other. */
typedef struct edgeq_golden {
  const void *const *inputs;
  uint32_t output_crc;
} edgeq_golden;

/* EDGEQ_OK if the model's outputs for the golden inputs are as they were on the host, else EDGEQ_MISMATCH, or
 * what invoke returned. The model must have been initialised; its outputs are those of the golden inputs
 * afterwards. */
edgeq_status edgeq_selftest(const edgeq_model *model, const edgeq_golden *golden);

#ifdef __cplusplus
}
#endif

#endif
