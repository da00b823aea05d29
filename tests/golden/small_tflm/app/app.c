/* The firmware's model, for link/main.c. Made by edgeq 0.1.0. */
#include "edgeq/link.h"
#include "small.h"

void edgeq_tflm_construct(void);

const edgeq_model *edgeq_app_model(void) {
  edgeq_tflm_construct();
  return &small_model;
}
