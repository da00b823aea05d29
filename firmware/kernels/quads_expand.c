/* Values as columns, two at once (kernels/quads.h), and what follows whole quads. */
#include "quads.h"

void edgeq_quads_half(const edgeq_quads *q, edgeq_quads_run *half, uint32_t quads) {
  edgeq_quads h = *q;
  h.weights = q->end;
  h.output0 += 4 * quads;
  h.output1 += 4 * quads;
  h.output_step += 4 * quads - 4;
  half(&h);
}

#ifdef EDGEQ_DSP

/* Four values of each column, r1 and r2, to r0. */
#define FOUR                  \
  ".syntax unified\n"         \
  ".macro edgeq_four\n"       \
  "  ldr    r6, [r1], #4\n"   \
  "  ldr    r7, [r2], #4\n"   \
  "  sxtb16 r4, r6\n"         \
  "  sxtb16 r5, r7\n"         \
  "  sxtb16 r6, r6, ror #8\n" \
  "  sxtb16 r7, r7, ror #8\n" \
  "  stmia  r0!, {r4-r7}\n"   \
  ".endm\n"

/* Twelve cycles for four values of each column, and two for the loop. */
__attribute__((naked)) void edgeq_quads_expand_both(__attribute__((unused)) uint32_t *columns,
                                                    __attribute__((unused)) const int8_t *values0,
                                                    __attribute__((unused)) const int8_t *values1,
                                                    __attribute__((unused)) int32_t count) {
  __asm__ volatile(FOUR
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
  __asm__ volatile(FOUR
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

/* Sixteen cycles for eight values, and four for the loop. */
__attribute__((naked)) void edgeq_quads_expand_in_order(__attribute__((unused)) uint32_t *column,
                                                        __attribute__((unused)) const int8_t *values,
                                                        __attribute__((unused)) int32_t count) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro edgeq_pairs from, even, odd\n"
      "  sxtb16 \\even, \\from\n"
      "  sxtb16 \\odd, \\from, ror #8\n"
      "  pkhbt  \\from, \\even, \\odd, lsl #16\n"
      "  pkhtb  \\even, \\odd, \\even, asr #16\n"
      ".endm\n"
      "  push   {r4-r7, lr}\n"
      "  tst    r2, #4\n"
      "  add    r2, r2, r1\n"
      "  beq    1f\n"
      "  ldr    r3, [r1], #4\n"
      "  edgeq_pairs r3, r4, r5\n"
      "  str    r3, [r0], #8\n"
      "  str    r4, [r0], #8\n"
      "  cmp    r1, r2\n"
      "  beq    2f\n"
      "1:\n"
      "  ldr    r3, [r1], #4\n"
      "  ldr    r6, [r1], #4\n"
      "  edgeq_pairs r3, r4, r5\n"
      "  edgeq_pairs r6, r7, r12\n"
      "  str    r3, [r0], #8\n"
      "  str    r4, [r0], #8\n"
      "  str    r6, [r0], #8\n"
      "  str    r7, [r0], #8\n"
      "  cmp    r1, r2\n"
      "  bne    1b\n"
      "2:\n"
      "  pop    {r4-r7, pc}\n"
      ".purgem edgeq_pairs\n");
}

#else

void edgeq_quads_expand_in_order(uint32_t *column, const int8_t *values, int32_t count) {
  for (; count > 0; count -= 4, values += 4, column += 4) {
    const uint32_t word = edgeq_load_word(values);
    const uint32_t even = edgeq_even_bytes(word);
    const uint32_t odd = edgeq_odd_bytes(word);
    column[0] = edgeq_firsts(even, odd);
    column[2] = edgeq_seconds(even, odd);
  }
}

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

#endif
