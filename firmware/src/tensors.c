#include "edgeq/tensors.h"

#include "edgeq/mem.h"

uint32_t edgeq_total_bytes(const edgeq_tensor *tensors, uint32_t count) {
  uint32_t total = 0;
  for (uint32_t i = 0; i < count; i++) total += tensors[i].bytes;
  return total;
}

void edgeq_store_inputs(const edgeq_model *model, uint32_t offset, const uint8_t *from, uint32_t bytes) {
  for (uint32_t i = 0; i < model->input_count && bytes > 0u; i++) {
    const edgeq_tensor *tensor = &model->inputs[i];
    if (offset >= tensor->bytes) {
      offset -= tensor->bytes;
      continue;
    }
    const uint32_t part = edgeq_smaller(bytes, tensor->bytes - offset);
    memcpy((uint8_t *)tensor->data + offset, from, part);
    from += part;
    bytes -= part;
    offset = 0;
  }
}

void edgeq_load_outputs(const edgeq_model *model, uint32_t offset, uint8_t *to, uint32_t bytes) {
  for (uint32_t i = 0; i < model->output_count && bytes > 0u; i++) {
    const edgeq_tensor *tensor = &model->outputs[i];
    if (offset >= tensor->bytes) {
      offset -= tensor->bytes;
      continue;
    }
    const uint32_t part = edgeq_smaller(bytes, tensor->bytes - offset);
    memcpy(to, (const uint8_t *)tensor->data + offset, part);
    to += part;
    bytes -= part;
    offset = 0;
  }
}
