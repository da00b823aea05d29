/* The products that edgeq/depthwise_pairs.h calls "line". A linker that drops unused sections keeps those
 * that are used. */
#include <stddef.h>

#include "depthwise_pairs.h"
#include "edgeq/attributes.h"
#include "edgeq/dsp.h"

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(edgeq_depthwise_pairs, weight_bytes) == 40,
                    "the assembly knows edgeq_depthwise_pairs");

/* Registers: r0 the third pair row, r1 output; r4 to r7 sums; r8 the weights of the first pair row's upper
 * output, r10 and lr of those that follow; r9 and r11 those of the lower one from the second on; r12 bytes
 * from a pair row to the next. The rest of the weights is in halves of these. Stack: start value, m, c, s,
 * r12, bytes from an output to the next, the end, lr. */
#define BEGIN                              \
  ".syntax unified\n"                      \
  ".macro edgeq_at row, upper, lower, p\n" \
  ".if \\row == 1\n"                       \
  ".if edgeq_taps == 3\n"                  \
  "  smlabt \\upper, \\p, r9, \\upper\n"   \
  ".else\n"                                \
  "  smlad  \\upper, \\p, r10, \\upper\n"  \
  ".endif\n"                               \
  "  smlad  \\lower, \\p, r9, \\lower\n"   \
  ".elseif \\row == 3\n"                   \
  "  smlabt \\lower, \\p, lr, \\lower\n"   \
  ".elseif edgeq_taps == 4\n"              \
  "  smlabt \\lower, \\p, r10, \\lower\n"  \
  ".elseif edgeq_taps == 5\n"              \
  "  smlabt \\upper, \\p, r11, \\upper\n"  \
  "  smlad  \\lower, \\p, r11, \\lower\n"  \
  ".else\n"                                \
  "  smlad  \\upper, \\p, lr, \\upper\n"   \
  "  smlad  \\lower, \\p, r11, \\lower\n"  \
  ".endif\n"                               \
  ".endm\n"                                \
  ".macro edgeq_result sum\n"              \
  "  add    lr, r3, \\sum, asr #31\n"      \
  "  smmlar \\sum, \\sum, r2, lr\n"        \
  "  asr    \\sum, \\sum, r12\n"           \
  "  ssat   \\sum, #8, \\sum\n"            \
  ".endm\n"                                \
  "  push   {r4-r11, lr}\n"                \
  "  sub    sp, sp, #32\n"                 \
  "  ldr    r1, [r0, #8]\n"                \
  "  ldr    r2, [r0, #4]\n"                \
  "  ldr    r12, [r0, #16]\n"              \
  "  ldr    r3, [r0, #24]\n"               \
  "  ldr    r4, [r0, #36]\n"               \
  "  ldr    r5, [r0, #40]\n"               \
  "  ldr    r0, [r0]\n"                    \
  "  mul    r4, r4, r12\n"                 \
  "  add    r4, r0, r4, lsl #1\n"          \
  "  str    r12, [sp, #16]\n"              \
  "  str    r3, [sp, #20]\n"               \
  "  str    r4, [sp, #24]\n"               \
  "  ldr    r6, [r2]\n"                    \
  "  ldr    r8, [r2, #4]\n"                \
  "  ldr    r9, [r2, #16]\n"               \
  ".if edgeq_taps > 3\n"                   \
  "  ldr    r10, [r2, #12]\n"              \
  ".endif\n"                               \
  ".if edgeq_taps > 4\n"                   \
  "  ldr    r11, [r2, #24]\n"              \
  ".endif\n"                               \
  ".if edgeq_taps > 5\n"                   \
  "  ldr    lr, [r2, #20]\n"               \
  "  str    lr, [sp, #28]\n"               \
  ".endif\n"                               \
  "  add    r2, r2, r5\n"                  \
  "  str    r6, [sp]\n"                    \
  "  ldr    r3, [r2, #4]\n"                \
  "  ldr    r4, [r2, #8]\n"                \
  "  ldr    r5, [r2, #12]\n"               \
  "  str    r3, [sp, #4]\n"                \
  "  str    r4, [sp, #8]\n"                \
  "  str    r5, [sp, #12]\n"

/* Of two pair rows, two outputs each. */
#define FOUR_ROWS                    \
  "1:\n"                             \
  "  ldr    r7, [sp]\n"              \
  "  ldr    r2, [r0]\n"              \
  "  ldr    r3, [r0, r12]\n"         \
  "  add    r0, r0, r12, lsl #1\n"   \
  "  smlad  r4, r2, r8, r7\n"        \
  "  smlatb r5, r2, r8, r7\n"        \
  "  edgeq_at 1, r4, r5, r3\n"       \
  "  smlad  r6, r3, r8, r7\n"        \
  "  smlatb r7, r3, r8, r7\n"        \
  "  ldr    r2, [r0]\n"              \
  ".if edgeq_taps > 3\n"             \
  "  ldr    r3, [r0, r12]\n"         \
  "  edgeq_at 2, r4, r5, r2\n"       \
  ".endif\n"                         \
  "  edgeq_at 1, r6, r7, r2\n"       \
  ".if edgeq_taps > 5\n"             \
  "  ldr    r2, [r0, r12, lsl #1]\n" \
  "  edgeq_at 3, r4, r5, r3\n"       \
  ".endif\n"                         \
  ".if edgeq_taps > 3\n"             \
  "  edgeq_at 2, r6, r7, r3\n"       \
  ".endif\n"                         \
  ".if edgeq_taps > 5\n"             \
  "  edgeq_at 3, r6, r7, r2\n"       \
  ".endif\n"                         \
  "  ldr    r2, [sp, #4]\n"          \
  "  ldr    r3, [sp, #8]\n"          \
  "  ldr    r12, [sp, #12]\n"        \
  "  edgeq_result r4\n"              \
  "  edgeq_result r5\n"              \
  "  edgeq_result r6\n"              \
  "  edgeq_result r7\n"              \
  "  ldr    r2, [sp, #20]\n"         \
  "  ldr    r3, [sp, #24]\n"         \
  "  ldr    r12, [sp, #16]\n"        \
  ".if edgeq_taps > 5\n"             \
  "  ldr    lr, [sp, #28]\n"         \
  ".endif\n"                         \
  "  strb   r6, [r1, r2, lsl #1]\n"  \
  "  strb   r5, [r1, r2]\n"          \
  "  add    r6, r2, r2, lsl #1\n"    \
  "  strb   r7, [r1, r6]\n"          \
  "  strb   r4, [r1]\n"              \
  "  add    r1, r1, r2, lsl #2\n"    \
  "  cmp    r0, r3\n"                \
  "  bne    1b\n"

#define END                 \
  "  add    sp, sp, #32\n"  \
  "  pop    {r4-r11, pc}\n" \
  ".purgem edgeq_at\n"      \
  ".purgem edgeq_result\n"

#define RUN(taps)                                                                           \
  __attribute__((naked)) void edgeq_depthwise_pairs_line_##taps(__attribute__((unused))     \
                                                                edgeq_depthwise_pairs *d) { \
    __asm__ volatile(".set edgeq_taps, " #taps "\n" BEGIN FOUR_ROWS END);                   \
  }

#else

static void multiply(const edgeq_depthwise_pairs *d) {
  const uint32_t pair_rows = d->weight_bytes / 8u;
  const uint32_t pitch = d->second / 4u;
  const int32_t *const rest = d->channel + 1 + 2 * pair_rows;
  const uint32_t *pairs = d->pairs;
  int8_t *output = d->output;
  for (uint32_t left = d->count; left > 0; left--, pairs += 2 * pitch, output += 4 * d->below) {
    for (uint32_t n = d->below > 0 ? 4 : 1; n-- > 0;) {
      int32_t sum = d->channel[0];
      for (uint32_t i = 0; i < pair_rows; i++) {
        const uint32_t weights = (uint32_t)d->channel[1 + 2 * i + n % 2];
        sum = edgeq_dual_multiply_add(pairs[(n / 2 + i) * pitch], weights, sum);
      }
      output[n * d->below] = edgeq_depthwise_pairs_result(sum, rest);
    }
  }
}

#define RUN(taps)                                                    \
  void edgeq_depthwise_pairs_line_##taps(edgeq_depthwise_pairs *d) { \
    multiply(d);                                                     \
  }

#endif

RUN(3)
RUN(4)
RUN(5)
RUN(6)
