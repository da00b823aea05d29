/* The products declared in edgeq/depthwise_pairs.h. A linker that drops unused sections keeps those that are
 * used. */
#include "depthwise_pairs.h"

#include <stddef.h>

#include "edgeq/attributes.h"
#include "edgeq/dsp.h"

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(edgeq_depthwise_pairs, last) == 52, "the assembly knows edgeq_depthwise_pairs");

/* Registers: r0 the window, r1 weights; r4 r5 sums of the first window's upper and lower output, r6 r7 of the
 * second's; r8 the weights' end, r9 distance of the second window, r10 of the next row, r11 the argument. */
#define RESULT                        \
  ".syntax unified\n"                 \
  ".macro edgeq_result sum\n"         \
  "  add    lr, r3, \\sum, asr #31\n" \
  "  smmlar \\sum, \\sum, r2, lr\n"   \
  "  asr    \\sum, \\sum, r12\n"      \
  "  ssat   \\sum, #8, \\sum\n"       \
  ".endm\n"

#define BEGIN                  \
  RESULT                       \
  "  push   {r4-r11, lr}\n"    \
  "  mov    r11, r0\n"         \
  "  ldr    r9, [r11, #16]\n"  \
  "  ldr    r10, [r11, #12]\n" \
  "2:\n"                       \
  "  ldr    r0, [r11]\n"       \
  "  ldr    r1, [r11, #4]\n"   \
  "  ldr    r8, [r11, #40]\n"  \
  "  ldr    r4, [r1], #4\n"    \
  "  mov    r5, r4\n"          \
  "  mov    r6, r4\n"          \
  "  mov    r7, r4\n"          \
  "  add    r8, r8, r1\n"      \
  "1:\n"

#define POSITIONS(count)       \
  ".rept " count               \
  "\n"                         \
  "  ldr    r3, [r0, r9]\n"    \
  "  ldr    r2, [r0], #16\n"   \
  "  ldr    r12, [r1], #4\n"   \
  "  ldr    lr, [r1], #4\n"    \
  "  smlad  r4, r2, r12, r4\n" \
  "  smlad  r5, r2, lr, r5\n"  \
  "  smlad  r6, r3, r12, r6\n" \
  "  smlad  r7, r3, lr, r7\n"  \
  ".endr\n"

#define END                      \
  "  add    r0, r0, r10\n"       \
  "  cmp    r1, r8\n"            \
  "  bne    1b\n"                \
  "  ldmia  r1, {r2, r3, r12}\n" \
  "  edgeq_result r4\n"          \
  "  edgeq_result r5\n"          \
  "  edgeq_result r6\n"          \
  "  edgeq_result r7\n"          \
  "  ldr    r0, [r11, #8]\n"     \
  "  ldr    r1, [r11, #24]\n"    \
  "  ldr    r2, [r11, #28]\n"    \
  "  ldr    r3, [r11, #32]\n"    \
  "  add    r2, r2, r0\n"        \
  "  strb   r7, [r2, r1]\n"      \
  "  strb   r6, [r2]\n"          \
  "  strb   r5, [r0, r1]\n"      \
  "  strb   r4, [r0]\n"          \
  "  ldr    r4, [r11]\n"         \
  "  ldr    r5, [r11, #20]\n"    \
  "  ldr    r6, [r11, #36]\n"    \
  "  add    r0, r0, r3\n"        \
  "  add    r4, r4, r5\n"        \
  "  subs   r6, r6, #1\n"        \
  "  str    r0, [r11, #8]\n"     \
  "  str    r4, [r11]\n"         \
  "  str    r6, [r11, #36]\n"    \
  "  bne    2b\n"                \
  "  pop    {r4-r11, pc}\n"      \
  ".purgem edgeq_result\n"

/* Registers: r0 the window, r1 weights; r4 to r7 sums; r9, r8, r10 distances of the second, third and fourth
 * window. Stack: the argument, distance of the next row, the weights' end. */
#define BEGIN_FOUR            \
  RESULT                      \
  "  push   {r4-r11, lr}\n"   \
  "  ldr    r1, [r0, #12]\n"  \
  "  ldr    r9, [r0, #16]\n"  \
  "  ldr    r8, [r0, #44]\n"  \
  "  ldr    r10, [r0, #48]\n" \
  "  push   {r0-r2}\n"        \
  "2:\n"                      \
  "  ldr    r1, [r0, #4]\n"   \
  "  ldr    r2, [r0, #40]\n"  \
  "  ldr    r0, [r0]\n"       \
  "  ldr    r4, [r1], #4\n"   \
  "  mov    r5, r4\n"         \
  "  mov    r6, r4\n"         \
  "  mov    r7, r4\n"         \
  "  add    r2, r2, r1\n"     \
  "  str    r2, [sp, #8]\n"   \
  "1:\n"

#define POSITIONS_FOUR(count)  \
  ".rept " count               \
  "\n"                         \
  "  ldr    r2, [r0, r9]\n"    \
  "  ldr    r3, [r0, r8]\n"    \
  "  ldr    r12, [r0, r10]\n"  \
  "  ldr    r11, [r0], #16\n"  \
  "  ldr    lr, [r1], #4\n"    \
  "  smlad  r5, r2, lr, r5\n"  \
  "  smlad  r6, r3, lr, r6\n"  \
  "  smlad  r7, r12, lr, r7\n" \
  "  smlad  r4, r11, lr, r4\n" \
  ".endr\n"

#define END_FOUR                 \
  "  ldr    r2, [sp, #4]\n"      \
  "  ldr    r3, [sp, #8]\n"      \
  "  add    r0, r0, r2\n"        \
  "  cmp    r1, r3\n"            \
  "  bne    1b\n"                \
  "  ldr    r11, [sp]\n"         \
  "  ldmia  r1, {r2, r3, r12}\n" \
  "  edgeq_result r4\n"          \
  "  edgeq_result r5\n"          \
  "  edgeq_result r6\n"          \
  "  edgeq_result r7\n"          \
  "  ldr    r0, [r11, #8]\n"     \
  "  ldr    r1, [r11, #28]\n"    \
  "  ldr    r2, [r11, #24]\n"    \
  "  ldr    r3, [r11, #52]\n"    \
  "  strb   r7, [r0, r3]\n"      \
  "  strb   r6, [r0, r2]\n"      \
  "  strb   r5, [r0, r1]\n"      \
  "  strb   r4, [r0]\n"          \
  "  ldr    r2, [r11]\n"         \
  "  ldr    r5, [r11, #20]\n"    \
  "  ldr    r6, [r11, #36]\n"    \
  "  ldr    r3, [r11, #32]\n"    \
  "  add    r2, r2, r5\n"        \
  "  add    r3, r3, r0\n"        \
  "  subs   r6, r6, #1\n"        \
  "  str    r2, [r11]\n"         \
  "  str    r3, [r11, #8]\n"     \
  "  str    r6, [r11, #36]\n"    \
  "  mov    r0, r11\n"           \
  "  bne    2b\n"                \
  "  add    sp, sp, #12\n"       \
  "  pop    {r4-r11, pc}\n"      \
  ".purgem edgeq_result\n"

#define RUN(positions)                                                                           \
  __attribute__((naked)) void edgeq_depthwise_pairs_##positions(__attribute__((unused))          \
                                                                edgeq_depthwise_pairs *d) {      \
    __asm__ volatile(BEGIN POSITIONS(#positions) END);                                           \
  }                                                                                              \
  __attribute__((naked)) void edgeq_depthwise_pairs_four_##positions(__attribute__((unused))     \
                                                                     edgeq_depthwise_pairs *d) { \
    __asm__ volatile(BEGIN_FOUR POSITIONS_FOUR(#positions) END_FOUR);                            \
  }

#else

static void multiply(edgeq_depthwise_pairs *d, uint32_t positions) {
  for (; d->count > 0; d->count--, d->pairs += d->step / 4u, d->output += d->next_output) {
    const uint32_t *at = d->pairs;
    const int32_t *w = d->channel;
    const int32_t start = *w++;
    int32_t sums[4] = {start, start, start, start};
    for (uint32_t left = d->weight_bytes; left > 0; at += d->next_row / 4u) {
      for (uint32_t i = positions; i > 0; i--, left -= 8u, at += 4, w += 2) {
        const uint32_t second = at[d->second / 4u];
        sums[0] = edgeq_dual_multiply_add(*at, (uint32_t)w[0], sums[0]);
        sums[1] = edgeq_dual_multiply_add(*at, (uint32_t)w[1], sums[1]);
        sums[2] = edgeq_dual_multiply_add(second, (uint32_t)w[0], sums[2]);
        sums[3] = edgeq_dual_multiply_add(second, (uint32_t)w[1], sums[3]);
      }
    }
    d->output[d->beside + d->below] = edgeq_depthwise_pairs_result(sums[3], w);
    d->output[d->beside] = edgeq_depthwise_pairs_result(sums[2], w);
    d->output[d->below] = edgeq_depthwise_pairs_result(sums[1], w);
    d->output[0] = edgeq_depthwise_pairs_result(sums[0], w);
  }
}

static void multiply_four(edgeq_depthwise_pairs *d, uint32_t positions) {
  const uint32_t windows[4] = {0, d->second / 4u, d->third / 4u, d->fourth / 4u};
  const uint32_t outputs[4] = {0, d->beside, d->below, d->last};
  for (; d->count > 0; d->count--, d->pairs += d->step / 4u, d->output += d->next_output) {
    for (uint32_t n = 4; n-- > 0;) {
      const uint32_t *at = d->pairs + windows[n];
      const int32_t *w = d->channel;
      int32_t sum = *w++;
      for (uint32_t left = d->weight_bytes; left > 0; at += d->next_row / 4u) {
        for (uint32_t i = positions; i > 0; i--, left -= 4u, at += 4) {
          sum = edgeq_dual_multiply_add(*at, (uint32_t)*w++, sum);
        }
      }
      d->output[outputs[n]] = edgeq_depthwise_pairs_result(sum, w);
    }
  }
}

#define RUN(positions)                                                    \
  void edgeq_depthwise_pairs_##positions(edgeq_depthwise_pairs *d) {      \
    multiply(d, positions);                                               \
  }                                                                       \
  void edgeq_depthwise_pairs_four_##positions(edgeq_depthwise_pairs *d) { \
    multiply_four(d, positions);                                          \
  }

#endif

RUN(1)
RUN(2)
RUN(3)
RUN(4)
RUN(5)
RUN(7)
