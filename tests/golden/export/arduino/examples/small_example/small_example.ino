/* small: the self-test, then an inference every second. Made by edgeq 0.1.0, to be copied: replace the input by your
 * samples. */
#include <small.h>

static float input[SMALL_INPUT_ELEMENTS];
static float output_0[SMALL_OUTPUT_0_ELEMENTS];
static float output_1[SMALL_OUTPUT_1_ELEMENTS];

void setup() {
  Serial.begin(115200);
  while (!Serial && millis() < 5000) {
  }

  /* Once, before anything else. */
  small_init();

#ifndef SMALL_NO_SELFTEST
  /* Does this board compute, bit for bit, what the host computed? The input for that is in flash. */
  Serial.println(small_selftest() == EDGEQ_OK ? "small: self-test passed" : "small: SELF-TEST FAILED");
#endif
}

void loop() {
  /* Input 0, "image * / "quoted" \ ??/ é", 1 x 6 x 6 x 2, the last dimension fastest: numbers as the model was trained on. */
  for (int i = 0; i < SMALL_INPUT_ELEMENTS; i++) input[i] = 0.0f;
  small_quantize_input(input, small_input());

  const unsigned long start = micros();
  if (small_invoke() != EDGEQ_OK) return;
  const unsigned long took = micros() - start;

  /* Output 0, "probabilities", 1 x 4. */
  small_dequantize_output_0(small_output_0(), output_0);
  for (int i = 0; i < SMALL_OUTPUT_0_ELEMENTS && i < 10; i++) {
    Serial.print("output 0 ");
    Serial.print(i);
    Serial.print(": ");
    Serial.println(output_0[i]);
  }
  /* Output 1, "flat", 1 x 54. */
  small_dequantize_output_1(small_output_1(), output_1);
  for (int i = 0; i < SMALL_OUTPUT_1_ELEMENTS && i < 10; i++) {
    Serial.print("output 1 ");
    Serial.print(i);
    Serial.print(": ");
    Serial.println(output_1[i]);
  }
  Serial.print(took);
  Serial.println(" us");
  delay(1000);
}
