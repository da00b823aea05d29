/* Runs the generated models of a batch on samples from stdin.
 *
 * batch.h includes the models' C files and defines `models` and `model_count`. Input: for each run, two
 * uint32 (model, samples), then the samples' inputs. Output: the samples' outputs. Ends at the end of the
 * input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"

static void need(int ok, const char *what) {
  if (!ok) {
    fprintf(stderr, "runner: %s\n", what);
    exit(2);
  }
}

int main(void) {
  uint32_t run[2];
  while (fread(run, sizeof run, 1, stdin) == 1) {
    need(run[0] < model_count, "no such model");
    const edgeq_model *model = models[run[0]];
    fprintf(stderr, "runner: model %u, %s\n", (unsigned)run[0], model->name);
    need(model->init() == EDGEQ_OK, "init failed");
    for (uint32_t sample = 0; sample < run[1]; sample++) {
      for (uint32_t i = 0; i < model->input_count; i++) {
        need(fread(model->inputs[i].data, model->inputs[i].bytes, 1, stdin) == 1, "input ended early");
      }
      need(model->invoke() == EDGEQ_OK, "invoke failed");
      for (uint32_t i = 0; i < model->output_count; i++) {
        need(fwrite(model->outputs[i].data, model->outputs[i].bytes, 1, stdout) == 1, "cannot write");
      }
    }
  }
  return 0;
}
