/* CONV_2D on int8 for cores with the DSP extension. Each row of the input is expanded once, to rows of steps
 * that the windows of two neighbouring pixels share; a ring keeps as many as a window is high. */
#include "edgeq/kernels.h"
#include "edgeq/mem.h"
#include "quads.h"

/* Scratch, in this order. */
typedef struct buffers {
  uint32_t *ring;           /* filter_height rows of 4 * row_fours words */
  uint32_t *patch;          /* if gathered: filter_height rows of 2 * steps words */
  const uint32_t **rows;    /* of the window: filter_height */
  const uint32_t **windows; /* of the window of the first pixel: filter_height */
  int8_t *line;             /* one padded row of the input, if its channels are not in fours */
  int8_t *spare;            /* results of two pixels */
} buffers;

static buffers divide(const edgeq_conv_rows_dsp_params *p, void *scratch) {
  buffers b;
  b.rows = (const uint32_t **)scratch;
  b.windows = b.rows + p->filter_height;
  b.ring = (uint32_t *)(void *)(b.windows + p->filter_height);
  b.patch = b.ring + p->filter_height * 4 * p->row_fours;
  b.line = (int8_t *)(b.patch + (p->gathered ? p->filter_height * 2 * p->steps : 0));
  b.spare = b.line + p->line_bytes;
  return b;
}

/* Values of row `y` of the padded input, from value `start` on, as columns 0 (or 1, if `column` points
 * there). */
static void expand(const edgeq_conv_rows_dsp_params *p, const int8_t *input, int32_t y, int32_t start,
                   int8_t *line, uint32_t *column) {
  const int32_t count = 4 * p->row_fours;
  const int32_t before = p->pad_left * p->input_channels;
  const int32_t width = p->input_width * p->input_channels;
  const int inside = y >= 0 && y < p->input_height;
  const int8_t *row = inside ? input + y * width : input;

  if (p->line_bytes > 0) {
    const int32_t length = p->line_bytes - 4 - before < width ? p->line_bytes - 4 - before : width;
    int8_t *values = line + (-before & 3);
    if (inside) {
      memcpy(values + before, row, (size_t)length);
    } else {
      memset(values + before, p->input_zero_point, (size_t)length);
    }
    edgeq_quads_expand_in_order(column, values + start, count);
    return;
  }
  const uint32_t zero = (uint32_t)p->input_zero_point & 0xffffu;
  const uint32_t zeros = zero | zero << 16;
  int32_t left = before > start ? before - start : 0;
  int32_t skipped = start > before ? start - before : 0;
  if (!inside || left > count) left = count;
  if (skipped > width) skipped = width;
  int32_t middle = count - left;
  if (middle > width - skipped) middle = width - skipped;
  column = edgeq_quads_fill(column, zeros, left);
  column = edgeq_quads_expand(column, row + skipped, middle);
  edgeq_quads_fill(column, zeros, count - left - middle);
}

/* Row k of the windows into the ring. */
static void enter(const edgeq_conv_rows_dsp_params *p, const int8_t *input, int32_t k, const buffers *b) {
  uint32_t *row = b->ring + k % p->filter_height * 4 * p->row_fours;
  const int32_t y = k - p->pad_top;
  const int32_t below = p->downwards ? p->stride_height : 0;
  const int32_t beside = p->downwards ? 0 : p->stride_width * p->input_channels;
  expand(p, input, y, 0, b->line, row);
  expand(p, input, y + below, beside, b->line, row + 1);
}

/* The pixels, two to a pair, whose first windows begin at `offset` words of each row; one pair, if gathered.
 */
static void pixels(const edgeq_conv_rows_dsp_params *p, const buffers *b, int32_t offset, edgeq_quads *q) {
  if (!p->gathered) {
    for (int32_t i = 0; i < p->filter_height; i++) b->rows[i] = b->windows[i] + offset;
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
  q.row_bytes = q.quad_bytes = (uint32_t)(p->filter_height * p->steps * p->step_bytes);
  if (!p->gathered) q.row_bytes = (uint32_t)(p->steps * p->step_bytes);
  b.rows[0] = b.patch;
  memset(b.line, p->input_zero_point, (size_t)p->line_bytes);

  for (int32_t batch = 0; batch < p->batches; batch++) {
    int32_t k = 0;
    for (int32_t y = 0; y < p->output_height; y += row_step) {
      const int32_t top = y * p->stride_height;
      if (k < top) k = top;
      for (; k < top + p->filter_height; k++) enter(p, input, k, &b);
      for (int32_t i = 0; i < p->filter_height; i++) {
        b.windows[i] = b.ring + (top + i) % p->filter_height * 4 * p->row_fours;
      }
      int32_t offset = 0;
      for (int32_t x = 0; x < p->output_width; x += column_step * (int32_t)q.pairs) {
        int8_t *out = output + (y * p->output_width + x) * p->output_channels;
        const int alone = p->downwards ? y + 1 == p->output_height : x + 1 == p->output_width;
        q.output0 = whole ? out : b.spare;
        q.output1 = whole ? (alone ? out : out + second) : b.spare + channels;
        q.pairs = 1;
        if (several && x + column_step <= p->output_width) {
          q.pairs = (uint32_t)((p->output_width - x) / column_step);
        }
        pixels(p, &b, offset, &q);
        offset += (int32_t)q.pairs * next;
        if (!whole) {
          edgeq_copy_int8(out, b.spare, p->output_channels);
          if (!alone) edgeq_copy_int8(out + second, b.spare + channels, p->output_channels);
        }
      }
    }
    const int32_t results = p->output_height * p->output_width * p->output_channels;
    edgeq_limit_int8(output, results, p->activation_min, p->activation_max);
    input += p->input_height * p->input_width * p->input_channels;
    output += results;
  }
}
