/* DEPTHWISE_CONV_2D on int8 for the vector extension, eight channels at a time: a vector holds a window of
 * one channel, of one or two rows of outputs. */
#include "edgeq/attributes.h"
#include "edgeq/kernels_mve.h"
#include "edgeq/mem.h"
#include "edgeq/mve.h"

#define BLOCK 8   /* channels */
#define PIXELS 8  /* whose sums are there at one time */
#define VECTOR 16 /* bytes */

EDGEQ_STATIC_ASSERT(EDGEQ_DEPTHWISE_MVE_SUMS == BLOCK * PIXELS * 2 * 4, "sums of two rows");

/* Eight channels, of which `channels` exist, in one or two rows of outputs, of which `rows` exist. */
typedef struct block {
  const int8_t *weights;
  const int32_t *scales;
  const int8_t *planes;
  int32_t *sums; /* [pixel][channel][row] */
  int8_t *output;
  int32_t channels;
  int32_t rows;
} block;

/* One row of the planes' columns: `count` values of each channel, `step` bytes apart, or all the same. */
EDGEQ_INLINE void fill_row(const int8_t *in, int32_t step, int32_t channels, int32_t count,
                           edgeq_halves offsets, int32_t height, int8_t *to) {
  for (; count > 0; count--, to += height, in += step) {
    edgeq_scatter_halves_as_bytes(to, offsets, edgeq_load_bytes_as_halves(in, channels));
  }
}

/* The rows of the planes' columns from y on that lie in the input; the others are as padded. `input` is the
 * first channel's. */
EDGEQ_NOINLINE static void fill_planes(const edgeq_depthwise_conv_2d_mve_params *p, const int8_t *input,
                                       int32_t y, int32_t channels, int8_t *planes) {
  const int32_t height = p->height;
  const int32_t input_height = p->input_height;
  const int32_t step = p->channels;
  const int32_t row_step = p->input_width * step;
  const int32_t room = p->columns - p->pad_left;
  const int32_t inside = room < p->input_width ? room : p->input_width;
  const edgeq_halves offsets = edgeq_multiples(p->plane);
  const edgeq_halves padding = edgeq_same_halves(p->input_zero_point);
  int8_t *to = planes + p->pad_left * height;
  for (int32_t row = 0; row < height; row++, y++, to++) {
    if (y < 0 || y >= input_height) {
      int8_t *at = to;
      for (int32_t x = inside; x > 0; x--, at += height) edgeq_scatter_halves_as_bytes(at, offsets, padding);
    } else if (channels >= BLOCK) {
      fill_row(input + y * row_step, step, BLOCK, inside, offsets, height, to);
    } else {
      fill_row(input + y * row_step, step, channels, inside, offsets, height, to);
    }
  }
}

/* Sums of `pixels` windows of each channel, the first of which is `first` bytes into the planes. */
EDGEQ_INLINE void sum_pixels(const edgeq_depthwise_conv_2d_mve_params *p, const block *b, int32_t first,
                             int32_t pixels, int32_t sixteens) {
  const int32_t step = p->stride_width * p->height;
  const int32_t next = p->shift + VECTOR * sixteens;
  const int32_t plane_bytes = p->plane;
  const int8_t *lower = b->weights;
  const int8_t *upper = lower + p->shift;
  const int8_t *plane = b->planes + first;
  int32_t *sums = b->sums;
  for (int32_t c = b->channels; c > 0; c--, sums += 2, plane += plane_bytes, lower += next, upper += next) {
    const edgeq_bytes weights0 = edgeq_load_bytes(upper, VECTOR);
    const edgeq_bytes weights1 = edgeq_load_bytes(lower, VECTOR);
    const int8_t *window = plane;
    int32_t *to = sums;
    for (int32_t left = pixels; left > 0; left--, window += step, to += 2 * BLOCK) {
      const edgeq_bytes x = edgeq_load_bytes(window, VECTOR);
      int32_t sum0 = edgeq_multiply_add_bytes(0, x, weights0);
      int32_t sum1 = edgeq_multiply_add_bytes(0, x, weights1);
      for (int32_t i = 1; i < sixteens; i++) {
        const edgeq_bytes more = edgeq_load_bytes(window + VECTOR * i, VECTOR);
        sum0 = edgeq_multiply_add_bytes(sum0, more, edgeq_load_bytes(upper + VECTOR * i, VECTOR));
        sum1 = edgeq_multiply_add_bytes(sum1, more, edgeq_load_bytes(lower + VECTOR * i, VECTOR));
      }
      to[0] = sum0;
      to[1] = sum1;
    }
  }
}

EDGEQ_NOINLINE static void sum_small(const edgeq_depthwise_conv_2d_mve_params *p, const block *b,
                                     int32_t first, int32_t pixels) {
  sum_pixels(p, b, first, pixels, 1);
}

EDGEQ_NOINLINE static void sum_large(const edgeq_depthwise_conv_2d_mve_params *p, const block *b,
                                     int32_t first, int32_t pixels) {
  sum_pixels(p, b, first, pixels, p->sixteens);
}

/* What four channels' sums need to become outputs. */
typedef struct scale {
  edgeq_words start;
  edgeq_words multiplier;
  edgeq_words constant;
  edgeq_words shift;
  edgeq_words low;
  edgeq_words high;
} scale;

EDGEQ_INLINE void store(const scale *s, edgeq_words sum, int clamped, int32_t channels, int8_t *output) {
  const edgeq_words product = edgeq_high_multiply_words(edgeq_add_words(sum, s->start), s->multiplier);
  edgeq_words x = edgeq_add_words(product, s->constant);
  if (!clamped) x = edgeq_add_words(x, edgeq_sign_of_words(product));
  x = edgeq_shift_words(x, s->shift);
  edgeq_store_words_as_bytes(output, edgeq_smaller_words(edgeq_larger_words(x, s->low), s->high), channels);
}

/* The outputs of `pixels` sums of four channels, of which `channels` exist. */
EDGEQ_INLINE void store_fours(const edgeq_depthwise_conv_2d_mve_params *p, const block *b, int32_t first,
                              int32_t pixels, int clamped, int32_t channels, int8_t *output) {
  const int32_t *scales = b->scales + first;
  const scale s = {
      edgeq_load_words(scales),
      edgeq_load_words(scales + BLOCK),
      edgeq_load_words(scales + 2 * BLOCK),
      edgeq_load_words(scales + 3 * BLOCK),
      edgeq_same_words(p->activation_min),
      edgeq_same_words(p->activation_max),
  };
  const int32_t *sums = b->sums + 2 * first;
  const int32_t step = p->channels;
  const int two = b->rows == 2;
  int8_t *below = output + p->output_width * step;
  for (int32_t left = pixels; left > 0; left--, sums += 2 * BLOCK, output += step, below += step) {
    const edgeq_word_pairs both = edgeq_load_word_pairs(sums);
    store(&s, both.first, clamped, channels, output);
    if (two) store(&s, both.second, clamped, channels, below);
  }
}

EDGEQ_INLINE void store_any(const edgeq_depthwise_conv_2d_mve_params *p, const block *b, int32_t pixels,
                            int clamped, int8_t *output) {
  for (int32_t first = 0; first < b->channels; first += 4) {
    const int32_t left = b->channels - first;
    if (left >= 4) {
      store_fours(p, b, first, pixels, clamped, 4, output + first);
    } else {
      store_fours(p, b, first, pixels, clamped, left, output + first);
    }
  }
}

EDGEQ_NOINLINE static void store_exact(const edgeq_depthwise_conv_2d_mve_params *p, const block *b,
                                       int32_t pixels, int8_t *output) {
  store_any(p, b, pixels, 0, output);
}

EDGEQ_NOINLINE static void store_clamped(const edgeq_depthwise_conv_2d_mve_params *p, const block *b,
                                         int32_t pixels, int8_t *output) {
  store_any(p, b, pixels, 1, output);
}

static void compute(const edgeq_depthwise_conv_2d_mve_params *p, const block *b) {
  for (int32_t x = 0; x < p->output_width; x += PIXELS) {
    const int32_t left = p->output_width - x;
    const int32_t pixels = left < PIXELS ? left : PIXELS;
    const int32_t first = x * p->stride_width * p->height;
    int8_t *output = b->output + x * p->channels;
    if (p->sixteens == 1) {
      sum_small(p, b, first, pixels);
    } else {
      sum_large(p, b, first, pixels);
    }
    if (p->clamped) {
      store_clamped(p, b, pixels, output);
    } else {
      store_exact(p, b, pixels, output);
    }
  }
}

void edgeq_depthwise_conv_2d_mve_int8(const edgeq_depthwise_conv_2d_mve_params *p, const int8_t *input,
                                      const int8_t *weights, int8_t *output, void *scratch) {
  int8_t *planes = (int8_t *)scratch + EDGEQ_DEPTHWISE_MVE_SUMS;
  memset(planes, p->input_zero_point, (size_t)(BLOCK * p->plane));
  for (int32_t batch = 0; batch < p->batches; batch++) {
    for (int32_t out_y = 0; out_y < p->output_height; out_y += p->rows) {
      block b;
      b.planes = planes;
      b.sums = (int32_t *)scratch;
      b.weights = weights;
      b.scales = p->scales;
      b.rows = p->output_height - out_y < p->rows ? p->output_height - out_y : p->rows;
      for (int32_t channel = 0; channel < p->channels; channel += BLOCK) {
        const int32_t left = p->channels - channel;
        b.channels = left < BLOCK ? left : BLOCK;
        b.output = output + channel;
        fill_planes(p, input + channel, out_y * p->stride_height - p->pad_top, b.channels, planes);
        compute(p, &b);
        b.weights += BLOCK * (p->shift + VECTOR * p->sixteens);
        b.scales += 4 * BLOCK;
      }
      output += b.rows * p->output_width * p->channels;
    }
    input += p->input_height * p->input_width * p->channels;
  }
}
