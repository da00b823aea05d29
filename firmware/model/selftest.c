#include "edgeq/selftest.h"

#include "edgeq/crc32.h"
#include "edgeq/mem.h"

edgeq_status edgeq_selftest(const edgeq_model *model, const edgeq_golden *golden) {
  edgeq_status status = model->init();
  if (status != EDGEQ_OK) return status;
  for (uint32_t i = 0; i < model->input_count; i++)
    memcpy(model->inputs[i].data, golden->inputs[i], model->inputs[i].bytes);
  status = model->invoke();
  if (status != EDGEQ_OK) return status;
  uint32_t crc = 0;
  for (uint32_t i = 0; i < model->output_count; i++)
    crc = edgeq_crc32(crc, model->outputs[i].data, model->outputs[i].bytes);
  status = model->init();
  if (status != EDGEQ_OK) return status;
  return crc == golden->output_crc ? EDGEQ_OK : EDGEQ_MISMATCH;
}
