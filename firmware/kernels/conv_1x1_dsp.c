/* CONV_2D with a window of one pixel, and FULLY_CONNECTED on several rows, on int8 for cores with the DSP
 * extension: a matrix product. */
#include "edgeq/kernels.h"
#include "edgeq/mem.h"
#include "quads.h"

/* The channels of two pixels as columns. */
static void expand(const edgeq_conv_1x1_dsp_params *p, const int8_t *first, const int8_t *second,
                   uint32_t *columns) {
  const int32_t whole = p->input_channels & ~3;
  if (whole > 0) edgeq_quads_expand_both(columns, first, second, whole);
  if (whole < p->input_channels) {
    edgeq_quads_expand_rest(columns + whole, first + whole, p->input_channels - whole);
    edgeq_quads_expand_rest(columns + whole + 1, second + whole, p->input_channels - whole);
  }
}

void edgeq_conv_1x1_dsp_int8(const edgeq_conv_1x1_dsp_params *p, const int8_t *input, const int32_t *weights,
                             int8_t *output, void *scratch) {
  const int32_t channels = p->quads * 4 + (p->half ? 4 : 0);
  const int whole = p->output_channels == channels;
  uint32_t *columns = (uint32_t *)scratch;
  int8_t *spare = (int8_t *)(columns + p->pairs * p->depth);
  const int32_t next = p->stride_width * p->input_channels;
  const int32_t next_row = p->stride_height * p->input_width * p->input_channels;
  const int8_t *row = input;
  const int8_t *pixel = input;
  int8_t *const first = output;
  const uint32_t *rows[2];
  edgeq_quads q;

  rows[0] = columns;
  rows[1] = columns;
  q.rows = rows;
  q.weights = weights;
  q.end = weights + p->quads * p->quad_words;
  q.row_bytes = q.quad_bytes = (uint32_t)(p->depth / 2 * p->step_bytes);
  q.pairs = 1;
  q.column_bytes = (uint32_t)p->depth * 4u;
  q.output_step = (uint32_t)(2 * p->output_channels - p->quads * 4);
  /* Values that pad the depth have weights of zero. */
  if (p->depth > p->input_channels) memset(columns, 0, (size_t)(p->pairs * p->depth) * 4u);
  int32_t pixels = p->output_height * p->output_width;
  if (p->pairs > 1) {
    /* The pixels follow each other, and so do the results. */
    for (int32_t pairs = pixels / 2; pairs > 0; pairs -= p->pairs) {
      q.pairs = (uint32_t)(pairs < p->pairs ? pairs : p->pairs);
      edgeq_quads_expand_pairs(columns, pixel, p->input_channels, (int32_t)q.pairs,
                               4 * (p->depth - p->input_channels));
      q.output0 = output;
      q.output1 = output + p->output_channels;
      p->run(&q);
      if (p->half) edgeq_quads_half(&q, p->half, (uint32_t)p->quads);
      pixel += (int32_t)q.pairs * 2 * p->input_channels;
      output += (int32_t)q.pairs * 2 * p->output_channels;
    }
    q.pairs = 1;
    pixels %= 2;
  }
  int32_t left_in_row = p->output_width;
  /* Two pixels at a time; a last one alone takes both columns. */
  for (int32_t left = pixels; left > 0; left -= 2) {
    const int8_t *both[2];
    int8_t *second = output;
    for (int32_t i = 0; i < 2; i++) {
      both[i] = pixel;
      if (left - i < 2) continue; /* none is behind it */
      pixel += next;
      if (--left_in_row == 0) {
        row += next_row;
        pixel = row;
        left_in_row = p->output_width;
      }
    }
    expand(p, both[0], both[1], columns);
    if (left > 1) second += p->output_channels;
    q.output0 = whole ? output : spare;
    q.output1 = whole ? second : spare + channels;
    p->run(&q);
    if (p->half) edgeq_quads_half(&q, p->half, (uint32_t)p->quads);
    if (!whole) {
      edgeq_copy_int8(output, spare, p->output_channels);
      edgeq_copy_int8(second, spare + channels, p->output_channels);
    }
    output = second + p->output_channels;
  }
  edgeq_limit_int8(first, (int32_t)(output - first), p->activation_min, p->activation_max);
}
