/* CONV_2D with a window of one pixel on int8, whose sums start differently at the borders, for cores with the
 * DSP extension. */
#include "edgeq/kernels.h"
#include "edgeq/mem.h"
#include "quads.h"

/* Pairs of pixels whose sums start alike, and whose outputs lie `apart` bytes from pixel to pixel; 0 if one
 * pixel is both columns. */
typedef struct segment {
  int32_t starts; /* which ones */
  int32_t output; /* of the first pixel */
  int32_t apart;
  int32_t pairs;
} segment;

typedef struct border {
  const edgeq_conv_1x1_bands_dsp_params *p;
  const int8_t *input;
  const int32_t *weights;
  int8_t *output;
  uint32_t *columns; /* of `waiting` pairs */
  int32_t *quad;     /* a copy of one quad's weights */
  segment *segments;
  int8_t *spare; /* a quad's results of two pixels */
  int32_t waiting;
  int32_t count; /* of segments */
} border;

/* `count` words, an even number. */
static void copy_words(int32_t *to, const int32_t *from, int32_t count) {
  for (; count >= 4; count -= 4, to += 4, from += 4) {
    const int32_t a = from[0];
    const int32_t b = from[1];
    const int32_t c = from[2];
    const int32_t d = from[3];
    to[0] = a;
    to[1] = b;
    to[2] = c;
    to[3] = d;
  }
  if (count > 0) {
    to[0] = from[0];
    to[1] = from[1];
  }
}

/* The products of all segments and one quad, whose weights `q` has. */
static void multiply_segments(const border *b, edgeq_quads *q, int32_t quad) {
  const edgeq_conv_1x1_dsp_params *inside = &b->p->inside;
  const int32_t left = inside->output_channels - 4 * quad;
  const uint32_t *columns = b->columns;
  const uint32_t *rows[2];
  q->rows = rows;
  for (const segment *s = b->segments; s < b->segments + b->count; s++) {
    copy_words(b->quad, b->p->starts + 4 * (s->starts * inside->quads + quad), EDGEQ_QUAD_STARTS);
    int8_t *output = b->output + s->output + 4 * quad;
    /* A last quad that is not whole would write to the next pixel. */
    const int32_t together = left >= 4 && inside->pairs > 1 ? s->pairs : 1;
    q->pairs = (uint32_t)together;
    for (int32_t i = 0; i < s->pairs; i += together) {
      rows[0] = rows[1] = columns;
      q->output0 = left >= 4 ? output : b->spare;
      q->output1 = left >= 4 ? output + s->apart : b->spare + 4;
      q->output_step = (uint32_t)(2 * s->apart - 4);
      inside->run(q);
      if (left < 4) {
        edgeq_copy_int8(output, b->spare, left);
        edgeq_copy_int8(output + s->apart, s->apart ? b->spare + 4 : b->spare, left);
      }
      columns += together * inside->depth;
      output += 2 * s->apart;
    }
  }
}

static void multiply_waiting(border *b) {
  const edgeq_conv_1x1_dsp_params *inside = &b->p->inside;
  edgeq_quads q;
  q.weights = b->quad;
  q.end = q.weights + inside->quad_words;
  q.row_bytes = q.quad_bytes = (uint32_t)(inside->depth / 2 * inside->step_bytes);
  q.column_bytes = (uint32_t)inside->depth * 4u;
  for (int32_t quad = 0; quad < inside->quads; quad++) {
    copy_words(b->quad, b->weights + quad * inside->quad_words, inside->quad_words);
    multiply_segments(b, &q, quad);
  }
  b->waiting = b->count = 0;
}

/* A pair of pixels waits for others; `apart` counts pixels. */
static void add_pair(border *b, int32_t starts, int32_t pixel, int32_t apart) {
  const edgeq_conv_1x1_bands_dsp_params *p = b->p;
  const int32_t channels = p->inside.input_channels;
  const int8_t *first = b->input + pixel * channels;
  const int8_t *second = first + apart * channels;
  uint32_t *columns = b->columns + b->waiting * p->inside.depth;
  const int32_t whole = channels & ~3;
  if (whole > 0) edgeq_quads_expand_both(columns, first, second, whole);
  if (whole < channels) {
    edgeq_quads_expand_rest(columns + whole, first + whole, channels - whole);
    edgeq_quads_expand_rest(columns + whole + 1, second + whole, channels - whole);
  }
  const int32_t output = pixel * p->inside.output_channels;
  const int32_t step = apart * p->inside.output_channels;
  segment *last = b->count > 0 ? b->segments + b->count - 1 : 0;
  if (last && step != 0 && last->starts == starts && last->apart == step &&
      output == last->output + 2 * step * last->pairs) {
    last->pairs++;
  } else {
    const segment one = {starts, output, step, 1};
    b->segments[b->count++] = one;
  }
  if (++b->waiting == p->pairs) multiply_waiting(b);
}

/* `count` pixels, one every `apart` from `pixel` on. */
static void add_run(border *b, int32_t starts, int32_t pixel, int32_t apart, int32_t count) {
  for (; count >= 2; count -= 2, pixel += 2 * apart) add_pair(b, starts, pixel, apart);
  if (count > 0) add_pair(b, starts, pixel, 0);
}

static void add_rectangles(border *b) {
  const int32_t *const rows = b->p->rows;
  const int32_t *const columns = b->p->columns;
  const int32_t width = columns[0] + columns[1] + columns[2];
  int32_t starts = 0;
  int32_t pixel = 0;
  for (int32_t i = 0; i < 3; i++) {
    for (int32_t k = 0; k < 3; pixel += columns[k++]) {
      if (rows[i] == 0 || columns[k] == 0 || (i == 1 && k == 1)) continue;
      if (columns[k] == 1) {
        add_run(b, starts, pixel, width, rows[i]);
      } else {
        for (int32_t row = 0; row < rows[i]; row++) {
          add_run(b, starts, pixel + row * width, 1, columns[k]);
        }
      }
      starts++;
    }
    pixel += (rows[i] - 1) * width;
  }
  if (b->waiting > 0) multiply_waiting(b);
}

void edgeq_conv_1x1_bands_dsp_int8(const edgeq_conv_1x1_bands_dsp_params *p, const int8_t *input,
                                   const int32_t *weights, int8_t *output, void *scratch) {
  const edgeq_conv_1x1_dsp_params *inside = &p->inside;
  const int32_t width = p->columns[0] + p->columns[1] + p->columns[2];
  const int32_t fours = (inside->input_channels + 3) & ~3;
  const int32_t last = inside->depth > fours ? inside->depth : fours;
  uint32_t *columns = (uint32_t *)scratch;
  int32_t *quad = (int32_t *)(columns + (p->pairs - 1) * inside->depth + last);
  segment *segments = (segment *)(void *)(quad + inside->quad_words);
  border b = {p, input, weights, output, columns, quad, segments, (int8_t *)(segments + p->pairs), 0, 0};

  for (int32_t row = p->rows[0]; row < p->rows[0] + p->rows[1]; row += inside->output_height) {
    const int32_t pixel = row * width + p->columns[0];
    edgeq_conv_1x1_dsp_int8(inside, input + pixel * inside->input_channels, weights,
                            output + pixel * inside->output_channels, scratch);
  }
  /* Values that pad the depth have weights of zero. */
  if (inside->depth > fours) memset(columns, 0, (size_t)((uint32_t *)quad - columns) * 4u);
  add_rectangles(&b);
  const int32_t pixels = (p->rows[0] + p->rows[1] + p->rows[2]) * width;
  edgeq_limit_int8(output, pixels * inside->output_channels, p->activation_min, p->activation_max);
}
