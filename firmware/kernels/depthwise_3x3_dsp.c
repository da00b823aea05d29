/* DEPTHWISE_CONV_2D with 3x3 filters on int8 for cores with the DSP extension. Four channels at a time become
 * pairs of rows, a band of them at a time, and then each channel's products run over the band. */
#include "edgeq/kernels.h"
#include "edgeq/mem.h"
#include "pair_rows.h"

/* Outputs of `count` channels; `rows` output rows from `output` on, whose pair rows begin at `pairs`. */
static void products(const edgeq_depthwise_3x3_dsp_params *p, const uint32_t *pairs, const int32_t *channel,
                     int32_t count, int32_t rows, int8_t *output) {
  const uint32_t pixel = (uint32_t)(p->channels * p->depth_multiplier);
  const uint32_t row = (uint32_t)p->output_width * pixel;
  const uint32_t pairs_of_rows = (uint32_t)(p->stride == 1 ? rows / 2 : rows);
  edgeq_depthwise_3x3 d;
  d.pairs = pairs;
  d.channel = channel;
  d.output = output;
  d.pitch = (uint32_t)p->image.pitch;
  d.pixel = pixel;
  d.below = p->stride == 2 || rows > 1 ? row : 0;
  d.next = p->stride == 1 ? row : 0;
  d.odd = (uint32_t)p->output_width % 2u;
  /* The assembly's `output` is at the last column, if that is an odd one. */
  if (d.odd) d.next += pixel;
  d.even = ((uint32_t)p->output_width & ~1u) * (uint32_t)p->stride * 16u;
  d.rows = pairs_of_rows > 0 ? pairs_of_rows : 1;
  d.more = p->stride == 1 && rows > 1 && rows % 2 ? 1 : 0;
  for (; count > 0; count--, d.pairs++) {
    for (int32_t m = p->depth_multiplier; m > 0; m--, d.channel += EDGEQ_DEPTHWISE_3X3_WORDS, d.output++) {
      p->run(&d);
    }
  }
}

void edgeq_depthwise_3x3_dsp_int8(const edgeq_depthwise_3x3_dsp_params *p, const int8_t *input,
                                  const int32_t *weights, int8_t *output, void *scratch) {
  uint32_t *pairs = (uint32_t *)scratch;
  const edgeq_image *const image = &p->image;
  const int32_t pitch = image->pitch / 4;
  const int32_t rows_of_pair = p->stride == 1 ? 2 : 1;
  const int32_t out_row = p->output_width * p->channels * p->depth_multiplier;

  for (int32_t i = 0; i <= p->band; i++) edgeq_pad_pair_row(image, pairs + i * pitch);
  for (int32_t batch = 0; batch < p->batches; batch++) {
    for (int32_t c = 0; c < p->channels; c += 4) {
      const int32_t count = p->channels - c < 4 ? p->channels - c : 4;
      /* The last four may begin among those that are done. */
      const int32_t exist = p->channels < 4 ? count : 4;
      const int32_t first = exist == 4 ? c + count - 4 : c;
      int32_t t = 0;
      (void)edgeq_pair_rows(image, input + first, 0, 1, exist, pairs);
      for (int32_t y = 0; y < p->output_height;) {
        int32_t rows = p->band * rows_of_pair;
        if (rows > p->output_height - y) rows = p->output_height - y;
        const int32_t last = (rows + rows_of_pair - 1) / rows_of_pair;
        for (int32_t i = 1; i <= last;) {
          i += edgeq_pair_rows(image, input + first, t + i, last + 1 - i, exist, pairs + i * pitch);
        }
        const int32_t channel = c * p->depth_multiplier;
        products(p, pairs + (c - first), weights + channel * EDGEQ_DEPTHWISE_3X3_WORDS, count, rows,
                 output + y * out_row + channel);
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
