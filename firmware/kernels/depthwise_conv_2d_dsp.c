/* DEPTHWISE_CONV_2D on int8 for cores with the DSP extension, four channels at a time. */
#include <stddef.h>

#include "edgeq/attributes.h"
#include "edgeq/dsp.h"
#include "edgeq/kernels.h"
#include "edgeq/mem.h"

/* All channels of one output pixel. The offsets are known to the assembly. */
typedef struct edgeq_pixel {
  const int8_t *const *taps; /* the first channel of each tap */
  const int32_t *weights;
  const int32_t *channels;
  int8_t *output;
  uint32_t weight_bytes; /* of four channels */
  uint32_t entry;
  int32_t count; /* channels */
} edgeq_pixel;

#define UNROLL 8u

#ifdef EDGEQ_DSP

#define STEP_BYTES 60u

EDGEQ_STATIC_ASSERT(offsetof(edgeq_pixel, count) == 24, "the assembly knows edgeq_pixel");

/* Registers: r0 taps, r1 weights, r2 channel; r8 to r11 sums. Stack: the argument, the weights' end, the
 * channel. Every instruction of a step is 4 bytes long, for the jump into the unrolled loop. Two words of
 * four channels become halfwords of one channel each by PKHBT, PKHTB and SXTB16. */
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
      "  movs   r2, #0\n"
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
      "  ldr    r3, [r5, #24]\n"
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
  for (int32_t c = 0; c < p->count; c += 4) {
    const int8_t *const *tap = p->taps;
    int32_t sums[4];
    for (int32_t i = 0; i < 4; i++) sums[i] = p->channels[i];
    for (uint32_t left = p->weight_bytes; left > 0; left -= 16, w += 4, tap += 2) {
      const uint32_t a = edgeq_load_word(tap[0] + c);
      const uint32_t b = edgeq_load_word(tap[1] + c);
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

static void pixel(const edgeq_depthwise_conv_2d_dsp_params *p, const int8_t *const *taps,
                  const int32_t *weights, int8_t *output) {
  const uint32_t pairs = (uint32_t)p->taps / 2u;
  /* The first pass through the unrolled loop takes what is over; bit 0 keeps the core in Thumb state. */
  const uint32_t over = pairs % UNROLL;
  edgeq_pixel q;
  q.taps = taps;
  q.weights = weights;
  q.channels = p->channels;
  q.output = output;
  q.weight_bytes = pairs * 16u;
  q.entry = (over ? UNROLL - over : 0u) * STEP_BYTES + 1u;
  q.count = p->input_channels;
  run(&q);
}

void edgeq_depthwise_conv_2d_dsp_int8(const edgeq_depthwise_conv_2d_dsp_params *p, const int8_t *input,
                                      const int32_t *weights, int8_t *output, void *scratch) {
  const int8_t **taps = scratch;
  int8_t *outside = (int8_t *)(taps + p->taps);
  const int32_t row = p->input_width * p->input_channels;

  memset(outside, p->input_zero_point, (size_t)p->input_channels);
  taps[p->taps - 1] = outside; /* where the number of taps is odd, the last one has weights of 0 */
  for (int32_t batch = 0; batch < p->batches; batch++) {
    int8_t *const first = output;
    for (int32_t out_y = 0; out_y < p->output_height; out_y++) {
      for (int32_t out_x = 0; out_x < p->output_width; out_x++) {
        const int8_t **tap = taps;
        for (int32_t i = 0; i < p->filter_height; i++) {
          const int32_t y = out_y * p->stride_height - p->pad_top + i * p->dilation_height;
          const int in_rows = y >= 0 && y < p->input_height;
          int32_t x = out_x * p->stride_width - p->pad_left;
          for (int32_t j = 0; j < p->filter_width; j++, x += p->dilation_width) {
            const int inside = in_rows && x >= 0 && x < p->input_width;
            *tap++ = inside ? input + y * row + x * p->input_channels : outside;
          }
        }
        pixel(p, taps, weights, output);
        output += p->input_channels;
      }
    }
    edgeq_limit_int8(first, (int32_t)(output - first), p->activation_min, p->activation_max);
    input += p->input_height * row;
  }
}
