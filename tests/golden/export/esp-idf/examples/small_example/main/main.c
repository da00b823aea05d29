/* small: the self-test, then one inference. Made by edgeq 0.1.0, to be copied: replace the input by your samples. */
#include <stdio.h>

#include "small.h"

/* Static: a microcontroller's stack is small. */
static float input[SMALL_INPUT_ELEMENTS];
static float output_0[SMALL_OUTPUT_0_ELEMENTS];
static float output_1[SMALL_OUTPUT_1_ELEMENTS];

static int run(void) {
  /* Once, before anything else. */
  if (small_init() != EDGEQ_OK) return 1;

#ifndef SMALL_NO_SELFTEST
  /* Does this core compute, bit for bit, what the host computed? The input for that is in flash. */
  if (small_selftest() != EDGEQ_OK) {
    printf("small: SELF-TEST FAILED\n");
    return 1;
  }
  printf("small: self-test passed\n");
#endif

  /* Input 0, "image * / "quoted" \ ??/ é", 1 x 6 x 6 x 2, the last dimension fastest: numbers as the model was trained on. */
  for (int i = 0; i < SMALL_INPUT_ELEMENTS; i++) input[i] = 0.0f;
  small_quantize_input(input, small_input());

  if (small_invoke() != EDGEQ_OK) return 1;

  /* Output 0, "probabilities", 1 x 4; in thousandths, since small printf have no %f. */
  small_dequantize_output_0(small_output_0(), output_0);
  for (int i = 0; i < SMALL_OUTPUT_0_ELEMENTS && i < 10; i++) {
    printf("output 0[%d]: %ld\n", i, (long)(1000.0f * output_0[i]));
  }
  /* Output 1, "flat", 1 x 54; in thousandths, since small printf have no %f. */
  small_dequantize_output_1(small_output_1(), output_1);
  for (int i = 0; i < SMALL_OUTPUT_1_ELEMENTS && i < 10; i++) {
    printf("output 1[%d]: %ld\n", i, (long)(1000.0f * output_1[i]));
  }
  return 0;
}

void app_main(void);

void app_main(void) {
  (void)run();
}
