/* CONV_2D with a window of one pixel on int8, whose bias differs at the borders. */
#include "edgeq/kernels.h"

void edgeq_conv_1x1_bands_int8(const edgeq_conv_1x1_bands_params *p, const int8_t *input,
                               const int8_t *weights, int8_t *output) {
  const int32_t *row_biases = p->biases;
  edgeq_conv_2d_params run;
  run.pad_top = run.pad_left = 0;
  run.batches = run.input_height = run.output_height = 1;
  run.filter_height = run.filter_width = run.groups = 1;
  run.stride_height = run.stride_width = run.dilation_height = run.dilation_width = 1;
  run.input_channels = run.filter_channels = p->input_channels;
  run.output_channels = p->output_channels;
  run.input_offset = p->input_offset;
  run.output_offset = p->output_offset;
  run.activation_min = p->activation_min;
  run.activation_max = p->activation_max;
  run.multipliers = p->multipliers;
  run.shifts = p->shifts;
  run.channel_step = p->channel_step;

  for (int32_t band = 0; band < 3; band++) {
    const int32_t *bias = row_biases;
    for (int32_t row = 0; row < p->rows[band]; row++) {
      bias = row_biases;
      for (int32_t i = 0; i < 3; i++) {
        if (p->columns[i] == 0) continue;
        run.input_width = run.output_width = p->columns[i];
        run.bias = bias;
        edgeq_conv_2d_int8(&run, input, weights, output);
        input += p->columns[i] * p->input_channels;
        output += p->columns[i] * p->output_channels;
        bias += p->output_channels;
      }
    }
    row_biases = bias;
  }
}
