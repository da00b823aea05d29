/* The products declared in edgeq/halves.h. A linker that drops unused sections keeps those that are used. */
#include "halves.h"

#include <stddef.h>

#include "edgeq/attributes.h"

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(edgeq_quads, output_step) == 36, "the assembly knows edgeq_quads");

/* Registers: r0 columns, r1 weights; r4 r5 sums (mixed, even) in column 0, r6 r7 in column 1; r8 pairs left;
 * r9 bytes to the next pair of columns, of one row from behind the last; r10 output of column 0, r11 from
 * there to column 1's. Stack: bytes from the second output to the next pair's first; of three rows, where
 * their columns begin. */
#define BEGIN                                     \
  ".syntax unified\n"                             \
  ".macro edgeq_step mixed, even\n"               \
  "  ldr    r2, [r0], #4\n"                       \
  "  ldr    r3, [r0], #4\n"                       \
  "  ldr    r12, [r1], #4\n"                      \
  "  smlad  r6, r12, r3, \\mixed\n"               \
  "  smlad  r4, r12, r2, r4\n"                    \
  "  sxtb16 r12, r12\n"                           \
  "  smlad  r7, r12, r3, \\even\n"                \
  "  smlad  r5, r12, r2, r5\n"                    \
  ".endm\n"                                       \
  "  push   {r4-r11, lr}\n"                       \
  "  ldmia  r0, {r1-r10}\n"                       \
  "  sub    r11, r5, r4\n"                        \
  "  add    r3, r10, #2\n"                        \
  "  mov    r10, r4\n"                            \
  ".if edgeq_rows == 3\n"                         \
  "  ldmia  r1, {r4, r5, r6}\n"                   \
  "  push   {r3, r4, r5, r6}\n"                   \
  ".else\n"                                       \
  "  ldr    r0, [r1]\n"                           \
  "  sub    r9, r9, #8 * edgeq_steps\n"           \
  "  push   {r3}\n"                               \
  ".endif\n"                                      \
  "  mov    r1, r2\n"                             \
  "1:\n"                                          \
  "  ldmia  r1!, {r4, r5}\n"                      \
  ".if edgeq_rows == 3\n"                         \
  "  ldr    r0, [sp, #4]\n"                       \
  ".endif\n"                                      \
  "  edgeq_step r4, r5\n"                         \
  ".rept edgeq_steps - 1\n"                       \
  "  edgeq_step r6, r7\n"                         \
  ".endr\n"                                       \
  ".if edgeq_rows == 3\n"                         \
  ".irp place, 8, 12\n"                           \
  "  ldr    r0, [sp, #\\place]\n"                 \
  ".rept edgeq_steps\n"                           \
  "  edgeq_step r6, r7\n"                         \
  ".endr\n"                                       \
  ".endr\n"                                       \
  ".endif\n"                                      \
  "  ldmia  r1, {r2, r3, r12, lr}\n"              \
  "  sub    r4, r4, r5\n"                         \
  "  sub    r6, r6, r7\n"                         \
  "  smmla  r5, r5, r2, r3\n"                     \
  "  smmla  r7, r7, r2, r3\n"                     \
  "  smmla  r4, r4, r12, lr\n"                    \
  "  smmla  r6, r6, r12, lr\n"                    \
  "  ssat   r5, #8, r5, asr #edgeq_shift\n"       \
  "  ssat   r7, #8, r7, asr #edgeq_shift\n"       \
  "  ssat   r4, #8, r4, asr #edgeq_shift + 8\n"   \
  "  ssat   r6, #8, r6, asr #edgeq_shift + 8\n"   \
  "  strb   r7, [r10, r11]\n"                     \
  "  strb   r5, [r10], #2\n"                      \
  "  strb   r6, [r10, r11]\n"                     \
  "  strb   r4, [r10]\n"                          \
  ".if edgeq_rows == 3\n"                         \
  "  ldmia  sp, {r2, r3, r12, lr}\n"              \
  "  add    r3, r3, r9\n"                         \
  "  add    r12, r12, r9\n"                       \
  "  add    lr, lr, r9\n"                         \
  "  stmia  sp, {r2, r3, r12, lr}\n"              \
  "  sub    r1, r1, #4 * (2 + 3 * edgeq_steps)\n" \
  ".else\n"                                       \
  "  ldr    r2, [sp]\n"                           \
  "  add    r0, r0, r9\n"                         \
  "  sub    r1, r1, #4 * (2 + edgeq_steps)\n"     \
  ".endif\n"                                      \
  "  add    r10, r10, r2\n"                       \
  "  subs   r8, r8, #1\n"                         \
  "  bne.w  1b\n"                                 \
  "  add    sp, sp, #4 + 4 * edgeq_rows\n"        \
  "  pop    {r4-r11, pc}\n"                       \
  ".purgem edgeq_step\n"

#define RUN(name, steps, rows, shift)                                                                      \
  __attribute__((naked)) void name(__attribute__((unused)) const edgeq_quads *q) {                         \
    __asm__ volatile(".set edgeq_rows, " #rows "\n.set edgeq_shift, " #shift "\n.set edgeq_steps, " #steps \
                     "\n" BEGIN);                                                                          \
  }

#else

static int8_t result(int32_t sum, const int32_t *line, int32_t shift) {
  return (int8_t)edgeq_saturate_int8(edgeq_high_multiply_add(sum, line[0], line[1]) >> shift);
}

/* The sizes are those of the name, as above: `row_bytes` is that of the layer's other product, which may be
 * wide. */
static void multiply(const edgeq_quads *q, uint32_t steps, uint32_t rows, int32_t shift) {
  const int32_t *const rest = q->weights + EDGEQ_HALF_STARTS + rows * steps;
  for (uint32_t pair = 0; pair < q->pairs; pair++) {
    /* Column 1 first: where both have the same place, column 0 stays. */
    for (uint32_t column = 2; column-- > 0;) {
      int8_t *output = (column ? q->output1 : q->output0) + pair * (4u + q->output_step);
      const int32_t *w = q->weights + EDGEQ_HALF_STARTS;
      int32_t mixed = q->weights[0];
      int32_t even = q->weights[1];
      for (uint32_t row = 0; row < rows; row++) {
        const uint32_t *values = q->rows[row] + pair * (q->column_bytes / 4u) + column;
        for (uint32_t i = 0; i < steps; i++, w++, values += 2) {
          mixed = edgeq_dual_multiply_add((uint32_t)*w, *values, mixed);
          even = edgeq_dual_multiply_add(edgeq_even_bytes((uint32_t)*w), *values, even);
        }
      }
      const int32_t odd = (int32_t)((uint32_t)mixed - (uint32_t)even);
      output[0] = result(even, rest, shift);
      output[2] = result(odd, rest + 2, shift + 8);
    }
  }
}

#define RUN(name, steps, rows, shift)                   \
  void name(const edgeq_quads *q) {                     \
    multiply(q, steps, (rows) > 0 ? (rows) : 1, shift); \
  }

#endif

#define ONE_ROW(steps)                            \
  RUN(edgeq_halves_##steps##_shift4, steps, 0, 4) \
  RUN(edgeq_halves_##steps##_shift6, steps, 0, 6)
#define THREE_ROWS(steps)                               \
  RUN(edgeq_halves_##steps##_rows3_shift4, steps, 3, 4) \
  RUN(edgeq_halves_##steps##_rows3_shift6, steps, 3, 6)

EDGEQ_QUADS_SIZES(ONE_ROW)
EDGEQ_QUADS_ONE_ROW(ONE_ROW)
EDGEQ_QUADS_THREE_ROWS(THREE_ROWS)
