/* FULLY_CONNECTED on int8 for cores with the DSP extension: eight outputs at a time, of one row. */
#include <stddef.h>

#include "edgeq/attributes.h"
#include "edgeq/kernels.h"
#include "quads.h"

/* What one call works on. The assembly knows the order. */
struct edgeq_octets {
  const uint32_t *column; /* the row's values, two to a word */
  const int32_t *weights;
  const int32_t *end; /* of the weights */
  int8_t *output;
  uint32_t octet_bytes; /* of the weights of eight outputs */
};

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(edgeq_octets, octet_bytes) == 16, "the assembly knows edgeq_octets");

/* Registers: r0 column, r1 weights; r4 to r11 sums (mixed, even) of four pairs of outputs. Stack: the
 * argument's fields, of which `weights` becomes the end of the octet's. */
#define OCTETS                                            \
  ".syntax unified\n"                                     \
  ".macro edgeq_pair mixed, sum\n"                        \
  ".if edgeq_shift\n"                                     \
  "  ldmia  r1!, {r2, r3, r12, lr}\n"                     \
  "  sub    \\mixed, \\mixed, \\sum\n"                    \
  "  smmla  \\sum, \\sum, r2, r3\n"                       \
  "  smmla  \\mixed, \\mixed, r12, lr\n"                  \
  "  ssat   \\sum, #8, \\sum, asr #edgeq_shift\n"         \
  "  ssat   \\mixed, #8, \\mixed, asr #edgeq_shift + 8\n" \
  ".else\n"                                               \
  "  ldmia  r1!, {r2, r3, r12}\n"                         \
  "  sub    \\mixed, \\mixed, \\sum\n"                    \
  "  add    \\sum, \\sum, \\sum\n"                        \
  "  add    lr, r3, \\sum, asr #31\n"                     \
  "  smmlar \\sum, \\sum, r2, lr\n"                       \
  "  asr    \\sum, \\sum, r12\n"                          \
  "  ssat   \\sum, #8, \\sum\n"                           \
  "  ldmia  r1!, {r2, r3, r12}\n"                         \
  "  asr    lr, \\mixed, #31\n"                           \
  "  add    lr, r3, lr, lsl #7\n"                         \
  "  smmla  \\mixed, \\mixed, r2, lr\n"                   \
  "  asr    \\mixed, \\mixed, r12\n"                      \
  "  ssat   \\mixed, #8, \\mixed\n"                       \
  ".endif\n"                                              \
  ".endm\n"                                               \
  ".macro edgeq_wide_result sum\n"                        \
  "  ldmia  r1!, {r2, r3, r12}\n"                         \
  "  add    \\sum, \\sum, \\sum\n"                        \
  "  add    lr, r3, \\sum, asr #31\n"                     \
  "  smmlar \\sum, \\sum, r2, lr\n"                       \
  "  asr    \\sum, \\sum, r12\n"                          \
  "  ssat   \\sum, #8, \\sum\n"                           \
  ".endm\n"                                               \
  ".macro edgeq_wide_step\n"                              \
  "  ldr    r2, [r0], #4\n"                               \
  "  ldr    r3, [r1], #4\n"                               \
  "  ldr    r12, [r1], #4\n"                              \
  "  ldr    lr, [r1], #4\n"                               \
  "  smlad  r4, r3, r2, r4\n"                             \
  "  smlad  r5, r12, r2, r5\n"                            \
  "  smlad  r6, lr, r2, r6\n"                             \
  "  ldr    r3, [r1], #4\n"                               \
  "  ldr    r12, [r1], #4\n"                              \
  "  ldr    lr, [r1], #4\n"                               \
  "  smlad  r7, r3, r2, r7\n"                             \
  "  smlad  r8, r12, r2, r8\n"                            \
  "  smlad  r9, lr, r2, r9\n"                             \
  "  ldr    r3, [r1], #4\n"                               \
  "  ldr    r12, [r1], #4\n"                              \
  "  smlad  r10, r3, r2, r10\n"                           \
  "  smlad  r11, r12, r2, r11\n"                          \
  ".endm\n"                                               \
  ".macro edgeq_two_steps\n"                              \
  "  ldr    r2, [r0], #4\n"                               \
  "  ldr    r3, [r1], #4\n"                               \
  "  ldr    r12, [r1], #4\n"                              \
  "  ldr    lr, [r1], #4\n"                               \
  "  smlad  r4, r3, r2, r4\n"                             \
  "  sxtb16 r3, r3\n"                                     \
  "  smlad  r5, r3, r2, r5\n"                             \
  "  smlad  r6, r12, r2, r6\n"                            \
  "  sxtb16 r12, r12\n"                                   \
  "  smlad  r7, r12, r2, r7\n"                            \
  "  smlad  r8, lr, r2, r8\n"                             \
  "  sxtb16 lr, lr\n"                                     \
  "  smlad  r9, lr, r2, r9\n"                             \
  "  ldr    r3, [r1], #4\n"                               \
  "  ldr    r12, [r0], #4\n"                              \
  "  ldr    lr, [r1], #4\n"                               \
  "  smlad  r10, r3, r2, r10\n"                           \
  "  sxtb16 r3, r3\n"                                     \
  "  smlad  r11, r3, r2, r11\n"                           \
  "  smlad  r4, lr, r12, r4\n"                            \
  "  sxtb16 lr, lr\n"                                     \
  "  smlad  r5, lr, r12, r5\n"                            \
  "  ldr    r2, [r1], #4\n"                               \
  "  ldr    r3, [r1], #4\n"                               \
  "  ldr    lr, [r1], #4\n"                               \
  "  smlad  r6, r2, r12, r6\n"                            \
  "  sxtb16 r2, r2\n"                                     \
  "  smlad  r7, r2, r12, r7\n"                            \
  "  smlad  r8, r3, r12, r8\n"                            \
  "  sxtb16 r3, r3\n"                                     \
  "  smlad  r9, r3, r12, r9\n"                            \
  "  smlad  r10, lr, r12, r10\n"                          \
  "  sxtb16 lr, lr\n"                                     \
  "  smlad  r11, lr, r12, r11\n"                          \
  ".endm\n"                                               \
  "  push   {r4-r11, lr}\n"                               \
  "  ldmia  r0, {r1-r5}\n"                                \
  "  push   {r1-r5}\n"                                    \
  "  mov    r1, r2\n"                                     \
  "1:\n"                                                  \
  "  ldmia  r1!, {r4-r11}\n"                              \
  "  ldr    r2, [sp, #16]\n"                              \
  "  ldr    r0, [sp]\n"                                   \
  "  add    r2, r2, r1\n"                                 \
  "  str    r2, [sp, #4]\n"                               \
  "2:\n"                                                  \
  ".rept edgeq_steps / 2\n"                               \
  ".if edgeq_wide\n"                                      \
  "  edgeq_wide_step\n"                                   \
  "  edgeq_wide_step\n"                                   \
  ".else\n"                                               \
  "  edgeq_two_steps\n"                                   \
  ".endif\n"                                              \
  ".endr\n"                                               \
  "  ldr    r2, [sp, #4]\n"                               \
  "  cmp    r1, r2\n"                                     \
  "  bne.w  2b\n"                                         \
  ".if edgeq_wide\n"                                      \
  ".irp sum, r4, r5, r6, r7, r8, r9, r10, r11\n"          \
  "  edgeq_wide_result \\sum\n"                           \
  ".endr\n"                                               \
  ".else\n"                                               \
  "  edgeq_pair r4, r5\n"                                 \
  "  edgeq_pair r6, r7\n"                                 \
  "  edgeq_pair r8, r9\n"                                 \
  "  edgeq_pair r10, r11\n"                               \
  ".endif\n"                                              \
  "  ldr    r2, [sp, #12]\n"                              \
  "  ldr    r3, [sp, #8]\n"                               \
  ".if edgeq_wide\n"                                      \
  "  strb   r4, [r2], #1\n"                               \
  "  strb   r5, [r2], #1\n"                               \
  "  strb   r6, [r2], #1\n"                               \
  "  strb   r7, [r2], #1\n"                               \
  "  strb   r8, [r2], #1\n"                               \
  "  strb   r9, [r2], #1\n"                               \
  "  strb   r10, [r2], #1\n"                              \
  "  strb   r11, [r2], #1\n"                              \
  ".else\n"                                               \
  "  strb   r5, [r2], #1\n"                               \
  "  strb   r4, [r2], #1\n"                               \
  "  strb   r7, [r2], #1\n"                               \
  "  strb   r6, [r2], #1\n"                               \
  "  strb   r9, [r2], #1\n"                               \
  "  strb   r8, [r2], #1\n"                               \
  "  strb   r11, [r2], #1\n"                              \
  "  strb   r10, [r2], #1\n"                              \
  ".endif\n"                                              \
  "  str    r2, [sp, #12]\n"                              \
  "  cmp    r1, r3\n"                                     \
  "  bne.w  1b\n"                                         \
  "  add    sp, sp, #20\n"                                \
  "  pop    {r4-r11, pc}\n"                               \
  ".purgem edgeq_pair\n"                                  \
  ".purgem edgeq_wide_result\n"                           \
  ".purgem edgeq_wide_step\n"                             \
  ".purgem edgeq_two_steps\n"

#define RUN(name, steps, shift, wide)                                                                      \
  __attribute__((naked)) void name(__attribute__((unused)) const edgeq_octets *o) {                        \
    __asm__ volatile(".set edgeq_steps, " #steps "\n.set edgeq_shift, " #shift "\n.set edgeq_wide, " #wide \
                     "\n" OCTETS);                                                                         \
  }

#else

static int8_t result(int32_t sum, int32_t odd, const int32_t *channel) {
  if (odd) {
    const uint32_t c = (uint32_t)channel[1] - (sum < 0 ? 128u : 0u);
    return (int8_t)edgeq_saturate_int8(edgeq_high_multiply_add(sum, channel[0], (int32_t)c) >> channel[2]);
  }
  const int32_t doubled = (int32_t)((uint32_t)sum * 2u);
  const int32_t c = channel[1] - (sum < 0 ? 1 : 0);
  return (int8_t)edgeq_saturate_int8(edgeq_high_multiply_add_rounded(doubled, channel[0], c) >> channel[2]);
}

static int8_t straight_result(int32_t sum, const int32_t *channel, int32_t shift) {
  return (int8_t)edgeq_saturate_int8(edgeq_high_multiply_add(sum, channel[0], channel[1]) >> shift);
}

/* Eight channels, whose sums start at `w`; returns the rest of their words. */
static const int32_t *row_sums(const edgeq_octets *o, const int32_t *w, int wide, int32_t *sums) {
  const uint32_t *column = o->column;
  for (int32_t i = 0; i < 8; i++) sums[i] = *w++;
  for (uint32_t left = o->octet_bytes; left > 0; left -= wide ? 32 : 16, column++) {
    for (int32_t i = 0; i < 8; i += wide ? 1 : 2, w++) {
      const uint32_t weights = (uint32_t)*w;
      sums[i] = edgeq_dual_multiply_add(weights, *column, sums[i]);
      if (!wide) sums[i + 1] = edgeq_dual_multiply_add(edgeq_even_bytes(weights), *column, sums[i + 1]);
    }
  }
  return w;
}

static void multiply(const edgeq_octets *o, int32_t shift, int wide) {
  const int32_t each = shift > 0 ? EDGEQ_QUAD_STRAIGHT_REST / 4 : EDGEQ_QUAD_REST / 4;
  int8_t *output = o->output;
  for (const int32_t *w = o->weights; w != o->end; w += 8 * each, output += 8) {
    int32_t sums[8];
    w = row_sums(o, w, wide, sums);
    for (int32_t i = 0; wide && i < 8; i++) output[i] = result(sums[i], 0, w + i * each);
    for (int32_t i = 0; !wide && i < 8; i += 2) {
      const int32_t *channel = w + i * each;
      const int32_t odd = (int32_t)((uint32_t)sums[i] - (uint32_t)sums[i + 1]);
      output[i] = shift > 0 ? straight_result(sums[i + 1], channel, shift) : result(sums[i + 1], 0, channel);
      output[i + 1] =
          shift > 0 ? straight_result(odd, channel + each, shift + 8) : result(odd, 1, channel + each);
    }
  }
}

#define RUN(name, steps, shift, wide) \
  void name(const edgeq_octets *o) {  \
    multiply(o, shift, wide);         \
  }

#endif

#define ALL(steps)                                \
  RUN(edgeq_octets_##steps, steps, 0, 0)          \
  RUN(edgeq_octets_##steps##_shift4, steps, 4, 0) \
  RUN(edgeq_octets_##steps##_shift6, steps, 6, 0) \
  RUN(edgeq_octets_##steps##_wide, steps, 0, 1)

ALL(2)
ALL(4)
ALL(8)
ALL(16)
ALL(32)

/* The values of a row, four at a time as (0, 2), (1, 3). */
static void expand(const int8_t *values, int32_t count, uint32_t *column) {
  for (; count >= 16; count -= 16, values += 16, column += 8) {
    const uint32_t a = edgeq_load_word(values);
    const uint32_t b = edgeq_load_word(values + 4);
    const uint32_t c = edgeq_load_word(values + 8);
    const uint32_t d = edgeq_load_word(values + 12);
    column[0] = edgeq_even_bytes(a);
    column[1] = edgeq_odd_bytes(a);
    column[2] = edgeq_even_bytes(b);
    column[3] = edgeq_odd_bytes(b);
    column[4] = edgeq_even_bytes(c);
    column[5] = edgeq_odd_bytes(c);
    column[6] = edgeq_even_bytes(d);
    column[7] = edgeq_odd_bytes(d);
  }
  for (; count >= 4; count -= 4, values += 4, column += 2) {
    const uint32_t word = edgeq_load_word(values);
    column[0] = edgeq_even_bytes(word);
    column[1] = edgeq_odd_bytes(word);
  }
  if (count == 0) return;
  uint32_t word = 0;
  for (int32_t i = 0; i < count; i++) word |= (uint32_t)(uint8_t)values[i] << (8 * i);
  column[0] = edgeq_even_bytes(word);
  column[1] = edgeq_odd_bytes(word);
}

void edgeq_fully_connected_dsp_int8(const edgeq_fully_connected_dsp_params *p, const int8_t *input,
                                    const int32_t *weights, int8_t *output, void *scratch) {
  uint32_t *column = (uint32_t *)scratch;
  const int32_t whole = p->outputs & ~7;
  int8_t last[8];
  edgeq_octets o;
  o.column = column;
  o.octet_bytes = (uint32_t)(p->depth / 2 * p->step_bytes);
  /* Values that pad the depth have weights of zero. */
  for (int32_t i = (p->inputs + 3) / 4 * 2; i < p->depth / 2; i++) column[i] = 0;
  for (int32_t batch = 0; batch < p->batches; batch++, input += p->inputs, output += p->outputs) {
    expand(input, p->inputs, column);
    o.weights = weights;
    o.end = weights + whole / 8 * p->octet_words;
    o.output = output;
    if (whole > 0) p->run(&o);
    if (whole < p->outputs) {
      o.weights = o.end;
      o.end += p->octet_words;
      o.output = last;
      p->run(&o);
      for (int32_t i = whole; i < p->outputs; i++) output[i] = last[i - whole];
    }
    edgeq_limit_int8(output, p->outputs, p->activation_min, p->activation_max);
  }
}
