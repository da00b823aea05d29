/* The products declared in edgeq/quads.h. A linker that drops unused sections keeps those that are used. */
#include "quads.h"

#include <stddef.h>

#include "edgeq/attributes.h"

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(edgeq_quads, output_step) == 40, "the assembly knows edgeq_quads");

/* Registers: r0 columns, r1 weights; r4 r5 sums (mixed, even) of channels 0 and 1 in column 0, r6 r7 in
 * column 1; r8 to r11 likewise of channels 2 and 3. Stack: the argument's fields, of which `weights` becomes
 * the end of the quad's, and behind them the next row and the end of the row's weights. */
#define BEGIN                         \
  ".syntax unified\n"                 \
  ".macro edgeq_even sum\n"           \
  "  add.w  \\sum, \\sum, \\sum\n"    \
  ".if edgeq_clamped\n"               \
  "  smmlar \\sum, \\sum, r2, r3\n"   \
  ".else\n"                           \
  "  add.w  lr, r3, \\sum, asr #31\n" \
  "  smmlar \\sum, \\sum, r2, lr\n"   \
  ".endif\n"                          \
  "  asr.w  \\sum, \\sum, r12\n"      \
  "  ssat   \\sum, #8, \\sum\n"       \
  ".endm\n"                           \
  ".macro edgeq_odd sum\n"            \
  ".if edgeq_clamped\n"               \
  "  smmla  \\sum, \\sum, r2, r3\n"   \
  ".else\n"                           \
  "  asr.w  lr, \\sum, #31\n"         \
  "  add.w  lr, r3, lr, lsl #7\n"     \
  "  smmla  \\sum, \\sum, r2, lr\n"   \
  ".endif\n"                          \
  "  asr.w  \\sum, \\sum, r12\n"      \
  "  ssat   \\sum, #8, \\sum\n"       \
  ".endm\n"                           \
  "  push   {r4-r11, lr}\n"           \
  "  ldmia  r0, {r1-r11}\n"           \
  ".if edgeq_rows == 0\n"             \
  "  ldr    r1, [r1]\n"               \
  ".endif\n"                          \
  "  push   {r1-r11}\n"               \
  ".if edgeq_rows == 0\n"             \
  "  str    r3, [sp, #24]\n"          \
  ".endif\n"                          \
  "  mov    r1, r2\n"                 \
  "  mov    r0, r3\n"                 \
  "2:\n"                              \
  "  ldmia  r0!, {r4, r5, r8, r9}\n"  \
  "  str    r0, [sp, #8]\n"           \
  ".if edgeq_rows\n"                  \
  "  ldr    r2, [sp, #28]\n"          \
  "  ldr    r3, [sp]\n"               \
  "  add    r2, r2, r1\n"             \
  "  str    r2, [sp, #4]\n"           \
  ".else\n"                           \
  "  ldr    r0, [sp]\n"               \
  ".endif\n"                          \
  ".if edgeq_rows\n"                  \
  "  mov    r6, r4\n"                 \
  "  mov    r7, r5\n"                 \
  "  mov    r10, r8\n"                \
  "  mov    r11, r9\n"                \
  "3:\n"                              \
  "  ldr    r0, [r3], #4\n"           \
  "  str    r3, [sp, #32]\n"          \
  ".if edgeq_rows == 2\n"             \
  "  ldr    r2, [sp, #24]\n"          \
  "  add    r2, r2, r1\n"             \
  "  str    r2, [sp, #36]\n"          \
  ".endif\n"                          \
  ".endif\n"                          \
  "1:\n"

#define STEPS(count)                                             \
  ".macro edgeq_step start0, start0_even, start2, start2_even\n" \
  "  ldr    r2, [r0], #4\n"                                      \
  "  ldr    r3, [r0], #4\n"                                      \
  "  ldr    r12, [r1], #4\n"                                     \
  "  ldr    lr, [r1], #4\n"                                      \
  "  smlad  r6, r12, r3, \\start0\n"                             \
  "  smlad  r4, r12, r2, r4\n"                                   \
  "  smlad  r10, lr, r3, \\start2\n"                             \
  "  smlad  r8, lr, r2, r8\n"                                    \
  "  sxtb16 r12, r12\n"                                          \
  "  sxtb16 lr, lr\n"                                            \
  "  smlad  r7, r12, r3, \\start0_even\n"                        \
  "  smlad  r5, r12, r2, r5\n"                                   \
  "  smlad  r11, lr, r3, \\start2_even\n"                        \
  "  smlad  r9, lr, r2, r9\n"                                    \
  ".endm\n"                                                      \
  ".if edgeq_rows == 0\n"                                        \
  "  edgeq_step r4, r5, r8, r9\n"                                \
  ".set edgeq_left, " count                                      \
  " - 1\n"                                                       \
  ".else\n"                                                      \
  ".set edgeq_left, " count                                      \
  "\n"                                                           \
  ".endif\n"                                                     \
  ".rept edgeq_left\n"                                           \
  "  edgeq_step r6, r7, r10, r11\n"                              \
  ".endr\n"                                                      \
  ".purgem edgeq_step\n"

#define END                       \
  ".if edgeq_rows == 2\n"         \
  "  ldr    r2, [sp, #36]\n"      \
  "  cmp    r1, r2\n"             \
  "  bne.w  1b\n"                 \
  ".endif\n"                      \
  ".if edgeq_rows\n"              \
  "  ldr    r3, [sp, #32]\n"      \
  "  ldr    r2, [sp, #4]\n"       \
  "  cmp    r1, r2\n"             \
  "  bne.w  3b\n"                 \
  ".endif\n"                      \
  "  ldr    r0, [sp, #8]\n"       \
  "  sub    r4, r4, r5\n"         \
  "  sub    r6, r6, r7\n"         \
  "  sub    r8, r8, r9\n"         \
  "  sub    r10, r10, r11\n"      \
  "  ldmia  r0!, {r2, r3, r12}\n" \
  "  edgeq_even r5\n"             \
  "  edgeq_even r7\n"             \
  "  ldmia  r0!, {r2, r3, r12}\n" \
  "  edgeq_odd r4\n"              \
  "  edgeq_odd r6\n"              \
  "  ldmia  r0!, {r2, r3, r12}\n" \
  "  edgeq_even r9\n"             \
  "  edgeq_even r11\n"            \
  "  ldmia  r0!, {r2, r3, r12}\n" \
  "  edgeq_odd r8\n"              \
  "  edgeq_odd r10\n"             \
  "  ldr    r2, [sp, #16]\n"      \
  "  ldr    r3, [sp, #20]\n"      \
  "  ldr    r12, [sp, #12]\n"     \
  "  strb   r5, [r2], #1\n"       \
  "  strb   r4, [r2], #1\n"       \
  "  strb   r9, [r2], #1\n"       \
  "  strb   r8, [r2], #1\n"       \
  "  strb   r7, [r3], #1\n"       \
  "  strb   r6, [r3], #1\n"       \
  "  strb   r11, [r3], #1\n"      \
  "  strb   r10, [r3], #1\n"      \
  "  str    r2, [sp, #16]\n"      \
  "  str    r3, [sp, #20]\n"      \
  "  cmp    r0, r12\n"            \
  "  bne.w  2b\n"                 \
  ".if edgeq_rows == 0\n"         \
  "  ldr    r4, [sp, #32]\n"      \
  "  ldr    r5, [sp, #36]\n"      \
  "  ldr    r6, [sp, #40]\n"      \
  "  ldr    r7, [sp]\n"           \
  "  ldr    r1, [sp, #4]\n"       \
  "  ldr    r0, [sp, #24]\n"      \
  "  subs   r4, r4, #1\n"         \
  "  add    r7, r7, r5\n"         \
  "  add    r2, r2, r6\n"         \
  "  add    r3, r3, r6\n"         \
  "  str    r4, [sp, #32]\n"      \
  "  str    r7, [sp]\n"           \
  "  str    r2, [sp, #16]\n"      \
  "  str    r3, [sp, #20]\n"      \
  "  bne.w  2b\n"                 \
  ".endif\n"                      \
  "  add    sp, sp, #44\n"        \
  "  pop    {r4-r11, pc}\n"       \
  ".purgem edgeq_even\n"          \
  ".purgem edgeq_odd\n"

#define RUN(name, steps, rows, clamped)                                                                   \
  __attribute__((naked)) void name(__attribute__((unused)) const edgeq_quads *q) {                        \
    __asm__ volatile(".set edgeq_rows, " #rows "\n.set edgeq_clamped, " #clamped "\n" BEGIN STEPS(#steps) \
                         END);                                                                            \
  }

/* Twelve cycles for four values of each column, and two for the loop. */
__attribute__((naked)) void edgeq_quads_expand_both(__attribute__((unused)) uint32_t *columns,
                                                    __attribute__((unused)) const int8_t *values0,
                                                    __attribute__((unused)) const int8_t *values1,
                                                    __attribute__((unused)) int32_t count) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro edgeq_four\n"
      "  ldr    r6, [r1], #4\n"
      "  ldr    r7, [r2], #4\n"
      "  sxtb16 r4, r6\n"
      "  sxtb16 r5, r7\n"
      "  sxtb16 r6, r6, ror #8\n"
      "  sxtb16 r7, r7, ror #8\n"
      "  stmia  r0!, {r4-r7}\n"
      ".endm\n"
      "  push   {r4-r7, lr}\n"
      "  tst    r3, #4\n"
      "  add    r3, r3, r1\n"
      "  beq    1f\n"
      "  edgeq_four\n"
      "  cmp    r1, r3\n"
      "  beq    2f\n"
      "1:\n"
      "  edgeq_four\n"
      "  edgeq_four\n"
      "  cmp    r1, r3\n"
      "  bne    1b\n"
      "2:\n"
      "  pop    {r4-r7, pc}\n"
      ".purgem edgeq_four\n");
}

__attribute__((naked)) void edgeq_quads_expand_pairs(__attribute__((unused)) uint32_t *columns,
                                                     __attribute__((unused)) const int8_t *values,
                                                     __attribute__((unused)) int32_t count,
                                                     __attribute__((unused)) int32_t pairs,
                                                     __attribute__((unused)) int32_t gap) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro edgeq_four\n"
      "  ldr    r6, [r1], #4\n"
      "  ldr    r7, [r2], #4\n"
      "  sxtb16 r4, r6\n"
      "  sxtb16 r5, r7\n"
      "  sxtb16 r6, r6, ror #8\n"
      "  sxtb16 r7, r7, ror #8\n"
      "  stmia  r0!, {r4-r7}\n"
      ".endm\n"
      "  push   {r4-r8, lr}\n"
      "  ldr    r12, [sp, #24]\n"
      "  mov    r8, r2\n"
      "  mov    lr, r3\n"
      "  add    r2, r1, r8\n"
      "1:\n"
      "  tst    r8, #4\n"
      "  add    r3, r1, r8\n"
      "  beq    2f\n"
      "  edgeq_four\n"
      "  cmp    r1, r3\n"
      "  beq    3f\n"
      "2:\n"
      "  edgeq_four\n"
      "  edgeq_four\n"
      "  cmp    r1, r3\n"
      "  bne    2b\n"
      "3:\n"
      "  mov    r1, r2\n"
      "  add    r2, r2, r8\n"
      "  add    r0, r0, r12\n"
      "  subs   lr, lr, #1\n"
      "  bne    1b\n"
      "  pop    {r4-r8, pc}\n"
      ".purgem edgeq_four\n");
}

#else

void edgeq_quads_expand_pairs(uint32_t *columns, const int8_t *values, int32_t count, int32_t pairs,
                              int32_t gap) {
  for (; pairs > 0; pairs--, columns += count + gap / 4, values += 2 * count) {
    edgeq_quads_expand_both(columns, values, values + count, count);
  }
}

void edgeq_quads_expand_both(uint32_t *columns, const int8_t *values0, const int8_t *values1, int32_t count) {
  edgeq_quads_expand(columns, values0, count);
  edgeq_quads_expand(columns + 1, values1, count);
}

static int8_t even_result(int32_t sum, const int32_t *channel, int clamped) {
  const int32_t doubled = (int32_t)((uint32_t)sum * 2u);
  const int32_t c = (int32_t)((uint32_t)channel[1] - (sum < 0 && !clamped ? 1u : 0u));
  return (int8_t)edgeq_saturate_int8(edgeq_high_multiply_add_rounded(doubled, channel[0], c) >> channel[2]);
}

static int8_t odd_result(int32_t sum256, const int32_t *channel, int clamped) {
  const uint32_t c = (uint32_t)channel[1] - (sum256 < 0 && !clamped ? 128u : 0u);
  const int32_t high = (int32_t)(((int64_t)sum256 * channel[0]) >> 32);
  return (int8_t)edgeq_saturate_int8((int32_t)(c + (uint32_t)high) >> channel[2]);
}

static void multiply_pair(const edgeq_quads *q, uint32_t pair, int clamped) {
  const int32_t *w = q->weights;
  const uint32_t outputs = (uint32_t)(q->end - q->channels) / EDGEQ_QUAD_WORDS * 4u + q->output_step;
  int8_t *output0 = q->output0 + pair * outputs;
  int8_t *output1 = q->output1 + pair * outputs;
  for (const int32_t *channels = q->channels; channels != q->end; channels += EDGEQ_QUAD_WORDS) {
    int32_t mixed[4];
    int32_t even[4];
    for (int32_t i = 0; i < 4; i++) {
      mixed[i] = channels[i & 2];
      even[i] = channels[(i & 2) + 1];
    }
    for (uint32_t row = 0; row < q->quad_bytes / q->row_bytes; row++) {
      const uint32_t *columns = q->rows[row] + pair * (q->column_bytes / 4u);
      for (uint32_t left = q->row_bytes; left > 0; left -= 8, w += 2, columns += 2) {
        for (int32_t i = 0; i < 4; i++) {
          const uint32_t weights = (uint32_t)w[i >> 1];
          mixed[i] = edgeq_dual_multiply_add(weights, columns[i & 1], mixed[i]);
          even[i] = edgeq_dual_multiply_add(edgeq_even_bytes(weights), columns[i & 1], even[i]);
        }
      }
    }
    for (int32_t i = 0; i < 4; i++) {
      const int32_t *channel = channels + 4 + (i & 2) * 3;
      int8_t *out = (i & 1) ? output1 : output0;
      out[i & 2] = even_result(even[i], channel, clamped);
      out[(i & 2) + 1] = odd_result((int32_t)((uint32_t)mixed[i] - (uint32_t)even[i]), channel + 3, clamped);
    }
    output0 += 4;
    output1 += 4;
  }
}

static void multiply(const edgeq_quads *q, int clamped) {
  for (uint32_t pair = 0; pair < q->pairs; pair++) multiply_pair(q, pair, clamped);
}

#define RUN(name, steps, rows, clamped) \
  void name(const edgeq_quads *q) {     \
    multiply(q, clamped);               \
  }

#endif

#define ALL(steps)                                     \
  RUN(edgeq_quads_##steps, steps, 0, 0)                \
  RUN(edgeq_quads_##steps##_clamped, steps, 0, 1)      \
  RUN(edgeq_quads_##steps##_rows, steps, 1, 0)         \
  RUN(edgeq_quads_##steps##_rows_clamped, steps, 1, 1) \
  RUN(edgeq_quads_##steps##_loop, steps, 2, 0)         \
  RUN(edgeq_quads_##steps##_loop_clamped, steps, 2, 1)

ALL(2)
ALL(4)
ALL(5)
ALL(6)
ALL(8)
ALL(12)
ALL(16)
ALL(20)
ALL(24)
ALL(32)
