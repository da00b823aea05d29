/* The products declared in edgeq/quads.h. A linker that drops unused sections keeps those that are used. */
#include "quads.h"

#include <stddef.h>

#include "edgeq/attributes.h"

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(edgeq_quads, output_step) == 36, "the assembly knows edgeq_quads");

/* Registers: r0 columns, r1 weights; r4 r5 sums (mixed, even) of channels 0 and 1 in column 0, r6 r7 in
 * column 1; r8 to r11 likewise of channels 2 and 3. Stack: the argument's fields; of one row, `rows` becomes
 * the columns, of several `weights` the end of the quad's and `pairs` and `column_bytes` the next row and the
 * end of the row's weights, so that behind all fields these three are again, and the bytes that columns have
 * moved on by; of three rows, where their columns begin is behind all fields. `output1` becomes the distance
 * from output0. */
#define BEGIN                                          \
  ".syntax unified\n"                                  \
  ".macro edgeq_even sum\n"                            \
  " add.w  \\sum, \\sum, \\sum\n"                      \
  " add.w  lr, r3, \\sum, asr #31\n"                   \
  " smmlar \\sum, \\sum, r2, lr\n"                     \
  " asr.w  \\sum, \\sum, r12\n"                        \
  " ssat   \\sum, #8, \\sum\n"                         \
  ".endm\n"                                            \
  ".macro edgeq_odd sum\n"                             \
  " asr.w  lr, \\sum, #31\n"                           \
  " add.w  lr, r3, lr, lsl #7\n"                       \
  " smmla  \\sum, \\sum, r2, lr\n"                     \
  " asr.w  \\sum, \\sum, r12\n"                        \
  " ssat   \\sum, #8, \\sum\n"                         \
  ".endm\n"                                            \
  ".macro edgeq_wide_channel sum0, sum1\n"             \
  " ldmia  r1!, {r2, r3, r12}\n"                       \
  " edgeq_even \\sum0\n"                               \
  " edgeq_even \\sum1\n"                               \
  ".endm\n"                                            \
  ".macro edgeq_channels even0, even1, odd0, odd1\n"   \
  ".if edgeq_shift\n"                                  \
  " ldmia  r1!, {r2, r3, r12, lr}\n"                   \
  " smmla  \\even0, \\even0, r2, r3\n"                 \
  " smmla  \\even1, \\even1, r2, r3\n"                 \
  " smmla  \\odd0, \\odd0, r12, lr\n"                  \
  " smmla  \\odd1, \\odd1, r12, lr\n"                  \
  " ssat   \\even0, #8, \\even0, asr #edgeq_shift\n"   \
  " ssat   \\even1, #8, \\even1, asr #edgeq_shift\n"   \
  " ssat   \\odd0, #8, \\odd0, asr #edgeq_shift + 8\n" \
  " ssat   \\odd1, #8, \\odd1, asr #edgeq_shift + 8\n" \
  ".else\n"                                            \
  " ldmia  r1!, {r2, r3, r12}\n"                       \
  " edgeq_even \\even0\n"                              \
  " edgeq_even \\even1\n"                              \
  " ldmia  r1!, {r2, r3, r12}\n"                       \
  " edgeq_odd \\odd0\n"                                \
  " edgeq_odd \\odd1\n"                                \
  ".endif\n"                                           \
  ".endm\n"                                            \
  " push   {r4-r11, lr}\n"                             \
  " ldmia  r0, {r1-r10}\n"                             \
  " sub    r5, r5, r4\n"                               \
  ".if edgeq_rows == 0\n"                              \
  " ldr    r1, [r1]\n"                                 \
  ".elseif edgeq_rows == 3\n"                          \
  " ldmia  r1, {r0, r11, r12}\n"                       \
  " push   {r0, r11, r12}\n"                           \
  ".else\n"                                            \
  " mov    r11, #0\n"                                  \
  " push   {r2, r8, r9, r11}\n"                        \
  ".endif\n"                                           \
  " push   {r1-r10}\n"                                 \
  " mov    r0, r1\n"                                   \
  " mov    r1, r2\n"                                   \
  "2:\n"                                               \
  " ldmia  r1!, {r4, r5, r8, r9}\n"                    \
  ".if edgeq_rows == 3\n"                              \
  " ldr    r0, [sp, #40]\n"                            \
  ".elseif edgeq_rows\n"                               \
  " ldr    r2, [sp, #24]\n"                            \
  " ldr    r3, [sp]\n"                                 \
  " add    r2, r2, r1\n"                               \
  " str    r2, [sp, #4]\n"                             \
  " mov    r6, r4\n"                                   \
  " mov    r7, r5\n"                                   \
  " mov    r10, r8\n"                                  \
  " mov    r11, r9\n"                                  \
  "3:\n"                                               \
  " ldr    r0, [r3], #4\n"                             \
  " ldr    r2, [sp, #52]\n"                            \
  " str    r3, [sp, #28]\n"                            \
  " add    r0, r0, r2\n"                               \
  ".if edgeq_rows == 2\n"                              \
  " ldr    r2, [sp, #20]\n"                            \
  " add    r2, r2, r1\n"                               \
  " str    r2, [sp, #32]\n"                            \
  ".endif\n"                                           \
  ".endif\n"                                           \
  "1:\n"

#define STEPS(count)                                             \
  ".macro edgeq_step start0, start0_even, start2, start2_even\n" \
  " ldr    r2, [r0], #4\n"                                       \
  " ldr    r3, [r0], #4\n"                                       \
  " ldr    r12, [r1], #4\n"                                      \
  " ldr    lr, [r1], #4\n"                                       \
  ".if edgeq_wide\n"                                             \
  " smlad  r6, r12, r3, \\start0\n"                              \
  " smlad  r4, r12, r2, r4\n"                                    \
  " smlad  r7, lr, r3, \\start0_even\n"                          \
  " smlad  r5, lr, r2, r5\n"                                     \
  " ldr    r12, [r1], #4\n"                                      \
  " ldr    lr, [r1], #4\n"                                       \
  " smlad  r10, r12, r3, \\start2\n"                             \
  " smlad  r8, r12, r2, r8\n"                                    \
  ".else\n"                                                      \
  " smlad  r6, r12, r3, \\start0\n"                              \
  " smlad  r4, r12, r2, r4\n"                                    \
  " smlad  r10, lr, r3, \\start2\n"                              \
  " smlad  r8, lr, r2, r8\n"                                     \
  " sxtb16 r12, r12\n"                                           \
  " sxtb16 lr, lr\n"                                             \
  " smlad  r7, r12, r3, \\start0_even\n"                         \
  " smlad  r5, r12, r2, r5\n"                                    \
  ".endif\n"                                                     \
  " smlad  r11, lr, r3, \\start2_even\n"                         \
  " smlad  r9, lr, r2, r9\n"                                     \
  ".endm\n"                                                      \
  ".if edgeq_rows == 0 || edgeq_rows == 3\n"                     \
  " edgeq_step r4, r5, r8, r9\n"                                 \
  ".set edgeq_left, " count                                      \
  " - 1\n"                                                       \
  ".else\n"                                                      \
  ".set edgeq_left, " count                                      \
  "\n"                                                           \
  ".endif\n"                                                     \
  ".rept edgeq_left\n"                                           \
  " edgeq_step r6, r7, r10, r11\n"                               \
  ".endr\n"                                                      \
  ".if edgeq_rows == 3\n"                                        \
  ".irp place, 44, 48\n"                                         \
  " ldr    r0, [sp, #\\place]\n"                                 \
  ".rept " count                                                 \
  "\n"                                                           \
  " edgeq_step r6, r7, r10, r11\n"                               \
  ".endr\n"                                                      \
  ".endr\n"                                                      \
  ".endif\n"                                                     \
  ".purgem edgeq_step\n"

#define END                                  \
  ".if edgeq_rows == 2\n"                    \
  " ldr    r2, [sp, #32]\n"                  \
  " cmp    r1, r2\n"                         \
  " bne.w  1b\n"                             \
  ".endif\n"                                 \
  ".if edgeq_rows == 1 || edgeq_rows == 2\n" \
  " ldr    r3, [sp, #28]\n"                  \
  " ldr    r2, [sp, #4]\n"                   \
  " cmp    r1, r2\n"                         \
  " bne.w  3b\n"                             \
  ".endif\n"                                 \
  ".if edgeq_wide\n"                         \
  " edgeq_wide_channel r4, r6\n"             \
  " edgeq_wide_channel r5, r7\n"             \
  " edgeq_wide_channel r8, r10\n"            \
  " edgeq_wide_channel r9, r11\n"            \
  ".else\n"                                  \
  " sub    r4, r4, r5\n"                     \
  " sub    r6, r6, r7\n"                     \
  " sub    r8, r8, r9\n"                     \
  " sub    r10, r10, r11\n"                  \
  " edgeq_channels r5, r7, r4, r6\n"         \
  " edgeq_channels r9, r11, r8, r10\n"       \
  ".endif\n"                                 \
  " ldr    r2, [sp, #12]\n"                  \
  " ldr    r3, [sp, #16]\n"                  \
  " ldr    r12, [sp, #8]\n"                  \
  ".if edgeq_rows == 0\n"                    \
  " ldr    r0, [sp]\n"                       \
  ".endif\n"                                 \
  ".macro edgeq_store column0, column1\n"    \
  " strb   \\column1, [r2, r3]\n"            \
  " strb   \\column0, [r2], #1\n"            \
  ".endm\n"                                  \
  ".if edgeq_wide\n"                         \
  " edgeq_store r4, r6\n"                    \
  " edgeq_store r5, r7\n"                    \
  " edgeq_store r8, r10\n"                   \
  " edgeq_store r9, r11\n"                   \
  ".else\n"                                  \
  " edgeq_store r5, r7\n"                    \
  " edgeq_store r4, r6\n"                    \
  " edgeq_store r9, r11\n"                   \
  " edgeq_store r8, r10\n"                   \
  ".endif\n"                                 \
  ".purgem edgeq_store\n"                    \
  " str    r2, [sp, #12]\n"                  \
  " cmp    r1, r12\n"                        \
  " bne.w  2b\n"

/* The next pair of columns, or the end. */
#define NEXT_0              \
  " ldr    r4, [sp, #28]\n" \
  " ldr    r5, [sp, #32]\n" \
  " ldr    r6, [sp, #36]\n" \
  " ldr    r1, [sp, #4]\n"  \
  " subs   r4, r4, #1\n"    \
  " add    r0, r0, r5\n"    \
  " add    r2, r2, r6\n"    \
  " str    r4, [sp, #28]\n" \
  " str    r0, [sp]\n"      \
  " str    r2, [sp, #12]\n" \
  " bne.w  2b\n"            \
  " add    sp, sp, #40\n"

#define NEXT_1                         \
  " add    r0, sp, #36\n"              \
  " ldmia  r0, {r3, r4, r5, r6, r7}\n" \
  " add    r2, r2, r3\n"               \
  " mov    r1, r4\n"                   \
  " subs   r5, r5, #1\n"               \
  " add    r7, r7, r6\n"               \
  " str    r2, [sp, #12]\n"            \
  " str    r5, [sp, #44]\n"            \
  " str    r7, [sp, #52]\n"            \
  " bne.w  2b\n"                       \
  " add    sp, sp, #56\n"

#define NEXT_2 NEXT_1

#define NEXT_3                 \
  " ldr    r4, [sp, #28]\n"    \
  " ldr    r5, [sp, #32]\n"    \
  " ldr    r6, [sp, #36]\n"    \
  " ldr    r1, [sp, #4]\n"     \
  " add    r0, sp, #40\n"      \
  " ldmia  r0, {r7, r8, r9}\n" \
  " subs   r4, r4, #1\n"       \
  " add    r2, r2, r6\n"       \
  " add    r7, r7, r5\n"       \
  " add    r8, r8, r5\n"       \
  " add    r9, r9, r5\n"       \
  " stmia  r0, {r7, r8, r9}\n" \
  " str    r4, [sp, #28]\n"    \
  " str    r2, [sp, #12]\n"    \
  " bne.w  2b\n"               \
  " add    sp, sp, #52\n"

#define LEAVE                    \
  " pop    {r4-r11, pc}\n"       \
  ".purgem edgeq_even\n"         \
  ".purgem edgeq_odd\n"          \
  ".purgem edgeq_wide_channel\n" \
  ".purgem edgeq_channels\n"

#define RUN(name, steps, rows, shift, wide)                                                              \
  __attribute__((naked)) void name(__attribute__((unused)) const edgeq_quads *q) {                       \
    __asm__ volatile(".set edgeq_rows, " #rows "\n.set edgeq_shift, " #shift "\n.set edgeq_wide, " #wide \
                     "\n" BEGIN STEPS(#steps) END NEXT_##rows LEAVE);                                    \
  }

#else

static int8_t even_result(int32_t sum, const int32_t *channel) {
  const int32_t doubled = (int32_t)((uint32_t)sum * 2u);
  const int32_t c = (int32_t)((uint32_t)channel[1] - (sum < 0 ? 1u : 0u));
  return (int8_t)edgeq_saturate_int8(edgeq_high_multiply_add_rounded(doubled, channel[0], c) >> channel[2]);
}

static int8_t odd_result(int32_t sum256, const int32_t *channel) {
  const uint32_t c = (uint32_t)channel[1] - (sum256 < 0 ? 128u : 0u);
  return (int8_t)edgeq_saturate_int8(edgeq_high_multiply_add(sum256, channel[0], (int32_t)c) >> channel[2]);
}

/* Of channels 2 * pair and 2 * pair + 1, whose words `channels` begin with channel 0's; `odd` is 256 times
 * the sum. */
static void results(const int32_t *channels, uint32_t pair, int32_t even, int32_t odd, int32_t shift,
                    int8_t *output) {
  if (shift > 0) {
    const int32_t *line = channels + 4 * pair;
    output[0] = (int8_t)edgeq_saturate_int8(edgeq_high_multiply_add(even, line[0], line[1]) >> shift);
    output[1] = (int8_t)edgeq_saturate_int8(edgeq_high_multiply_add(odd, line[2], line[3]) >> (shift + 8));
    return;
  }
  output[0] = even_result(even, channels + 6 * pair);
  output[1] = odd_result(odd, channels + 3 + 6 * pair);
}

/* Sums of one row of steps: mixed and even ones, or, of a wide product, of four channels in each column. */
static const int32_t *row_sums(const int32_t *w, const uint32_t *columns, uint32_t bytes, int wide,
                               int32_t *mixed, int32_t *even) {
  for (uint32_t left = bytes; left > 0; left -= wide ? 16 : 8, columns += 2) {
    for (int32_t i = 0; i < 4; i++) {
      const uint32_t weights = (uint32_t)w[wide ? i : i >> 1];
      if (wide) {
        mixed[i] = edgeq_dual_multiply_add(weights, columns[0], mixed[i]);
        even[i] = edgeq_dual_multiply_add(weights, columns[1], even[i]);
      } else {
        mixed[i] = edgeq_dual_multiply_add(weights, columns[i & 1], mixed[i]);
        even[i] = edgeq_dual_multiply_add(edgeq_even_bytes(weights), columns[i & 1], even[i]);
      }
    }
    w += wide ? 4 : 2;
  }
  return w;
}

static void multiply_pair(const edgeq_quads *q, uint32_t pair, int32_t shift, int wide) {
  const uint32_t rest = shift > 0 ? EDGEQ_QUAD_STRAIGHT_REST : EDGEQ_QUAD_REST;
  const uint32_t words = EDGEQ_QUAD_STARTS + q->quad_bytes / 4u + rest;
  const uint32_t outputs = (uint32_t)(q->end - q->weights) / words * 4u + q->output_step;
  int8_t *output0 = q->output0 + pair * outputs;
  int8_t *output1 = q->output1 + pair * outputs;
  for (const int32_t *w = q->weights; w != q->end; w += rest) {
    int32_t mixed[4];
    int32_t even[4];
    for (int32_t i = 0; i < 4; i++) {
      mixed[i] = w[wide ? i : i & 2];
      even[i] = w[wide ? i : (i & 2) + 1];
    }
    w += EDGEQ_QUAD_STARTS;
    for (uint32_t row = 0; row < q->quad_bytes / q->row_bytes; row++) {
      const uint32_t *columns = q->rows[row] + pair * (q->column_bytes / 4u);
      w = row_sums(w, columns, q->row_bytes, wide, mixed, even);
    }
    /* Column 1 first: where both have the same place, column 0 stays. */
    for (uint32_t i = 4; i-- > 0;) {
      if (wide) {
        output1[i] = even_result(even[i], w + 3 * i);
        output0[i] = even_result(mixed[i], w + 3 * i);
        continue;
      }
      const uint32_t n = (i & 1u) << 1 | i >> 1; /* 3, 1, 2, 0: sums in pairs of channels, by columns */
      const int32_t odd = (int32_t)((uint32_t)mixed[n] - (uint32_t)even[n]);
      results(w, n >> 1, even[n], odd, shift, ((n & 1) ? output1 : output0) + (n & 2));
    }
    output0 += 4;
    output1 += 4;
  }
}

static void multiply(const edgeq_quads *q, int32_t shift, int wide) {
  for (uint32_t pair = 0; pair < q->pairs; pair++) multiply_pair(q, pair, shift, wide);
}

#define RUN(name, steps, rows, shift, wide) \
  void name(const edgeq_quads *q) {         \
    multiply(q, shift, wide);               \
  }

#endif

#define KINDS(name, steps, rows)                      \
  RUN(edgeq_quads_##name, steps, rows, 0, 0)          \
  RUN(edgeq_quads_##name##_shift4, steps, rows, 4, 0) \
  RUN(edgeq_quads_##name##_shift6, steps, rows, 6, 0) \
  RUN(edgeq_quads_##name##_wide, steps, rows, 0, 1)

#define ALL(steps)              \
  KINDS(steps, steps, 0)        \
  KINDS(steps##_rows, steps, 1) \
  KINDS(steps##_loop, steps, 2)
#define ONE_ROW(steps) KINDS(steps, steps, 0)
#define THREE_ROWS(steps) KINDS(steps##_rows3, steps, 3)

EDGEQ_QUADS_SIZES(ALL)
EDGEQ_QUADS_ONE_ROW(ONE_ROW)
EDGEQ_QUADS_THREE_ROWS(THREE_ROWS)
