/* A program of the host that runs the model's self-test: `make selftest`. Made by edgeq 0.1.0. */
#include <stdio.h>

#include "small.h"

int main(void) {
  edgeq_status status = small_init();
  if (status == EDGEQ_OK) status = small_selftest();
  printf("%s: %s\n", small_model.name, status == EDGEQ_OK ? "self-test passed" : "SELF-TEST FAILED");
  return status == EDGEQ_OK ? 0 : 1;
}
