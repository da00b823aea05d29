/* DEPTHWISE_CONV_2D on int8 for cores with the DSP extension. Four channels at a time become pairs of rows, a
 * band of them at a time, and then each channel's products run over the band, four outputs in one pass over
 * the weights. A dilated window reads every few rows and columns: these are an image of their own. */
#include "depthwise_pairs.h"
#include "edgeq/kernels.h"
#include "edgeq/mem.h"
#include "pair_rows.h"

/* Outputs, and the bytes from one to the one below and beside it; `step` from one position of a window to
 * that of the next one. */
typedef struct edgeq_outputs {
  int32_t rows;
  int32_t columns;
  uint32_t row;
  uint32_t column;
  uint32_t step;
} edgeq_outputs;

/* Two columns at a time of each pair row. */
static void along(const edgeq_depthwise_pairs_dsp_params *p, edgeq_depthwise_pairs *d,
                  const edgeq_outputs *o) {
  const uint32_t *const pairs = d->pairs;
  int8_t *const output = d->output;
  d->step = 2 * o->step;
  d->next_output = 2 * o->column;
  for (int32_t y = 0; y < o->rows; y += 2) {
    d->pairs = pairs + y / 2 * (p->image.pitch / 4);
    d->output = output + (uint32_t)y * o->row;
    d->below = y + 1 < o->rows ? o->row : 0;
    d->second = o->step;
    d->beside = o->column;
    d->count = (uint32_t)o->columns / 2u;
    if (d->count > 0) p->run(d);
    if (o->columns % 2) {
      d->second = 0;
      d->beside = 0;
      d->count = 1;
      p->run(d);
    }
  }
}

/* Two pair rows at a time of each column. */
static void down(const edgeq_depthwise_pairs_dsp_params *p, edgeq_depthwise_pairs *d,
                 const edgeq_outputs *o) {
  const uint32_t *const pairs = d->pairs;
  int8_t *const output = d->output;
  const uint32_t pitch = (uint32_t)p->image.pitch;
  for (int32_t x = 0; x < o->columns; x++) {
    d->pairs = pairs + (uint32_t)x * (o->step / 4u);
    d->output = output + (uint32_t)x * o->column;
    d->below = o->row;
    d->second = pitch;
    d->step = 2 * pitch;
    d->beside = 2 * o->row;
    d->next_output = 4 * o->row;
    d->count = (uint32_t)o->rows / 4u;
    if (d->count > 0) p->run(d);
    /* One pair row that has no other beside it, and one row that has none below it. */
    d->second = 0;
    d->beside = 0;
    d->step = pitch;
    d->next_output = 2 * o->row;
    if (o->rows % 4 > 1) {
      d->count = 1;
      p->run(d);
    }
    if (o->rows % 2) {
      d->below = 0;
      d->count = 1;
      p->run(d);
    }
  }
}

/* Two pair rows at a time of each column: the last two begin among those that are done, and an odd row is
 * the first of two that are not there. */
static void lines(const edgeq_depthwise_pairs_dsp_params *p, edgeq_depthwise_pairs *d,
                  const edgeq_outputs *o) {
  const uint32_t *pairs = d->pairs;
  int8_t *output = d->output;
  const uint32_t rows = (uint32_t)o->rows;
  const uint32_t begin = (rows & ~3u) - 2u;
  d->second = (uint32_t)p->image.pitch;
  for (int32_t x = 0; x < o->columns; x++, pairs += o->step / 4u, output += o->column) {
    d->pairs = pairs;
    d->output = output;
    d->below = o->row;
    d->count = rows / 4u;
    p->run(d);
    d->count = 1;
    if (rows % 4u > 1) {
      d->pairs = pairs + begin / 2u * (d->second / 4u);
      d->output = output + begin * o->row;
      p->run(d);
    }
    if (rows % 2u) {
      d->pairs = pairs + rows / 2u * (d->second / 4u);
      d->output = output + (rows - 1u) * o->row;
      d->below = 0;
      p->run(d);
    }
  }
}

/* `count` windows in a line, `window` bytes apart, as their outputs are `output`. */
static void line(const edgeq_depthwise_pairs_dsp_params *p, edgeq_depthwise_pairs *d, uint32_t count,
                 uint32_t window, uint32_t output) {
  const uint32_t rest = count % 4u;
  d->second = window;
  d->third = 2 * window;
  d->fourth = 3 * window;
  d->beside = output;
  d->below = 2 * output;
  d->last = 3 * output;
  d->step = 4 * window;
  d->next_output = 4 * output;
  d->count = count / 4u;
  if (d->count > 0) p->run(d);
  if (rest == 0) return;
  d->fourth = d->last = 0;
  if (rest < 3) d->third = d->below = 0;
  if (rest < 2) d->second = d->beside = 0;
  d->count = 1;
  p->run(d);
}

/* Two columns of two rows at a time, where each pair row has one row of outputs. */
static void squares(const edgeq_depthwise_pairs_dsp_params *p, edgeq_depthwise_pairs *d,
                    const edgeq_outputs *o) {
  const uint32_t *const pairs = d->pairs;
  int8_t *const output = d->output;
  const uint32_t pitch = (uint32_t)p->image.pitch;
  const uint32_t rows = (uint32_t)o->rows & ~1u;
  const uint32_t columns = (uint32_t)o->columns & ~1u;
  for (uint32_t y = 0; y < rows && columns > 0; y += 2) {
    d->pairs = pairs + y * (pitch / 4u);
    d->output = output + y * o->row;
    d->second = o->step;
    d->third = pitch;
    d->fourth = pitch + o->step;
    d->beside = o->column;
    d->below = o->row;
    d->last = o->row + o->column;
    d->step = 2 * o->step;
    d->next_output = 2 * o->column;
    d->count = columns / 2u;
    p->run(d);
  }
  if (o->rows % 2) {
    d->pairs = pairs + rows * (pitch / 4u);
    d->output = output + rows * o->row;
    line(p, d, columns, o->step, o->column);
  }
  if (o->columns % 2) {
    d->pairs = pairs + columns * (o->step / 4u);
    d->output = output + columns * o->column;
    line(p, d, (uint32_t)o->rows, pitch, o->row);
  }
}

/* Outputs of `count` channels, whose pair rows begin at `pairs`. */
static void products(const edgeq_depthwise_pairs_dsp_params *p, const uint32_t *pairs, const int32_t *channel,
                     int32_t count, const edgeq_outputs *o, int8_t *output) {
  edgeq_depthwise_pairs d;
  d.next_row = (uint32_t)p->next_row;
  d.weight_bytes = 4u * (uint32_t)(p->words - 4);
  for (; count > 0; count--, pairs++) {
    for (int32_t m = p->depth_multiplier; m > 0; m--, channel += p->words, output++) {
      d.pairs = pairs;
      d.channel = channel;
      d.output = output;
      if (p->order == EDGEQ_DEPTHWISE_SQUARES) {
        squares(p, &d, o);
      } else if (p->order == EDGEQ_DEPTHWISE_LINES) {
        lines(p, &d, o);
      } else if (p->order == EDGEQ_DEPTHWISE_DOWN) {
        down(p, &d, o);
      } else {
        along(p, &d, o);
      }
    }
  }
}

/* All channels of an image whose first value is at `input`, of its outputs the first at `output`. */
static void convolve(const edgeq_depthwise_pairs_dsp_params *p, const edgeq_image *image,
                     const edgeq_outputs *all, const int8_t *input, const int32_t *weights, int8_t *output,
                     uint32_t *pairs) {
  const int32_t pitch = image->pitch / 4;
  const int32_t kept = p->window_rows - 1;
  const int32_t of_pair = p->order == EDGEQ_DEPTHWISE_SQUARES ? 1 : 2;
  edgeq_outputs o = *all;
  for (int32_t i = 0; i < p->band + kept; i++) edgeq_pad_pair_row(image, pairs + i * pitch);
  for (int32_t c = 0; c < p->channels; c += 4) {
    const int32_t count = p->channels - c < 4 ? p->channels - c : 4;
    /* The last four may begin among those that are done. */
    const int32_t exist = p->channels < 4 ? count : 4;
    const int32_t first = exist == 4 ? c + count - 4 : c;
    const int32_t channel = c * p->depth_multiplier;
    int32_t made = 0; /* pair rows, and how many of them lie in `pairs` */
    int32_t held = 0;
    for (int32_t y = 0; y < all->rows; y += o.rows) {
      o.rows = of_pair * p->band;
      if (o.rows > all->rows - y) o.rows = all->rows - y;
      const int32_t computed = (o.rows + of_pair - 1) / of_pair;
      while (held < computed + kept) {
        const int32_t more =
            edgeq_pair_rows(image, input + first, made, computed + kept - held, exist, pairs + held * pitch);
        made += more;
        held += more;
      }
      products(p, pairs + (c - first), weights + channel * p->words, count, &o,
               output + (uint32_t)y * o.row + channel);
      held = kept;
      for (int32_t i = 0; i < kept && y + o.rows < all->rows; i++) {
        memcpy(pairs + i * pitch, pairs + (computed + i) * pitch, (size_t)pitch * 4u);
      }
    }
  }
}

/* Every `step`th of `size` values that a window reads whose outputs begin at `phase`: how many, how many
 * lie before them, and, returned, the first of them. */
static int32_t every(int32_t phase, int32_t step, int32_t *size, int32_t *pad) {
  const int32_t begin = phase - *pad;
  *pad = begin < 0 ? (step - 1 - begin) / step : 0;
  const int32_t first = begin + *pad * step;
  *size = (*size - first + step - 1) / step;
  return first;
}

void edgeq_depthwise_pairs_dsp_int8(const edgeq_depthwise_pairs_dsp_params *p, const int8_t *input,
                                    const int32_t *weights, int8_t *output, void *scratch) {
  const int32_t pixel = p->channels * p->depth_multiplier;
  const int32_t outputs = p->output_height * p->output_width * pixel;
  for (int32_t batch = 0; batch < p->batches; batch++) {
    for (int32_t y = 0; y < p->dilation_height && y < p->output_height; y++) {
      for (int32_t x = 0; x < p->dilation_width && x < p->output_width; x++) {
        edgeq_image image = p->image;
        const int32_t top = every(y, p->dilation_height, &image.height, &image.pad_top);
        const int32_t left = every(x, p->dilation_width, &image.width, &image.pad_left);
        edgeq_outputs o;
        o.rows = (p->output_height - y + p->dilation_height - 1) / p->dilation_height;
        o.columns = (p->output_width - x + p->dilation_width - 1) / p->dilation_width;
        o.row = (uint32_t)(p->dilation_height * p->output_row);
        o.column = (uint32_t)(p->dilation_width * p->output_column);
        o.step = 16u * (uint32_t)p->stride_width;
        image.positions = (o.columns - 1) * p->stride_width + p->filter_width;
        image.inside = image.positions - image.pad_left;
        if (image.inside > image.width) image.inside = image.width;
        image.row *= p->dilation_height;
        image.column *= p->dilation_width;
        convolve(p, &image, &o, input + top * p->image.row + left * p->image.column, weights,
                 output + y * p->output_row + x * p->output_column, (uint32_t *)scratch);
      }
    }
    edgeq_limit_int8(output, outputs, p->activation_min, p->activation_max);
    input += p->image.height * p->image.width * p->channels;
    output += outputs;
  }
}
