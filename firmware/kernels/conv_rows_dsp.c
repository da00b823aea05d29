/* CONV_2D on int8 for cores with the DSP extension. Each row of the input is expanded once, to rows of steps
 * that the windows of two neighbouring pixels share; a ring keeps as many as a window spans. A window's taps
 * may lie apart: each is then a row of the product, which begins where the tap does. */
#include "edgeq/attributes.h"
#include "edgeq/kernels.h"
#include "edgeq/mem.h"
#include "quads.h"

/* Scratch, in this order. */
typedef struct buffers {
  uint32_t *ring;           /* ring_rows rows of 4 * row_fours words */
  uint32_t *patch;          /* if gathered: filter_height rows of 2 * steps words */
  const uint32_t **rows;    /* of the window: filter_height * taps */
  const uint32_t **windows; /* of the window of the first pixel: filter_height */
  int8_t *line;             /* of a row of the input, if its channels are not in fours */
  int8_t *spare;            /* results of two pixels */
} buffers;

static buffers divide(const edgeq_conv_rows_dsp_params *p, void *scratch) {
  buffers b;
  b.rows = (const uint32_t **)scratch;
  b.windows = b.rows + p->filter_height * p->taps;
  b.ring = (uint32_t *)(void *)(b.windows + p->filter_height);
  b.patch = b.ring + p->ring_rows * 4 * p->row_fours;
  b.line = (int8_t *)(b.patch + (p->gathered ? p->filter_height * 2 * p->steps : 0));
  b.spare = b.line + p->line_bytes;
  return b;
}

/* Values of a padded row from `from` on, of which so many are padding, then those from `row` on. */
typedef struct part {
  const int8_t *row; /* NULL: all are padding */
  int32_t left;
  int32_t middle;
} part;

static part part_of(const edgeq_conv_rows_dsp_params *p, const int8_t *input, int32_t y, int32_t from) {
  const int32_t at = from - p->pad_left * p->input_channels;
  const int32_t width = p->input_width * p->input_channels;
  const int32_t skipped = at < 0 ? 0 : (at < width ? at : width);
  part found;
  found.row = y >= 0 && y < p->input_height ? input + y * width + skipped : 0;
  found.left = at < 0 ? -at : 0;
  found.middle = width - skipped;
  return found;
}

/* Values of row `y` of the padded input, four at a time, from `from` on as columns 0 (or 1, if `column`
 * points there). */
static EDGEQ_NOINLINE void expand(const edgeq_conv_rows_dsp_params *p, const int8_t *input, int32_t y,
                                  int32_t from, uint32_t *column) {
  const int32_t count = 4 * p->row_fours;
  const uint32_t zero = (uint32_t)p->input_zero_point & 0xffffu;
  const uint32_t zeros = zero | zero << 16;
  part found = part_of(p, input, y, from);
  if (!found.row || found.left > count) found.left = count;
  if (found.middle > count - found.left) found.middle = count - found.left;
  column = edgeq_quads_fill(column, zeros, found.left);
  column = edgeq_quads_expand(column, found.row, found.middle);
  edgeq_quads_fill(column, zeros, count - found.left - found.middle);
}

/* The same values as bytes. Around them the line has padding already. Returns where they begin. */
static EDGEQ_NOINLINE const int8_t *into_line(const edgeq_conv_rows_dsp_params *p, const int8_t *input,
                                              int32_t y, int32_t from, int8_t *line) {
  part found = part_of(p, input, y, from);
  int8_t *values = line + (-found.left & 3);
  if (found.middle > p->line_bytes - 4 - found.left) found.middle = p->line_bytes - 4 - found.left;
  if (found.middle <= 0) return values;
  if (found.row) {
    memcpy(values + found.left, found.row, (size_t)found.middle);
  } else {
    memset(values + found.left, p->input_zero_point, (size_t)found.middle);
  }
  return values;
}

/* Row k of the windows into the ring, from value `start` on. */
static void enter(const edgeq_conv_rows_dsp_params *p, const int8_t *input, int32_t k, int32_t start,
                  const buffers *b) {
  uint32_t *row = b->ring + k % p->ring_rows * 4 * p->row_fours;
  const int32_t y = k - p->pad_top;
  const int32_t below = p->downwards ? p->stride_height : 0;
  const int32_t beside = p->downwards ? 0 : p->stride_width * p->input_channels;
  if (p->line_bytes > 0) {
    const int8_t *values = into_line(p, input, y, start, b->line);
    edgeq_quads_expand_in_order(row, values, 4 * p->row_fours);
    if (below > 0) values = into_line(p, input, y + below, start, b->line);
    edgeq_quads_expand_in_order(row + 1, values + beside, 4 * p->row_fours);
  } else {
    expand(p, input, y, start, row);
    expand(p, input, y + below, start + beside, row + 1);
  }
}

/* The pixels, two to a pair, whose first windows begin at `offset` words of each row; one pair, if gathered.
 */
static void pixels(const edgeq_conv_rows_dsp_params *p, const buffers *b, int32_t offset, edgeq_quads *q) {
  if (!p->gathered) {
    const uint32_t **row = b->rows;
    for (int32_t i = 0; i < p->filter_height; i++) {
      const uint32_t *tap = b->windows[i] + offset;
      EDGEQ_ROLLED
      for (int32_t n = p->taps; n > 0; n--, tap += p->tap_words) *row++ = tap;
    }
  } else {
    uint32_t *to = b->patch;
    for (int32_t i = 0; i < p->filter_height; i++) {
      const uint32_t *from = b->windows[i] + offset;
      for (int32_t n = p->steps; n > 0; n--, from += 2, to += 2) {
        const uint32_t column0 = from[0];
        const uint32_t column1 = from[1];
        to[0] = column0;
        to[1] = column1;
      }
    }
  }
  p->run(q);
  if (p->half) edgeq_quads_half(q, p->half, (uint32_t)p->quads);
}

void edgeq_conv_rows_dsp_int8(const edgeq_conv_rows_dsp_params *p, const int8_t *input,
                              const int32_t *weights, int8_t *output, void *scratch) {
  const buffers b = divide(p, scratch);
  const int32_t channels = p->quads * 4 + (p->half ? 4 : 0);
  const int32_t row_step = p->downwards ? 2 : 1;
  const int32_t column_step = p->downwards ? 1 : 2;
  const int32_t next = column_step * p->stride_width * p->input_channels;
  const int32_t second = p->output_channels * (p->downwards ? p->output_width : 1);
  const int whole = p->output_channels == channels;
  const int several = whole && !p->gathered;
  edgeq_quads q;

  q.column_bytes = (uint32_t)next * 4u;
  q.output_step = (uint32_t)(p->output_channels * column_step - p->quads * 4);
  q.rows = b.rows;
  q.weights = weights;
  q.end = weights + p->quads * p->quad_words;
  q.row_bytes = q.quad_bytes = (uint32_t)(p->filter_height * p->taps * p->steps * p->step_bytes);
  if (!p->gathered) q.row_bytes = (uint32_t)(p->steps * p->step_bytes);
  b.rows[0] = b.patch;

  for (int32_t batch = 0; batch < p->batches; batch++) {
    for (int32_t first = 0; first < p->output_width; first += p->columns) {
      const int32_t left = p->output_width - first;
      const int32_t width = left < p->columns ? left : p->columns;
      const int32_t start = first * p->stride_width * p->input_channels;
      int32_t k = 0;
      memset(b.line, p->input_zero_point, (size_t)p->line_bytes);
      for (int32_t y = 0; y < p->output_height; y += row_step) {
        const int32_t top = y * p->stride_height;
        if (k < top) k = top;
        for (; k < top + p->ring_rows; k++) enter(p, input, k, start, &b);
        EDGEQ_ROLLED
        for (int32_t i = 0; i < p->filter_height; i++) {
          b.windows[i] = b.ring + (top + i * p->dilation_height) % p->ring_rows * 4 * p->row_fours;
        }
        int32_t offset = 0;
        for (int32_t x = 0; x < width; x += column_step * (int32_t)q.pairs) {
          int8_t *out = output + (y * p->output_width + first + x) * p->output_channels;
          const int alone = p->downwards ? y + 1 == p->output_height : x + 1 == width;
          q.output0 = whole ? out : b.spare;
          q.output1 = whole ? (alone ? out : out + second) : b.spare + channels;
          q.pairs = 1;
          if (several && x + column_step <= width) q.pairs = (uint32_t)((width - x) / column_step);
          pixels(p, &b, offset, &q);
          offset += (int32_t)q.pairs * next;
          if (!whole) {
            edgeq_copy_int8(out, b.spare, p->output_channels);
            if (!alone) edgeq_copy_int8(out + second, b.spare + channels, p->output_channels);
          }
        }
      }
    }
    const int32_t results = p->output_height * p->output_width * p->output_channels;
    edgeq_limit_int8(output, results, p->activation_min, p->activation_max);
    input += p->input_height * p->input_width * p->input_channels;
    output += results;
  }
}
