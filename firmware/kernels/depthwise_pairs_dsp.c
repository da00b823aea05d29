/* DEPTHWISE_CONV_2D with strides of 1 on int8 for cores with the DSP extension. Four channels at a time
 * become pairs of rows, a band of them at a time, and then each channel's products run over the band, two
 * windows of two outputs each in one pass over the weights. */
#include "depthwise_pairs.h"
#include "edgeq/kernels.h"
#include "edgeq/mem.h"
#include "pair_rows.h"

/* Two columns at a time of each pair row; outputs are `row` bytes apart from those below. */
static void along(const edgeq_depthwise_pairs_dsp_params *p, edgeq_depthwise_pairs *d, int32_t rows,
                  uint32_t pixel, uint32_t row) {
  const uint32_t *const pairs = d->pairs;
  int8_t *const output = d->output;
  d->step = 32;
  d->next_output = 2 * pixel;
  for (int32_t y = 0; y < rows; y += 2) {
    d->pairs = pairs + y / 2 * (p->pitch / 4);
    d->output = output + (uint32_t)y * row;
    d->below = y + 1 < rows ? row : 0;
    d->second = 16;
    d->beside = pixel;
    d->count = (uint32_t)p->output_width / 2u;
    if (d->count > 0) p->run(d);
    if (p->output_width % 2) {
      d->second = 0;
      d->beside = 0;
      d->count = 1;
      p->run(d);
    }
  }
}

/* Two pair rows at a time of each column. */
static void down(const edgeq_depthwise_pairs_dsp_params *p, edgeq_depthwise_pairs *d, int32_t rows,
                 uint32_t pixel, uint32_t row) {
  const uint32_t *const pairs = d->pairs;
  int8_t *const output = d->output;
  for (int32_t x = 0; x < p->output_width; x++) {
    d->pairs = pairs + 4 * x;
    d->output = output + (uint32_t)x * pixel;
    d->below = row;
    d->second = (uint32_t)p->pitch;
    d->step = 2 * (uint32_t)p->pitch;
    d->beside = 2 * row;
    d->next_output = 4 * row;
    d->count = (uint32_t)rows / 4u;
    if (d->count > 0) p->run(d);
    /* One pair row that has no other beside it, and one row that has none below it. */
    d->second = 0;
    d->beside = 0;
    d->step = (uint32_t)p->pitch;
    d->next_output = 2 * row;
    if (rows % 4 > 1) {
      d->count = 1;
      p->run(d);
    }
    if (rows % 2) {
      d->below = 0;
      d->count = 1;
      p->run(d);
    }
  }
}

/* Outputs of `count` channels; `rows` output rows from `output` on, whose pair rows begin at `pairs`. */
static void products(const edgeq_depthwise_pairs_dsp_params *p, const uint32_t *pairs, const int32_t *channel,
                     int32_t count, int32_t rows, int8_t *output) {
  const uint32_t pixel = (uint32_t)(p->channels * p->depth_multiplier);
  const uint32_t row = (uint32_t)p->output_width * pixel;
  edgeq_depthwise_pairs d;
  d.next_row = (uint32_t)p->next_row;
  d.weight_bytes = 4u * (uint32_t)(p->words - 4);
  for (; count > 0; count--, pairs++) {
    for (int32_t m = p->depth_multiplier; m > 0; m--, channel += p->words, output++) {
      d.pairs = pairs;
      d.channel = channel;
      d.output = output;
      if (p->downwards) {
        down(p, &d, rows, pixel, row);
      } else {
        along(p, &d, rows, pixel, row);
      }
    }
  }
}

void edgeq_depthwise_pairs_dsp_int8(const edgeq_depthwise_pairs_dsp_params *p, const int8_t *input,
                                    const int32_t *weights, int8_t *output, void *scratch) {
  uint32_t *pairs = (uint32_t *)scratch;
  const int32_t pitch = p->pitch / 4;
  const int32_t kept = p->window_rows - 1;
  const int32_t out_row = p->output_width * p->channels * p->depth_multiplier;
  edgeq_image image;
  image.height = p->input_height;
  image.width = p->input_width;
  image.channels = p->channels;
  image.pad_top = p->pad_top;
  image.pad_left = p->pad_left;
  image.outside = p->outside;
  image.positions = p->positions;
  image.inside = p->inside;
  image.pitch = p->pitch;

  for (int32_t i = 0; i < p->band + kept; i++) edgeq_pad_pair_row(&image, pairs + i * pitch);
  for (int32_t batch = 0; batch < p->batches; batch++) {
    for (int32_t c = 0; c < p->channels; c += 4) {
      const int32_t count = p->channels - c < 4 ? p->channels - c : 4;
      /* The last four may begin among those that are done. */
      const int32_t exist = p->channels < 4 ? count : 4;
      const int32_t first = exist == 4 ? c + count - 4 : c;
      const int32_t channel = c * p->depth_multiplier;
      int32_t made = 0; /* pair rows, and how many of them lie in `pairs` */
      int32_t held = 0;
      for (int32_t y = 0; y < p->output_height;) {
        int32_t rows = 2 * p->band;
        if (rows > p->output_height - y) rows = p->output_height - y;
        const int32_t computed = (rows + 1) / 2;
        while (held < computed + kept) {
          const int32_t more = edgeq_pair_rows(&image, input + first, made, computed + kept - held, exist,
                                               pairs + held * pitch);
          made += more;
          held += more;
        }
        products(p, pairs + (c - first), weights + channel * p->words, count, rows,
                 output + y * out_row + channel);
        y += rows;
        held = kept;
        for (int32_t i = 0; i < kept && y < p->output_height; i++) {
          memcpy(pairs + i * pitch, pairs + (computed + i) * pitch, (size_t)pitch * 4u);
        }
      }
    }
    const int32_t outputs = p->output_height * out_row;
    edgeq_limit_int8(output, outputs, p->activation_min, p->activation_max);
    input += p->input_height * p->input_width * p->channels;
    output += outputs;
  }
}
