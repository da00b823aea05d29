/* TRANSPOSE_CONV on int8 for cores with the DSP extension. Rows of the input are expanded, some pixels at a
 * time, to rows of steps that the windows of all phases share. */
#include "edgeq/attributes.h"
#include "edgeq/kernels.h"
#include "quads.h"

/* Scratch, in this order. */
typedef struct buffers {
  const uint32_t **rows; /* of the window of a phase's first outputs */
  uint32_t *columns;     /* window_height rows of `pitch` words */
  int8_t *spare;         /* results of two pixels */
  int32_t pitch;
  int32_t window_height; /* of the largest phase */
  int32_t window_width;
} buffers;

static buffers divide(const edgeq_transpose_conv_dsp_params *p, void *scratch) {
  buffers b;
  b.window_height = (p->filter_height + p->stride_height - 1) / p->stride_height;
  b.window_width = (p->filter_width + p->stride_width - 1) / p->stride_width;
  b.pitch = (p->block + b.window_width - 1) * p->depth;
  b.rows = (const uint32_t **)scratch;
  b.columns = (uint32_t *)(void *)(b.rows + b.window_height);
  b.spare = (int8_t *)(b.columns + b.window_height * b.pitch + p->more);
  return b;
}

/* How many positions phase, phase + stride, ... there are before `end`. */
static int32_t positions(int32_t end, int32_t phase, int32_t stride) {
  return end > phase ? (end - phase + stride - 1) / stride : 0;
}

/* Whether a phase has one tap less than others along an axis. */
static int fewer(int32_t phase, int32_t filter, int32_t stride, int32_t most) {
  return most > 1 && phase + (most - 1) * stride >= filter;
}

/* `count` pixels as columns 0 (or 1, if `column` points there). Returns where the next ones go. */
static uint32_t *expand_pixels(const edgeq_transpose_conv_dsp_params *p, const int8_t *from, int32_t count,
                               uint32_t *column) {
  const int32_t rest = p->input_channels % 4;
  const int32_t run = rest > 0 ? p->input_channels - rest : count * p->input_channels;
  EDGEQ_ROLLED
  for (int32_t runs = rest > 0 ? count : 1; runs > 0; runs--, from += run + rest) {
    column = edgeq_quads_expand(column, from, run);
    if (rest == 0) continue;
    edgeq_quads_expand_rest(column, from + run, rest);
    column += 4;
  }
  return column;
}

/* The same of row y from pixel x on, which may lie outside. */
EDGEQ_NOINLINE static void expand(const edgeq_transpose_conv_dsp_params *p, const int8_t *input, int32_t y,
                                  int32_t x, int32_t count, uint32_t *column) {
  const uint32_t zero = (uint32_t)p->input_zero_point & 0xffffu;
  const uint32_t zeros = zero | zero << 16;
  const int inside = y >= 0 && y < p->input_height;
  int32_t before = x < 0 ? -x : 0;
  if (!inside || before > count) before = count;
  int32_t between = p->input_width - (x + before);
  if (between > count - before) between = count - before;
  if (!inside || between < 0) between = 0;
  column = edgeq_quads_fill(column, zeros, before * p->depth);
  if (between > 0) {
    const int8_t *from = input + (y * p->input_width + x + before) * p->input_channels;
    column = expand_pixels(p, from, between, column);
  }
  edgeq_quads_fill(column, zeros, (count - before - between) * p->depth);
}

/* `count` outputs of a phase side by side, whose windows begin at `rows`. */
EDGEQ_NOINLINE static void outputs(const edgeq_transpose_conv_dsp_params *p, const buffers *b, int32_t rows,
                                   int32_t count, edgeq_quads_run *run, edgeq_quads *q, int8_t *output) {
  const int32_t channels = p->quads * 4;
  const int32_t next = p->stride_width * p->output_channels;
  const int whole = p->output_channels == channels;
  while (count > 0) {
    const int alone = count == 1;
    const int32_t pairs = whole && !alone ? count / 2 : 1;
    q->pairs = (uint32_t)pairs;
    q->output0 = whole ? output : b->spare;
    q->output1 = whole ? (alone ? output : output + next) : b->spare + channels;
    run(q);
    if (!whole) {
      edgeq_copy_int8(output, b->spare, p->output_channels);
      if (!alone) edgeq_copy_int8(output + next, b->spare + channels, p->output_channels);
    }
    output += 2 * pairs * next;
    count -= 2 * pairs;
    EDGEQ_ROLLED
    for (int32_t i = 0; i < rows; i++) b->rows[i] += 2 * pairs * p->depth;
  }
}

/* All phases of outputs that begin with inputs (x, y) to (x + count - 1, y). */
static void phases(const edgeq_transpose_conv_dsp_params *p, const buffers *b, int32_t y, int32_t x,
                   int32_t count, const int32_t *weights, int8_t *output) {
  edgeq_quads q;
  q.rows = b->rows;
  q.column_bytes = (uint32_t)p->depth * 8u;
  q.output_step = (uint32_t)((2 * p->stride_width - 1) * p->output_channels);
  q.end = weights;
  for (int32_t below = 0; below < p->stride_height; below++) {
    const int lower = fewer(below, p->filter_height, p->stride_height, b->window_height);
    const int32_t rows = b->window_height - lower;
    const int32_t out_y = y * p->stride_height + below - p->pad_top;
    for (int32_t beside = 0; beside < p->stride_width; beside++) {
      const int narrower = fewer(beside, p->filter_width, p->stride_width, b->window_width);
      const int32_t kind = 2 * lower + narrower;
      q.row_bytes = (uint32_t)(p->steps[kind] * p->step_bytes);
      q.quad_bytes = (uint32_t)rows * q.row_bytes;
      q.weights = q.end;
      q.end += p->quads * (p->quad_words + (int32_t)q.quad_bytes / 4);
      if (out_y < 0 || out_y >= p->output_height) continue;
      int32_t first = positions(p->pad_left, beside, p->stride_width);
      int32_t end = positions(p->pad_left + p->output_width, beside, p->stride_width);
      if (first < x) first = x;
      if (end > x + count) end = x + count;
      if (first >= end) continue;
      const uint32_t *window = b->columns + lower * b->pitch + (narrower + first - x) * p->depth;
      EDGEQ_ROLLED
      for (int32_t i = 0; i < rows; i++, window += b->pitch) b->rows[i] = window;
      const int32_t out_x = first * p->stride_width + beside - p->pad_left;
      outputs(p, b, rows, end - first, p->run[kind], &q,
              output + (out_y * p->output_width + out_x) * p->output_channels);
    }
  }
}

void edgeq_transpose_conv_dsp_int8(const edgeq_transpose_conv_dsp_params *p, const int8_t *input,
                                   const int32_t *weights, int8_t *output, void *scratch) {
  const buffers b = divide(p, scratch);
  const int32_t first_y = p->pad_top / p->stride_height;
  const int32_t end_y = positions(p->pad_top + p->output_height, 0, p->stride_height);
  const int32_t first_x = p->pad_left / p->stride_width;
  const int32_t end_x = positions(p->pad_left + p->output_width, 0, p->stride_width);
  const int32_t results = p->output_height * p->output_width * p->output_channels;
  for (int32_t batch = 0; batch < p->batches; batch++) {
    for (int32_t y = first_y; y < end_y; y++) {
      for (int32_t x = first_x; x < end_x; x += p->block) {
        const int32_t count = end_x - x < p->block ? end_x - x : p->block;
        for (int32_t i = 0; i < b.window_height; i++) {
          uint32_t *row = b.columns + i * b.pitch;
          const int32_t in_y = y + 1 - b.window_height + i, in_x = x + 1 - b.window_width;
          expand(p, input, in_y, in_x, count + b.window_width - 1, row);
          expand(p, input, in_y, in_x + 1, count + b.window_width - 1, row + 1);
        }
        phases(p, &b, y, x, count, weights, output);
      }
    }
    edgeq_limit_int8(output, results, p->activation_min, p->activation_max);
    input += p->input_height * p->input_width * p->input_channels;
    output += results;
  }
}
