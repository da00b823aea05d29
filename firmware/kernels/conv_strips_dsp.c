/* CONV_2D on int8 for cores with the DSP extension. For each column of outputs, the strip of the input that
 * its windows cover is expanded once, beside the same strip as many rows lower as windows are apart: so the
 * windows of two pixels, one below the other, lie in it as columns, and those of the next two pixels a few
 * rows further. */
#include "edgeq/kernels.h"
#include "edgeq/mem.h"
#include "quads.h"

/* The padded input, rows of p->row_bytes. */
static void pad(const edgeq_conv_strips_dsp_params *p, const int8_t *input, int8_t *image) {
  const int32_t width = p->input_width * p->input_channels;
  const int32_t before = p->pad_left * p->input_channels;
  const int32_t room = p->row_bytes - before;
  const int32_t rows = p->strip_rows + p->stride_height;
  memset(image, p->input_zero_point, (size_t)(rows * p->row_bytes));
  for (int32_t y = p->pad_top; y < rows && y - p->pad_top < p->input_height; y++, input += width) {
    memcpy(image + y * p->row_bytes + before, input, (size_t)(width < room ? width : room));
  }
}

/* The strip that begins at `from`. */
static void expand(const edgeq_conv_strips_dsp_params *p, const int8_t *from, uint32_t *to) {
  const int32_t row_bytes = p->row_bytes;
  const int32_t below = p->stride_height * row_bytes;
  const int32_t fours = p->row_fours;
  const int32_t rest = p->row_rest;
  for (int32_t rows = p->strip_rows; rows > 0; rows--, from += row_bytes) {
    const int8_t *at = from;
    for (int32_t i = fours; i > 0; i--, at += 4, to += 4) {
      const uint32_t upper = edgeq_load_word(at);
      const uint32_t lower = edgeq_load_word(at + below);
      to[0] = edgeq_even_bytes(upper);
      to[1] = edgeq_even_bytes(lower);
      to[2] = edgeq_odd_bytes(upper);
      to[3] = edgeq_odd_bytes(lower);
    }
    if (rest) {
      const uint32_t upper = edgeq_load_word(at);
      const uint32_t lower = edgeq_load_word(at + below);
      *to++ = edgeq_firsts(edgeq_even_bytes(upper), edgeq_odd_bytes(upper));
      *to++ = edgeq_firsts(edgeq_even_bytes(lower), edgeq_odd_bytes(lower));
    }
  }
}

/* The pixel pairs of one column of outputs, whose first is `output`. */
static void column(const edgeq_conv_strips_dsp_params *p, const uint32_t *strip, edgeq_quads *q,
                   int8_t *spare, int8_t *output) {
  const int32_t row = p->output_width * p->output_channels;
  const int whole = p->output_channels == p->quads * 4;
  int32_t left = p->output_height;
  for (; left > 0; left -= 2 * (int32_t)q->pairs) {
    const int32_t pairs = whole && left > 1 ? left / 2 : 1;
    q->pairs = (uint32_t)(pairs < p->pairs ? pairs : p->pairs);
    q->rows = &strip;
    q->output0 = whole ? output : spare;
    q->output1 = whole && left > 1 ? output + row : spare + p->quads * 4;
    p->run(q);
    if (!whole) {
      edgeq_copy_int8(output, spare, p->output_channels);
      if (left > 1) edgeq_copy_int8(output + row, spare + p->quads * 4, p->output_channels);
    }
    if (left <= 2 * (int32_t)q->pairs) break;
    strip += q->pairs * q->column_bytes / 4u;
    output += 2 * (int32_t)q->pairs * row;
  }
}

void edgeq_conv_strips_dsp_int8(const edgeq_conv_strips_dsp_params *p, const int8_t *input,
                                const int32_t *weights, int8_t *output, void *scratch) {
  const int32_t row_words = 4 * p->row_fours + 2 * p->row_rest;
  uint32_t *strip = (uint32_t *)scratch;
  int8_t *image = (int8_t *)(strip + p->strip_rows * row_words + p->strip_more);
  int8_t *spare = image + (p->strip_rows + p->stride_height) * p->row_bytes;
  const int32_t results = p->output_height * p->output_width * p->output_channels;
  edgeq_quads q;

  q.weights = weights;
  q.end = weights + p->quads * p->quad_words;
  q.row_bytes = q.quad_bytes = (uint32_t)(p->steps * p->step_bytes);
  q.column_bytes = (uint32_t)(2 * p->stride_height * row_words) * 4u;
  q.output_step = (uint32_t)((2 * p->output_width - 1) * p->output_channels);
  memset(strip + p->strip_rows * row_words, 0, (size_t)p->strip_more * 4u);
  for (int32_t batch = 0; batch < p->batches; batch++) {
    pad(p, input, image);
    for (int32_t x = 0; x < p->output_width; x++) {
      expand(p, image + x * p->stride_width * p->input_channels, strip);
      column(p, strip, &q, spare, output + x * p->output_channels);
    }
    edgeq_limit_int8(output, results, p->activation_min, p->activation_max);
    input += p->input_height * p->input_width * p->input_channels;
    output += results;
  }
}
