/* CONV_2D with 3x3 filters and strides of 1 on int8 by integer Winograd, for cores with the DSP extension.
 * Two tiles side by side are computed together, for four output channels at a time. */
#include "edgeq/dsp.h"
#include "edgeq/kernels.h"
#include "edgeq/mem.h"
#include "winograd.h"

#define CHANNEL_WORDS 4 /* start value, multiplier, constant, shift */

/* Scratch, in this order. */
typedef struct buffers {
  uint32_t *rows;   /* of a row of tiles, padded, input + 128: tile + 2 rows */
  uint32_t *values; /* of two transformed tiles */
  uint32_t *sums;
} buffers;

static buffers divide(const edgeq_conv_winograd_dsp_params *p, void *scratch) {
  const int32_t positions = (p->tile + 2) * (p->tile + 2);
  buffers b;
  b.rows = scratch;
  b.values = b.rows + (p->tile + 2) * p->row_words;
  b.sums = b.values + positions * p->input_channels;
  return b;
}

/* Row `y` of the input, between its padding, which is there already. */
static void enter(const edgeq_conv_winograd_dsp_params *p, const int8_t *input, int32_t y, uint32_t *row) {
  const int32_t width = p->input_width * p->input_channels;
  uint32_t *to = row + p->pad_left * p->input_channels / 4;
  if (y < 0 || y >= p->input_height) {
    memset(to, p->input_zero_point + 128, (size_t)width);
    return;
  }
  const int8_t *from = input + y * width;
  int32_t left = width;
  for (; left >= 16; left -= 16, from += 16, to += 4) {
    const uint32_t a = edgeq_load_word(from);
    const uint32_t b = edgeq_load_word(from + 4);
    const uint32_t c = edgeq_load_word(from + 8);
    const uint32_t d = edgeq_load_word(from + 12);
    to[0] = a ^ 0x80808080u;
    to[1] = b ^ 0x80808080u;
    to[2] = c ^ 0x80808080u;
    to[3] = d ^ 0x80808080u;
  }
  for (; left > 0; left -= 4, from += 4) *to++ = edgeq_load_word(from) ^ 0x80808080u;
}

/* Four channels of two tiles, of which `rows` and `columns` are inside the output. */
static void finish(const edgeq_conv_winograd_dsp_params *p, const uint32_t *sums, const int32_t *channels,
                   int32_t rows, int32_t columns, int8_t *output) {
  int8_t whole[4 * 8 * 4];
  const int inside = rows >= p->tile && columns >= 2 * p->tile;
  edgeq_winograd_results r;
  r.sums = sums;
  r.channels = channels;
  r.output = inside ? output : whole;
  r.pixel = inside ? p->output_channels : 4;
  r.row = inside ? p->output_width * p->output_channels : 4 * 2 * p->tile;
  r.negative = p->negative;
  if (p->tile == 2) {
    edgeq_winograd_out_2(&r);
  } else {
    edgeq_winograd_out_4(&r);
  }
  if (inside) return;
  if (columns > 2 * p->tile) columns = 2 * p->tile;
  for (int32_t i = 0; i < rows; i++) {
    for (int32_t j = 0; j < columns; j++) {
      int8_t *to = output + (i * p->output_width + j) * p->output_channels;
      for (int32_t c = 0; c < 4; c++) to[c] = whole[(i * 2 * p->tile + j) * 4 + c];
    }
  }
}

void edgeq_conv_winograd_dsp_int8(const edgeq_conv_winograd_dsp_params *p, const int8_t *input,
                                  const int32_t *weights, int8_t *output, void *scratch) {
  const buffers b = divide(p, scratch);
  const int32_t side = p->tile + 2;
  const int32_t tile_words = p->tile * p->input_channels / 4;
  edgeq_winograd_input t;
  edgeq_winograd w;
  t.column = p->input_channels;
  t.row = p->row_words * 4;
  t.position = p->input_channels * 4;
  t.fours = p->input_channels / 4;
  w.values = b.values;
  w.position_bytes = (uint32_t)p->input_channels * 8u;

  for (int32_t batch = 0; batch < p->batches; batch++) {
    memset(b.rows, p->input_zero_point + 128, (size_t)(side * p->row_words) * 4u);
    for (int32_t y = 0; y < p->output_height; y += p->tile) {
      /* The last two rows of the tiles above are the first two of these. */
      const int32_t known = y > 0 ? 2 : 0;
      if (known) memcpy(b.rows, b.rows + p->tile * p->row_words, (size_t)(2 * p->row_words) * 4u);
      for (int32_t i = known; i < side; i++) enter(p, input, y - p->pad_top + i, b.rows + i * p->row_words);
      const int32_t rows = p->output_height - y < p->tile ? p->output_height - y : p->tile;
      const uint32_t *in = b.rows;
      for (int32_t x = 0; x < p->output_width; x += 2 * p->tile, in += 2 * tile_words) {
        int8_t *out = output + (y * p->output_width + x) * p->output_channels;
        for (int32_t tile = 0; tile < 2; tile++) {
          t.input = in + tile * tile_words;
          t.output = b.values + tile;
          if (p->tile == 2) {
            edgeq_winograd_in_2(&t);
          } else {
            edgeq_winograd_in_4(&t);
          }
        }
        w.weights = weights;
        for (int32_t c = 0; c < p->output_channels; c += 4) {
          w.sums = (int32_t *)b.sums;
          w.end = w.weights + side * side * 2 * p->input_channels;
          p->run(&w);
          finish(p, b.sums, p->channels + CHANNEL_WORDS * c, rows, p->output_width - x, out + c);
          w.weights = w.end;
        }
      }
    }
    const int32_t outputs = p->output_height * p->output_width * p->output_channels;
    edgeq_limit_int8(output, outputs, p->activation_min, p->activation_max);
    input += p->input_height * p->input_width * p->input_channels;
    output += outputs;
  }
}
