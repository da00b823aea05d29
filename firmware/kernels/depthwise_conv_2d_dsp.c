/* DEPTHWISE_CONV_2D on int8 for cores with the DSP extension, four channels at a time. */
#include <stddef.h>

#include "edgeq/attributes.h"
#include "edgeq/dsp.h"
#include "edgeq/kernels.h"
#include "edgeq/mem.h"

/* Channels of one output pixel, in fours. The offsets are known to the assembly. Addresses are numbers: where
 * a window begins there may be nothing to point at. */
typedef struct edgeq_pixel {
  const uintptr_t *taps; /* from where the window begins to each tap */
  const int32_t *weights;
  const int32_t *channels;
  int8_t *output;
  uint32_t weight_bytes; /* of four channels */
  uint32_t entry;
  uintptr_t first; /* where the window begins, at the first of these channels */
  uintptr_t end;   /* behind the last one */
} edgeq_pixel;

#define UNROLL 8u

#ifdef EDGEQ_DSP

#define STEP_BYTES 60u

EDGEQ_STATIC_ASSERT(offsetof(edgeq_pixel, end) == 28, "the assembly knows edgeq_pixel");

/* Registers: r0 taps, r1 weights, r2 the window at a channel; r8 to r11 sums. Stack: the argument, the
 * weights' end, r2. Every instruction of a step is 4 bytes long, for the jump into the unrolled loop. Two
 * words of four channels become halfwords of one channel each by PKHBT, PKHTB and SXTB16. */
__attribute__((naked, noinline)) static void run(__attribute__((unused)) edgeq_pixel *p) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro edgeq_depthwise_result sum\n"
      "  ldmia  r0!, {r2, r3, r4}\n"
      "  add.w  r3, r3, \\sum, asr #31\n"
      "  smmlar \\sum, \\sum, r2, r3\n"
      "  asr.w  \\sum, \\sum, r4\n"
      "  ssat   \\sum, #8, \\sum\n"
      ".endm\n"
      "  push   {r0-r11, lr}\n"
      "  ldr    r1, [r0, #4]\n"
      "  ldr    r2, [r0, #24]\n"
      "2:\n"
      "  ldr    r3, [r0, #16]\n"
      "  ldr    r4, [r0, #20]\n"
      "  ldr    r5, [r0, #8]\n"
      "  ldr    r0, [r0]\n"
      "  ldmia  r5, {r8, r9, r10, r11}\n"
      "  add    r3, r3, r1\n"
      "  str    r3, [sp, #4]\n"
      "  str    r2, [sp, #8]\n"
      "  adr.w  r3, 1f\n"
      "  add    r3, r3, r4\n"
      "  bx     r3\n"
      "  .balign 4\n"
      "1:\n"
      "  .rept  8\n"
      "  ldr.w  r3, [r0], #4\n"
      "  ldr.w  r4, [r0], #4\n"
      "  ldr.w  r3, [r3, r2]\n"
      "  ldr.w  r4, [r4, r2]\n"
      "  ldmia.w r1!, {r5, r6, r7, r12}\n"
      "  pkhbt  lr, r3, r4, lsl #16\n"
      "  pkhtb  r3, r4, r3, asr #16\n"
      "  sxtb16 r4, lr\n"
      "  smlad  r8, r5, r4, r8\n"
      "  sxtb16 lr, lr, ror #8\n"
      "  smlad  r9, r6, lr, r9\n"
      "  sxtb16 r4, r3\n"
      "  smlad  r10, r7, r4, r10\n"
      "  sxtb16 r3, r3, ror #8\n"
      "  smlad  r11, r12, r3, r11\n"
      "  .endr\n"
      "  ldr    r3, [sp, #4]\n"
      "  cmp    r1, r3\n"
      "  bne.w  1b\n"
      "  ldr    r5, [sp]\n"
      "  ldr    r0, [r5, #8]\n"
      "  ldr    r6, [r5, #12]\n"
      "  adds   r0, #16\n"
      "  edgeq_depthwise_result r8\n"
      "  edgeq_depthwise_result r9\n"
      "  edgeq_depthwise_result r10\n"
      "  edgeq_depthwise_result r11\n"
      "  ldr    r2, [sp, #8]\n"
      "  strb.w r8, [r6], #1\n"
      "  strb.w r9, [r6], #1\n"
      "  strb.w r10, [r6], #1\n"
      "  strb.w r11, [r6], #1\n"
      "  str    r0, [r5, #8]\n"
      "  str    r6, [r5, #12]\n"
      "  ldr    r3, [r5, #28]\n"
      "  mov    r0, r5\n"
      "  adds   r2, #4\n"
      "  cmp    r2, r3\n"
      "  bne.w  2b\n"
      "  add    sp, sp, #16\n"
      "  pop    {r4-r11, pc}\n"
      ".purgem edgeq_depthwise_result\n");
}

#else

#define STEP_BYTES 0u

static void run(edgeq_pixel *p) {
  const int32_t *w = p->weights;
  for (uintptr_t at = p->first; at != p->end; at += 4) {
    const uintptr_t *tap = p->taps;
    int32_t sums[4];
    for (int32_t i = 0; i < 4; i++) sums[i] = p->channels[i];
    for (uint32_t left = p->weight_bytes; left > 0; left -= 16, w += 4, tap += 2) {
      const uint32_t a = edgeq_load_word((const int8_t *)(at + tap[0]));
      const uint32_t b = edgeq_load_word((const int8_t *)(at + tap[1]));
      const uint32_t low = edgeq_firsts(a, b);
      const uint32_t high = edgeq_seconds(a, b);
      sums[0] = edgeq_dual_multiply_add((uint32_t)w[0], edgeq_even_bytes(low), sums[0]);
      sums[1] = edgeq_dual_multiply_add((uint32_t)w[1], edgeq_odd_bytes(low), sums[1]);
      sums[2] = edgeq_dual_multiply_add((uint32_t)w[2], edgeq_even_bytes(high), sums[2]);
      sums[3] = edgeq_dual_multiply_add((uint32_t)w[3], edgeq_odd_bytes(high), sums[3]);
    }
    for (int32_t i = 0; i < 4; i++) {
      const int32_t *channel = p->channels + 4 + 3 * i;
      const int32_t constant = channel[1] + (sums[i] >> 31);
      const int32_t high = edgeq_high_multiply_add_rounded(sums[i], channel[0], constant);
      p->output[i] = (int8_t)edgeq_saturate_int8(high >> channel[2]);
    }
    p->channels += 16;
    p->output += 4;
  }
}

#endif

/* What all pixels have in common. */
typedef struct image {
  const edgeq_depthwise_conv_2d_dsp_params *p;
  const int32_t *weights;
  const uintptr_t *inside; /* taps of a window that lies inside the input */
  uintptr_t *edge;         /* room for those of another */
  const int8_t *outside;   /* the zero point of each channel */
  int8_t *spare;
} image;

/* The pixel whose window begins at `first`. */
static void pixel(const image *i, const uintptr_t *taps, uintptr_t first, int8_t *output) {
  const edgeq_depthwise_conv_2d_dsp_params *const p = i->p;
  const uint32_t pairs = (uint32_t)p->taps / 2u;
  /* The first pass through the unrolled loop takes what is over; bit 0 keeps the core in Thumb state. */
  const uint32_t over = pairs % UNROLL;
  const int32_t whole = p->input_channels & ~3;
  edgeq_pixel q;
  q.taps = taps;
  q.weights = i->weights;
  q.channels = p->channels;
  q.weight_bytes = pairs * 16u;
  q.entry = (over ? UNROLL - over : 0u) * STEP_BYTES + 1u;
  for (int32_t m = 0; m < p->depth_multiplier; m++) {
    int8_t *const to = p->depth_multiplier > 1 ? i->spare : output;
    q.output = to;
    q.first = first;
    q.end = first + (uintptr_t)whole;
    run(&q);
    q.weights += (uint32_t)whole * pairs;
    if (whole < p->input_channels) {
      /* The last four channels, some of which are done. */
      q.output = to + p->input_channels - 4;
      q.first = first + (uintptr_t)p->input_channels - 4u;
      q.end = q.first + 4u;
      run(&q);
      q.weights += 4u * pairs;
    }
    if (p->depth_multiplier > 1) {
      for (int32_t c = 0; c < p->input_channels; c++) output[c * p->depth_multiplier + m] = to[c];
    }
  }
}

/* Distances of the taps of a window that begins in row y, column x: of those outside the input to `outside`.
 */
static void distances(const image *i, const int8_t *input, int32_t y, int32_t x, uintptr_t first,
                      uintptr_t *taps) {
  const edgeq_depthwise_conv_2d_dsp_params *const p = i->p;
  for (int32_t row = 0; row < p->filter_height; row++, y += p->dilation_height) {
    const int in_rows = y >= 0 && y < p->input_height;
    int32_t at = x;
    for (int32_t column = 0; column < p->filter_width; column++, at += p->dilation_width) {
      const int inside = in_rows && at >= 0 && at < p->input_width;
      const int8_t *tap = inside ? input + (y * p->input_width + at) * p->input_channels : i->outside;
      *taps++ = (uintptr_t)tap - first;
    }
  }
}

static int is_inside(int32_t origin, int32_t taps, int32_t dilation, int32_t size) {
  return origin >= 0 && origin + (taps - 1) * dilation < size;
}

void edgeq_depthwise_conv_2d_dsp_int8(const edgeq_depthwise_conv_2d_dsp_params *p, const int8_t *input,
                                      const int32_t *weights, int8_t *output, void *scratch) {
  const int32_t row = p->input_width * p->input_channels;
  const int32_t outputs = p->input_channels * p->depth_multiplier;
  uintptr_t *const taps = (uintptr_t *)scratch;
  int8_t *const outside = (int8_t *)(taps + 2 * p->taps);
  image i;
  i.p = p;
  i.weights = weights;
  i.inside = taps;
  i.edge = taps + p->taps;
  i.outside = outside;
  i.spare = outside + p->input_channels;
  memset(outside, p->input_zero_point, (size_t)p->input_channels);
  /* Where the number of taps is odd, the last one has weights of 0: any address will do. */
  taps[p->taps - 1] = 0;
  for (int32_t tap = 0; tap < p->filter_height * p->filter_width; tap++) {
    const int32_t y = tap / p->filter_width;
    const int32_t x = tap - y * p->filter_width;
    taps[tap] = (uintptr_t)(y * p->dilation_height * row + x * p->dilation_width * p->input_channels);
  }
  for (int32_t batch = 0; batch < p->batches; batch++) {
    int8_t *const first = output;
    for (int32_t out_y = 0; out_y < p->output_height; out_y++) {
      const int32_t y = out_y * p->stride_height - p->pad_top;
      const int in_rows = is_inside(y, p->filter_height, p->dilation_height, p->input_height);
      for (int32_t out_x = 0; out_x < p->output_width; out_x++, output += outputs) {
        const int32_t x = out_x * p->stride_width - p->pad_left;
        const uintptr_t window = (uintptr_t)input + (uintptr_t)(intptr_t)(y * row + x * p->input_channels);
        if (in_rows && is_inside(x, p->filter_width, p->dilation_width, p->input_width)) {
          pixel(&i, i.inside, window, output);
          continue;
        }
        i.edge[p->taps - 1] = (uintptr_t)outside - window;
        distances(&i, input, y, x, window, i.edge);
        pixel(&i, i.edge, window, output);
      }
    }
    edgeq_limit_int8(first, (int32_t)(output - first), p->activation_min, p->activation_max);
    input += p->input_height * row;
  }
}
