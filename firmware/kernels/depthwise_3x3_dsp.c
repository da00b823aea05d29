/* DEPTHWISE_CONV_2D with 3x3 filters on int8 for cores with the DSP extension. Four channels at a time become
 * pairs of rows, a band of them at a time, and then each channel's products run over the band. */
#include "edgeq/attributes.h"
#include "edgeq/kernels.h"
#include "edgeq/mem.h"
#include "pair_rows.h"

/* Runs of pair rows whose rows are inside alike: with padding of one row, three. */
#define RUNS 4

/* What to make all pair rows of an image from, if they are one band and few runs. */
typedef struct sources {
  edgeq_depthwise_3x3_source run[RUNS];
  int32_t count; /* 0: they are not */
} sources;

static int32_t rows_of_pair(const edgeq_depthwise_3x3_dsp_params *p) {
  return p->stride == 1 ? 2 : 1;
}

static EDGEQ_NOINLINE void find_sources(const edgeq_depthwise_3x3_dsp_params *p, const int8_t *input,
                                        uint32_t *pairs, sources *all) {
  const int32_t of_pair = rows_of_pair(p);
  const int32_t last = (p->output_height + of_pair - 1) / of_pair;
  int32_t t = 0;
  all->count = 0;
  if (last > p->band || p->channels < 4) return;
  while (t <= last && all->count < RUNS) {
    edgeq_depthwise_3x3_source *s = &all->run[all->count++];
    *s = edgeq_pair_rows_source(&p->image, input, t, last + 1 - t, pairs + t * (p->image.pitch / 4));
    t += s->rows;
  }
  if (t <= last) all->count = 0;
}

/* Makes them, `channels` further on than before. */
static void make_pairs(sources *all, int32_t channels) {
  for (int32_t i = 0; i < all->count; i++) {
    edgeq_depthwise_3x3_source *s = &all->run[i];
    if (s->upper_step != 0) s->upper += channels;
    if (s->lower_step != 0) s->lower += channels;
    edgeq_depthwise_3x3_pairs(s);
  }
}

/* `rows` rows of outputs, where each channel's are. */
static void set_rows(const edgeq_depthwise_3x3_dsp_params *p, int32_t rows, edgeq_depthwise_3x3 *d) {
  const uint32_t pairs_of_rows = (uint32_t)(rows / rows_of_pair(p));
  d->below = p->stride == 2 || rows > 1 ? (uint32_t)p->output_width * d->pixel : 0;
  d->rows = pairs_of_rows > 0 ? pairs_of_rows : 1;
  d->more = p->stride == 1 && rows > 1 && rows % 2 ? 1 : 0;
}

static void set_image(const edgeq_depthwise_3x3_dsp_params *p, edgeq_depthwise_3x3 *d) {
  d->pitch = (uint32_t)p->image.pitch;
  d->pixel = (uint32_t)(p->channels * p->depth_multiplier);
  d->next = p->stride == 1 ? (uint32_t)p->output_width * d->pixel : 0;
  d->odd = (uint32_t)p->output_width % 2u;
  /* The assembly's `output` is at the last column, if that is an odd one. */
  if (d->odd) d->next += d->pixel;
  d->even = ((uint32_t)p->output_width & ~1u) * (uint32_t)p->stride * 16u;
}

/* Outputs of `count` channels, `apart` from one to the next, whose pair rows begin at `pairs`. */
static void products(const edgeq_depthwise_3x3_dsp_params *p, const uint32_t *pairs, int32_t count,
                     int32_t apart, const int32_t *channel, int8_t *output, edgeq_depthwise_3x3 *d) {
  d->pairs = pairs;
  d->channel = channel;
  d->output = output;
  for (; count > 0; count--, d->pairs += apart, d->output += apart - 1) {
    for (int32_t m = p->depth_multiplier; m > 0; m--, d->channel += EDGEQ_DEPTHWISE_3X3_WORDS, d->output++) {
      p->run(d);
    }
  }
}

void edgeq_depthwise_3x3_dsp_int8(const edgeq_depthwise_3x3_dsp_params *p, const int8_t *input,
                                  const int32_t *weights, int8_t *output, void *scratch) {
  uint32_t *pairs = (uint32_t *)scratch;
  const edgeq_image *const image = &p->image;
  const int32_t pitch = image->pitch / 4;
  const int32_t of_pair = rows_of_pair(p);
  const int32_t out_row = p->output_width * p->channels * p->depth_multiplier;
  edgeq_depthwise_3x3 d;
  sources all;

  set_image(p, &d);
  for (int32_t i = 0; i <= p->band; i++) edgeq_pad_pair_row(image, pairs + i * pitch);
  for (int32_t batch = 0; batch < p->batches; batch++) {
    int32_t at = 0; /* the channel that `all` is at */
    find_sources(p, input, pairs, &all);
    for (int32_t c = 0; c < p->channels_read; c += 4) {
      const int32_t count = p->channels_read - c < 4 ? p->channels_read - c : 4;
      const int32_t apart = count == 2 && p->channels - c == 4 ? 2 : 1;
      /* The last four may begin among those that are done. */
      const int32_t exist = p->channels < 4 ? p->channels : 4;
      const int32_t first = c + exist <= p->channels ? c : p->channels - exist;
      const int32_t channel = c * p->depth_multiplier;
      const int32_t *const words = weights + channel * EDGEQ_DEPTHWISE_3X3_WORDS;
      if (all.count > 0) {
        make_pairs(&all, first - at);
        at = first;
        if (c == 0) set_rows(p, p->output_height, &d);
        products(p, pairs + (c - first), count, apart, words, output + channel, &d);
        continue;
      }
      int32_t t = 0;
      for (int32_t y = 0; y < p->output_height;) {
        int32_t rows = p->band * of_pair;
        if (rows > p->output_height - y) rows = p->output_height - y;
        const int32_t last = (rows + of_pair - 1) / of_pair;
        for (int32_t i = y > 0 ? 1 : 0; i <= last;) {
          i += edgeq_pair_rows(image, input + first, t + i, last + 1 - i, exist, pairs + i * pitch);
        }
        set_rows(p, rows, &d);
        products(p, pairs + (c - first), count, apart, words, output + y * out_row + channel, &d);
        if (y + rows < p->output_height) {
          memcpy(pairs, pairs + last * pitch, (size_t)pitch * 4u);
        }
        t += last;
        y += rows;
      }
    }
    const int32_t outputs = p->output_height * out_row;
    edgeq_limit_int8(output, outputs, p->activation_min, p->activation_max);
    input += image->height * image->row;
    output += outputs;
  }
}
