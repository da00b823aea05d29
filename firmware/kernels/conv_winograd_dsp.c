/* CONV_2D with 3x3 filters and strides of 1 on int8 by integer Winograd, for cores with the DSP extension.
 * Two tiles side by side are computed together, for four output channels at a time. */
#include "edgeq/dsp.h"
#include "edgeq/kernels.h"
#include "edgeq/mem.h"
#include "winograd.h"

#define CHANNEL_WORDS 4 /* start value, multiplier, constant, shift */
#define LIFT 0x80808080u

/* Scratch, in this order. */
typedef struct buffers {
  uint32_t *rows;   /* of a row of tiles, padded, input + 128: tile + 2 rows */
  uint32_t *values; /* of two transformed tiles */
  int32_t *sums;
} buffers;

static buffers divide(const edgeq_conv_winograd_dsp_params *p, void *scratch) {
  const int32_t positions = (p->tile + 2) * (p->tile + 2);
  buffers b;
  b.rows = (uint32_t *)scratch;
  b.values = b.rows + (p->tile + 2) * p->row_words;
  b.sums = (int32_t *)(b.values + positions * p->depth);
  return b;
}

/* `bytes` of pixels whose channels are not in fours. The last word of one has values of the next ones too,
 * whose weights are 0, where the row has so many. */
static void enter_pixels(const edgeq_conv_winograd_dsp_params *p, const int8_t *from, int32_t bytes,
                         uint32_t *to) {
  const int32_t rest = p->input_channels & 3;
  const int32_t whole = p->input_channels - rest;
  for (; bytes >= whole + 4; bytes -= whole + rest, from += rest) {
    for (int32_t left = whole; left > 0; left -= 4, from += 4) *to++ = edgeq_load_word(from) ^ LIFT;
    *to++ = edgeq_load_word(from) ^ LIFT;
  }
  for (; bytes > 0; bytes -= whole + rest, from += rest) {
    uint32_t last = 0;
    for (int32_t left = whole; left > 0; left -= 4, from += 4) *to++ = edgeq_load_word(from) ^ LIFT;
    memcpy(&last, from, (size_t)rest);
    *to++ = last ^ LIFT;
  }
}

/* Row `y` of the input, between its padding, which is there already. */
static void enter(const edgeq_conv_winograd_dsp_params *p, const int8_t *input, int32_t y, uint32_t *row) {
  const int32_t width = p->input_width * p->input_channels;
  uint32_t *to = row + p->pad_left * p->depth / 4;
  if (y < 0 || y >= p->input_height) {
    memset(to, p->input_zero_point + 128, (size_t)(p->input_width * p->depth));
    return;
  }
  const int8_t *from = input + y * width;
  if (p->input_channels != p->depth) {
    enter_pixels(p, from, width, to);
    return;
  }
  int32_t left = width;
  for (; left >= 16; left -= 16, from += 16, to += 4) {
    const uint32_t a = edgeq_load_word(from);
    const uint32_t b = edgeq_load_word(from + 4);
    const uint32_t c = edgeq_load_word(from + 8);
    const uint32_t d = edgeq_load_word(from + 12);
    to[0] = a ^ LIFT;
    to[1] = b ^ LIFT;
    to[2] = c ^ LIFT;
    to[3] = d ^ LIFT;
  }
  for (; left > 0; left -= 4, from += 4) *to++ = edgeq_load_word(from) ^ LIFT;
}

/* Four channels of two tiles; `rows`, `columns` and `count` of the channels are inside the output. */
static void cut(const edgeq_conv_winograd_dsp_params *p, const int8_t *whole, int32_t rows, int32_t columns,
                int32_t count, int8_t *output) {
  if (rows > p->tile) rows = p->tile;
  if (columns > 2 * p->tile) columns = 2 * p->tile;
  for (int32_t i = 0; i < rows; i++) {
    for (int32_t j = 0; j < columns; j++) {
      edgeq_copy_int8(output + (i * p->output_width + j) * p->output_channels,
                      whole + (i * 2 * p->tile + j) * 4, count);
    }
  }
}

/* All channels of two tiles, likewise. */
static void tiles(const edgeq_conv_winograd_dsp_params *p, const int32_t *weights, const buffers *b,
                  int32_t rows, int32_t columns, int8_t *output) {
  const int32_t words = (p->tile + 2) * (p->tile + 2) * 2 * p->depth;
  const int inside = rows >= p->tile && columns >= 2 * p->tile;
  int8_t whole[4 * 8 * 4];
  edgeq_winograd w;
  edgeq_winograd_results r;
  w.values = b->values;
  w.weights = weights;
  w.sums = b->sums;
  w.position_bytes = (uint32_t)p->depth * 8u;
  r.sums = (const uint32_t *)b->sums;
  r.channels = p->channels;
  for (int32_t left = p->output_channels; left > 0; left -= 4, output += 4) {
    const int as_is = inside && left >= 4;
    r.output = as_is ? output : whole;
    r.pixel = as_is ? p->output_channels : 4;
    r.row = as_is ? p->output_width * p->output_channels : 4 * 2 * p->tile;
    w.end = w.weights + words;
    p->run(&w);
    p->out(&r);
    w.weights = w.end;
    r.channels += CHANNEL_WORDS * 4;
    if (!as_is) cut(p, whole, rows, columns, left < 4 ? left : 4, output);
  }
}

void edgeq_conv_winograd_dsp_int8(const edgeq_conv_winograd_dsp_params *p, const int8_t *input,
                                  const int32_t *weights, int8_t *output, void *scratch) {
  const buffers b = divide(p, scratch);
  const int32_t side = p->tile + 2;
  edgeq_winograd_input t;
  t.column = p->depth;
  t.row = p->row_words * 4;
  t.output = b.values;
  t.position = p->depth * 4;
  t.fours = p->depth / 4;

  for (int32_t batch = 0; batch < p->batches; batch++) {
    memset(b.rows, p->input_zero_point + 128, (size_t)(side * p->row_words) * 4u);
    for (int32_t y = 0; y < p->output_height; y += p->tile) {
      /* The last two rows of the tiles above are the first two of these. */
      const int32_t known = y > 0 ? 2 : 0;
      if (known) memcpy(b.rows, b.rows + p->tile * p->row_words, (size_t)(2 * p->row_words) * 4u);
      for (int32_t i = known; i < side; i++) enter(p, input, y - p->pad_top + i, b.rows + i * p->row_words);
      t.input = b.rows;
      for (int32_t x = 0; x < p->output_width; x += 2 * p->tile, t.input += p->tile * p->depth / 2) {
        p->in(&t);
        tiles(p, weights, &b, p->output_height - y, p->output_width - x,
              output + (y * p->output_width + x) * p->output_channels);
      }
    }
    const int32_t outputs = p->output_height * p->output_width * p->output_channels;
    edgeq_limit_int8(output, outputs, p->activation_min, p->activation_max);
    input += p->input_height * p->input_width * p->input_channels;
    output += outputs;
  }
}
