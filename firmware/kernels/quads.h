/* Matrix product of int16 columns and packed int8 weights, for cores with the DSP extension: quads of four
 * output channels times two columns, requantized to int8.
 *
 * Patch: for each pair of values along the depth, a word of column 0 and one of column 1. Weights: for each
 * quad and each such pair, a word of channels 0 and 1 and one of channels 2 and 3; a halfword is
 * 256 * (odd channel's weight) + (even channel's). A sum over such halfwords is 256 * odd + even modulo 2^32;
 * summing the sign-extended low bytes gives `even`, and the difference 256 * odd, if |odd| < 2^23.
 *
 * Channels: EDGEQ_QUAD_WORDS words for each quad. First the sums' start values: 256 * odd bias + even bias,
 * even bias of channels 0 and 1, then of 2 and 3. Then for each channel: multiplier m, constant c, shift s.
 * With a sum x, neg = -1 where x < 0 and 0 elsewhere: even channels  (c + neg + (2 * x * m + 2^31) / 2^32) >>
 * s, c = 2^(s - 1) + (zero point << s); odd channels   (c + 128 * neg + (256 * x * m) / 2^32) >> s, c and s
 * as if 7 bits more remained, and 64 in c, which are the two roundings of fixedpoint.h. The result is
 * saturated to int8.
 */
#ifndef EDGEQ_KERNELS_QUADS_H
#define EDGEQ_KERNELS_QUADS_H

#include <stddef.h>
#include <stdint.h>

#include "edgeq/attributes.h"
#include "edgeq/dsp.h"

#define EDGEQ_QUAD_WORDS 16

/* What one call works on; the pointers but `patch` and `weights` move while it does. The offsets are known to
 * the assembly. */
typedef struct edgeq_quads {
  const uint32_t *patch;
  const int32_t *weights;
  const int32_t *channels;
  int8_t *output0; /* column 0's channels: 4 * count values */
  int8_t *output1; /* column 1's; may be the same as output0 if both columns are equal */
  uint32_t weight_bytes;
  uint32_t entry;
  int32_t count; /* at least 1 */
} edgeq_quads;

#define EDGEQ_QUADS_UNROLL 16u

#ifdef EDGEQ_DSP

#define EDGEQ_QUADS_STEP_BYTES 56u

EDGEQ_STATIC_ASSERT(offsetof(edgeq_quads, count) == 28, "the assembly knows edgeq_quads");

/* Registers: r0 patch, r1 weights; r4 r5 sums (mixed, even) of channels 0 and 1 in column 0, r6 r7 in column
 * 1; r8 to r11 likewise of channels 2 and 3. Stack: the argument, the weights' end, the weights. Every
 * instruction of a step is 4 bytes long, for the jump into the unrolled loop. */
__attribute__((naked, noinline)) static void edgeq_quads_run(__attribute__((unused)) edgeq_quads *q) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro edgeq_even sum\n"
      "  add.w  \\sum, \\sum, \\sum\n"
      "  add.w  r12, r2, \\sum, asr #31\n"
      "  smmlar \\sum, \\sum, r1, r12\n"
      "  asr.w  \\sum, \\sum, r3\n"
      "  ssat   \\sum, #8, \\sum\n"
      ".endm\n"
      ".macro edgeq_odd sum\n"
      "  asr.w  r12, \\sum, #31\n"
      "  add.w  r12, r2, r12, lsl #7\n"
      "  smmla  \\sum, \\sum, r1, r12\n"
      "  asr.w  \\sum, \\sum, r3\n"
      "  ssat   \\sum, #8, \\sum\n"
      ".endm\n"
      "  push   {r0-r11, lr}\n"
      "  ldr    r1, [r0, #4]\n"
      "2:\n"
      "  ldr    r2, [r0, #8]\n"
      "  ldmia  r2!, {r4, r5, r8, r9}\n"
      "  str    r2, [r0, #8]\n"
      "  ldr    r3, [r0, #20]\n"
      "  ldr    r12, [r0, #24]\n"
      "  ldr    r0, [r0]\n"
      "  add    r3, r3, r1\n"
      "  str    r3, [sp, #4]\n"
      "  mov    r6, r4\n"
      "  mov    r7, r5\n"
      "  mov    r10, r8\n"
      "  mov    r11, r9\n"
      "  adr.w  r2, 1f\n"
      "  add    r2, r2, r12\n"
      "  bx     r2\n"
      "  .balign 4\n"
      "1:\n"
      "  .rept  16\n"
      "  ldr.w  r2, [r0], #4\n"
      "  ldr.w  r3, [r0], #4\n"
      "  ldr.w  r12, [r1], #4\n"
      "  ldr.w  lr, [r1], #4\n"
      "  smlad  r4, r12, r2, r4\n"
      "  smlad  r6, r12, r3, r6\n"
      "  smlad  r8, lr, r2, r8\n"
      "  smlad  r10, lr, r3, r10\n"
      "  sxtb16 r12, r12\n"
      "  sxtb16 lr, lr\n"
      "  smlad  r5, r12, r2, r5\n"
      "  smlad  r7, r12, r3, r7\n"
      "  smlad  r9, lr, r2, r9\n"
      "  smlad  r11, lr, r3, r11\n"
      "  .endr\n"
      "  ldr    r2, [sp, #4]\n"
      "  cmp    r1, r2\n"
      "  bne.w  1b\n"
      "  ldr    r0, [sp]\n"
      "  str    r1, [sp, #8]\n"
      "  ldr    r0, [r0, #8]\n"
      "  sub    r4, r4, r5\n"
      "  sub    r6, r6, r7\n"
      "  sub    r8, r8, r9\n"
      "  sub    r10, r10, r11\n"
      "  ldmia  r0!, {r1, r2, r3}\n"
      "  edgeq_even r5\n"
      "  edgeq_even r7\n"
      "  ldmia  r0!, {r1, r2, r3}\n"
      "  edgeq_odd r4\n"
      "  edgeq_odd r6\n"
      "  ldmia  r0!, {r1, r2, r3}\n"
      "  edgeq_even r9\n"
      "  edgeq_even r11\n"
      "  ldmia  r0!, {r1, r2, r3}\n"
      "  edgeq_odd r8\n"
      "  edgeq_odd r10\n"
      "  ldr    r2, [sp]\n"
      "  str    r0, [r2, #8]\n"
      "  ldr    r0, [r2, #12]\n"
      "  ldr    r3, [r2, #16]\n"
      "  strb   r5, [r0], #1\n"
      "  strb   r4, [r0], #1\n"
      "  strb   r9, [r0], #1\n"
      "  strb   r8, [r0], #1\n"
      "  strb   r7, [r3], #1\n"
      "  strb   r6, [r3], #1\n"
      "  strb   r11, [r3], #1\n"
      "  strb   r10, [r3], #1\n"
      "  str    r0, [r2, #12]\n"
      "  str    r3, [r2, #16]\n"
      "  mov    r0, r2\n"
      "  ldr    r1, [sp, #8]\n"
      "  ldr    r3, [r0, #28]\n"
      "  subs   r3, r3, #1\n"
      "  str    r3, [r0, #28]\n"
      "  bne.w  2b\n"
      "  add    sp, sp, #16\n"
      "  pop    {r4-r11, pc}\n"
      ".purgem edgeq_even\n"
      ".purgem edgeq_odd\n");
}

#else

#define EDGEQ_QUADS_STEP_BYTES 0u

static inline int8_t edgeq_quads_even(int32_t sum, const int32_t *channel) {
  const int32_t doubled = (int32_t)((uint32_t)sum * 2u);
  const int32_t c = (int32_t)((uint32_t)channel[1] - (sum < 0 ? 1u : 0u));
  return (int8_t)edgeq_saturate_int8(edgeq_high_multiply_add_rounded(doubled, channel[0], c) >> channel[2]);
}

static inline int8_t edgeq_quads_odd(int32_t sum256, const int32_t *channel) {
  const uint32_t c = (uint32_t)channel[1] - (sum256 < 0 ? 128u : 0u);
  const int32_t high = (int32_t)(((int64_t)sum256 * channel[0]) >> 32);
  return (int8_t)edgeq_saturate_int8((int32_t)(c + (uint32_t)high) >> channel[2]);
}

static void edgeq_quads_run(edgeq_quads *q) {
  const int32_t *w = q->weights;
  for (; q->count > 0; q->count--) {
    const uint32_t *patch = q->patch;
    int32_t mixed[4];
    int32_t even[4];
    for (int32_t i = 0; i < 4; i++) {
      mixed[i] = q->channels[i & 2];
      even[i] = q->channels[(i & 2) + 1];
    }
    for (uint32_t left = q->weight_bytes; left > 0; left -= 8, w += 2, patch += 2) {
      for (int32_t i = 0; i < 4; i++) {
        const uint32_t weights = (uint32_t)w[i >> 1];
        mixed[i] = edgeq_dual_multiply_add(weights, patch[i & 1], mixed[i]);
        even[i] = edgeq_dual_multiply_add(edgeq_even_bytes(weights), patch[i & 1], even[i]);
      }
    }
    for (int32_t i = 0; i < 4; i++) {
      const int32_t *channel = q->channels + 4 + (i & 2) * 3;
      int8_t *out = (i & 1) ? q->output1 : q->output0;
      out[i & 2] = edgeq_quads_even(even[i], channel);
      out[(i & 2) + 1] = edgeq_quads_odd((int32_t)((uint32_t)mixed[i] - (uint32_t)even[i]), channel + 3);
    }
    q->channels += EDGEQ_QUAD_WORDS;
    q->output0 += 4;
    q->output1 += 4;
  }
}

#endif

/* Computes 4 * count channels of two columns. `depth`, the length of a column, is a multiple of 2. */
static inline void edgeq_quads_multiply(const uint32_t *patch, int32_t depth, const int32_t *weights,
                                        const int32_t *channels, int32_t count, int8_t *output0,
                                        int8_t *output1) {
  const uint32_t pairs = (uint32_t)depth / 2u;
  /* The first pass through the unrolled loop takes what is over; bit 0 keeps the core in Thumb state. */
  const uint32_t over = pairs % EDGEQ_QUADS_UNROLL;
  edgeq_quads q;
  q.patch = patch;
  q.weights = weights;
  q.channels = channels;
  q.output0 = output0;
  q.output1 = output1;
  q.weight_bytes = pairs * 8u;
  q.entry = (over ? EDGEQ_QUADS_UNROLL - over : 0u) * EDGEQ_QUADS_STEP_BYTES + 1u;
  q.count = count;
  edgeq_quads_run(&q);
}

/* Four bytes at a time into every second word: (0, 2), (1, 3). `count` is a multiple of 4. */
static inline uint32_t *edgeq_quads_expand(uint32_t *column, const int8_t *values, int32_t count) {
  for (; count >= 16; count -= 16, values += 16, column += 16) {
    const uint32_t a = edgeq_load_word(values);
    const uint32_t b = edgeq_load_word(values + 4);
    const uint32_t c = edgeq_load_word(values + 8);
    const uint32_t d = edgeq_load_word(values + 12);
    column[0] = edgeq_even_bytes(a);
    column[2] = edgeq_odd_bytes(a);
    column[4] = edgeq_even_bytes(b);
    column[6] = edgeq_odd_bytes(b);
    column[8] = edgeq_even_bytes(c);
    column[10] = edgeq_odd_bytes(c);
    column[12] = edgeq_even_bytes(d);
    column[14] = edgeq_odd_bytes(d);
  }
  for (; count > 0; count -= 4, values += 4, column += 4) {
    const uint32_t word = edgeq_load_word(values);
    column[0] = edgeq_even_bytes(word);
    column[2] = edgeq_odd_bytes(word);
  }
  return column;
}

/* `count` values of `pair`, two at a time; a multiple of 4. */
static inline uint32_t *edgeq_quads_fill(uint32_t *column, uint32_t pair, int32_t count) {
  for (; count > 0; count -= 4, column += 4) column[0] = column[2] = pair;
  return column;
}

#endif
