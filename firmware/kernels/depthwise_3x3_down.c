/* The products that edgeq/depthwise_3x3.h calls "down". A linker that drops unused sections keeps those that
 * are used. */
#include <stddef.h>

#include "depthwise_3x3.h"
#include "edgeq/attributes.h"
#include "edgeq/dsp.h"

/* Longer texts of assembly than the 4095 characters that ISO C99 asks of compilers: these take any. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(edgeq_depthwise_3x3, odd) == 40, "the assembly knows edgeq_depthwise_3x3");

/* Registers: r0 position in the upper of two pair rows: the last one that two columns read; r1 output; r4 to
 * r6 the columns' first weights, r7 to r9 their last. Stack: start value, m, c, n; then the argument's
 * fields, of which `pairs` and `output` move on, `channel` becomes the end of the column, `pitch` the bytes
 * from an output to the one beside and below it, `next` and `even` the bytes and the end of the even columns,
 * `rows` bytes of pair rows; then r4 and r5, which results that are not clamped overwrite. */
#define BEGIN                                                           \
  ".syntax unified\n"                                                   \
  ".macro edgeq_position offset, upper, lower\n"                        \
  "  ldr    \\upper, [r0, #\\offset - 16 * edgeq_last]\n"               \
  "  ldr    \\lower, [r0, #\\offset - 16 * edgeq_last + edgeq_pitch]\n" \
  ".endm\n"                                                             \
  ".macro edgeq_rest sum, upper, lower, first, last\n"                  \
  "  smlad  \\sum, \\upper, \\first, \\sum\n"                           \
  "  smlabt \\sum, \\lower, \\last, \\sum\n"                            \
  ".endm\n"                                                             \
  ".macro edgeq_tap above, below, upper, lower, first, last\n"          \
  "  smlad  \\above, \\upper, \\first, \\above\n"                       \
  "  smlatb \\below, \\upper, \\first, \\below\n"                       \
  "  smlabt \\above, \\lower, \\last, \\above\n"                        \
  "  smlad  \\below, \\lower, \\last, \\below\n"                        \
  ".endm\n"                                                             \
  ".macro edgeq_next_row\n"                                             \
  ".if edgeq_pitch < 256\n"                                             \
  "  ldr    r2, [r0], #edgeq_pitch\n"                                   \
  ".else\n"                                                             \
  "  ldr    r2, [r0]\n"                                                 \
  "  add    r0, r0, #edgeq_pitch\n"                                     \
  ".endif\n"                                                            \
  ".endm\n"                                                             \
  ".macro edgeq_finish m=r2, c=r3\n"                                    \
  "  ldr    \\m, [sp, #4]\n"                                            \
  "  ldr    \\c, [sp, #8]\n"                                            \
  ".if edgeq_clamped == 0\n"                                            \
  "  ldr    r4, [sp, #12]\n"                                            \
  ".endif\n"                                                            \
  ".endm\n"                                                             \
  ".macro edgeq_result sum, m=r2, c=r3\n"                               \
  ".if edgeq_clamped\n"                                                 \
  "  smmla  \\sum, \\sum, \\m, \\c\n"                                   \
  ".else\n"                                                             \
  "  and    r5, r4, \\sum, asr #31\n"                                   \
  "  sub    r5, \\c, r5\n"                                              \
  "  smmla  \\sum, \\sum, \\m, r5\n"                                    \
  ".endif\n"                                                            \
  "  ssat   \\sum, #8, \\sum, asr #edgeq_shift\n"                       \
  ".endm\n"                                                             \
  ".macro edgeq_finished\n"                                             \
  ".if edgeq_clamped == 0\n"                                            \
  "  ldr    r4, [sp, #60]\n"                                            \
  "  ldr    r5, [sp, #64]\n"                                            \
  ".endif\n"                                                            \
  ".endm\n"                                                             \
  ".set edgeq_last, 2 + edgeq_stride\n"                                 \
  "  push   {r4-r11, lr}\n"                                             \
  "  ldr    r2, [r0, #4]\n"                                             \
  "  ldmia  r2, {r4, r5}\n"                                             \
  "  push   {r4, r5}\n"                                                 \
  "  ldmia  r0, {r1-r11}\n"                                             \
  "  add    r1, r1, #16 * edgeq_last\n"                                 \
  "  add    r4, r5, r6\n"                                               \
  "  mov    r7, r8\n"                                                   \
  "  add    r8, r8, r1\n"                                               \
  "  lsl    r9, r9, #edgeq_pitch_log\n"                                 \
  "  push   {r1-r11}\n"                                                 \
  "  ldmia  r2!, {r4-r9}\n"                                             \
  "  ldmia  r2, {r10, r11, r12, lr}\n"                                  \
  "  push   {r10, r11, r12, lr}\n"                                      \
  "2:\n"                                                                \
  "  ldr    r0, [sp, #16]\n"                                            \
  "  ldr    r1, [sp, #24]\n"                                            \
  "  ldr    r2, [sp, #48]\n"                                            \
  "  ldr    r3, [sp, #32]\n"                                            \
  "  add    r10, r0, r2\n"                                              \
  "  add    r11, r0, #32 * edgeq_stride\n"                              \
  "  add    r12, r1, r3, lsl #1\n"                                      \
  "  str    r10, [sp, #20]\n"                                           \
  "  str    r11, [sp, #16]\n"                                           \
  "  str    r12, [sp, #24]\n"

/* Two columns, of two rows with strides of 1: sums r10 and r12, lr and r11; of one with strides of 2: r10,
 * r11. */
#define TWO_COLUMNS                        \
  "3:\n"                                   \
  "  ldr    r11, [sp]\n"                   \
  "  edgeq_position 0, r12, lr\n"          \
  "  edgeq_position 16, r2, r3\n"          \
  "  smlad  r10, r12, r4, r11\n"           \
  ".if edgeq_stride == 1\n"                \
  "  smlatb r12, r12, r4, r11\n"           \
  "  smlabt r10, lr, r7, r10\n"            \
  "  smlad  r12, lr, r7, r12\n"            \
  "  smlad  lr, r2, r4, r11\n"             \
  "  smlatb r11, r2, r4, r11\n"            \
  "  smlabt lr, r3, r7, lr\n"              \
  "  smlad  r11, r3, r7, r11\n"            \
  "  edgeq_tap r10, r12, r2, r3, r5, r8\n" \
  "  edgeq_position 32, r2, r3\n"          \
  "  edgeq_tap r10, r12, r2, r3, r6, r9\n" \
  "  edgeq_tap lr, r11, r2, r3, r5, r8\n"  \
  "  ldr    r3, [r0, #edgeq_pitch]\n"      \
  "  edgeq_next_row\n"                     \
  "  edgeq_tap lr, r11, r2, r3, r6, r9\n"  \
  "  edgeq_finish\n"                       \
  "  edgeq_result r10\n"                   \
  "  edgeq_result r12\n"                   \
  "  edgeq_result lr\n"                    \
  "  edgeq_result r11\n"                   \
  "  ldr    r2, [sp, #36]\n"               \
  "  ldr    r3, [sp, #32]\n"               \
  "  strb   r12, [r1, r2]\n"               \
  "  ldr    r12, [sp, #28]\n"              \
  "  strb   r10, [r1]\n"                   \
  "  ldr    r10, [sp, #20]\n"              \
  "  strb   r11, [r1, r12]\n"              \
  "  strb   lr, [r1, r3]\n"                \
  "  edgeq_finished\n"                     \
  "  add    r1, r1, r2, lsl #1\n"          \
  ".else\n"                                \
  "  smlabt r10, lr, r7, r10\n"            \
  "  edgeq_rest r10, r2, r3, r5, r8\n"     \
  "  edgeq_position 32, r12, lr\n"         \
  "  edgeq_position 48, r2, r3\n"          \
  "  edgeq_rest r10, r12, lr, r6, r9\n"    \
  "  edgeq_rest r11, r12, lr, r4, r7\n"    \
  "  edgeq_rest r11, r2, r3, r5, r8\n"     \
  "  ldr    r3, [r0, #edgeq_pitch]\n"      \
  "  edgeq_next_row\n"                     \
  "  edgeq_rest r11, r2, r3, r6, r9\n"     \
  "  edgeq_finish\n"                       \
  "  edgeq_result r10\n"                   \
  "  edgeq_result r11\n"                   \
  "  ldr    r2, [sp, #36]\n"               \
  "  ldr    r3, [sp, #32]\n"               \
  "  strb   r10, [r1]\n"                   \
  "  ldr    r10, [sp, #20]\n"              \
  "  strb   r11, [r1, r3]\n"               \
  "  edgeq_finished\n"                     \
  "  add    r1, r1, r2\n"                  \
  ".endif\n"                               \
  "  cmp    r0, r10\n"                     \
  "  bne    3b\n"                          \
  "  ldr    r2, [sp, #16]\n"               \
  "  ldr    r3, [sp, #44]\n"               \
  "  cmp    r2, r3\n"                      \
  "  bne.w  2b\n"

/* One column, of four rows: sums r10, r12, r2, r11. */
#define FOUR_ROWS                              \
  "7:\n"                                       \
  "  ldr    r11, [sp]\n"                       \
  "  edgeq_position 0, r2, r3\n"               \
  "  ldr    lr, [r0, #2 * edgeq_pitch - 48]\n" \
  "  smlad  r10, r2, r4, r11\n"                \
  "  smlatb r12, r2, r4, r11\n"                \
  "  smlad  r2, r3, r4, r11\n"                 \
  "  smlatb r11, r3, r4, r11\n"                \
  "  smlabt r10, r3, r7, r10\n"                \
  "  smlad  r12, r3, r7, r12\n"                \
  "  smlabt r2, lr, r7, r2\n"                  \
  "  smlad  r11, lr, r7, r11\n"                \
  "  edgeq_position 16, r3, lr\n"              \
  "  edgeq_tap r10, r12, r3, lr, r5, r8\n"     \
  "  smlad  r2, lr, r5, r2\n"                  \
  "  smlatb r11, lr, r5, r11\n"                \
  "  ldr    r3, [r0, #2 * edgeq_pitch - 32]\n" \
  "  ldr    lr, [r0, #-16]\n"                  \
  "  smlabt r2, r3, r8, r2\n"                  \
  "  smlad  r11, r3, r8, r11\n"                \
  "  smlad  r10, lr, r6, r10\n"                \
  "  smlatb r12, lr, r6, r12\n"                \
  "  ldr    r3, [r0, #edgeq_pitch - 16]\n"     \
  "  ldr    lr, [r0, #2 * edgeq_pitch - 16]\n" \
  "  smlabt r10, r3, r9, r10\n"                \
  "  smlad  r12, r3, r9, r12\n"                \
  "  edgeq_tap r2, r11, r3, lr, r6, r9\n"      \
  "  add    r0, r0, #2 * edgeq_pitch\n"        \
  "  edgeq_finish r3, lr\n"                    \
  "  edgeq_result r10, r3, lr\n"               \
  "  edgeq_result r12, r3, lr\n"               \
  "  edgeq_result r2, r3, lr\n"                \
  "  edgeq_result r11, r3, lr\n"               \
  "  ldr    r3, [sp, #36]\n"                   \
  "  add    lr, r3, r3, lsl #1\n"              \
  "  strb   r10, [r1]\n"                       \
  "  strb   r12, [r1, r3]\n"                   \
  "  strb   r2, [r1, r3, lsl #1]\n"            \
  "  strb   r11, [r1, lr]\n"                   \
  "  ldr    r2, [sp, #20]\n"                   \
  "  edgeq_finished\n"                         \
  "  add    r1, r1, r3, lsl #2\n"              \
  "  cmp    r0, r2\n"                          \
  "  bne    7b\n"

/* The last column, if their number is odd: sums r10 and, with strides of 1, r11; of an odd number of pair
 * rows one, and then two at a time. */
#define ODD_COLUMN                               \
  "  ldr    r3, [sp, #56]\n"                     \
  "  cmp    r3, #0\n"                            \
  "  beq.w  5f\n"                                \
  "  mov    r0, r2\n"                            \
  "  ldr    r1, [sp, #24]\n"                     \
  "  ldr    r2, [sp, #48]\n"                     \
  "  add    r10, r0, r2\n"                       \
  "  str    r10, [sp, #20]\n"                    \
  ".if edgeq_stride == 1\n"                      \
  "  tst    r2, #edgeq_pitch\n"                  \
  "  beq    7f\n"                                \
  ".endif\n"                                     \
  "4:\n"                                         \
  "  ldr    r10, [sp]\n"                         \
  "  edgeq_position 0, r12, lr\n"                \
  "  edgeq_position 16, r2, r3\n"                \
  ".if edgeq_stride == 1\n"                      \
  "  smlatb r11, r12, r4, r10\n"                 \
  "  smlad  r10, r12, r4, r10\n"                 \
  "  smlad  r11, lr, r7, r11\n"                  \
  "  smlabt r10, lr, r7, r10\n"                  \
  "  edgeq_tap r10, r11, r2, r3, r5, r8\n"       \
  ".else\n"                                      \
  "  edgeq_rest r10, r12, lr, r4, r7\n"          \
  "  edgeq_rest r10, r2, r3, r5, r8\n"           \
  ".endif\n"                                     \
  "  edgeq_position 32, r2, r3\n"                \
  "  add    r0, r0, #edgeq_pitch\n"              \
  ".if edgeq_stride == 1\n"                      \
  "  edgeq_tap r10, r11, r2, r3, r6, r9\n"       \
  ".else\n"                                      \
  "  edgeq_rest r10, r2, r3, r6, r9\n"           \
  ".endif\n"                                     \
  "  edgeq_finish\n"                             \
  "  edgeq_result r10\n"                         \
  ".if edgeq_stride == 1\n"                      \
  "  edgeq_result r11\n"                         \
  ".endif\n"                                     \
  "  ldr    r2, [sp, #36]\n"                     \
  "  ldr    r3, [sp, #20]\n"                     \
  ".if edgeq_stride == 1\n"                      \
  "  strb   r11, [r1, r2]\n"                     \
  ".endif\n"                                     \
  "  strb   r10, [r1]\n"                         \
  "  edgeq_finished\n"                           \
  "  add    r1, r1, r2, lsl #2 - edgeq_stride\n" \
  "  cmp    r0, r3\n"                            \
  ".if edgeq_stride == 1\n"                      \
  "  beq    5f\n" FOUR_ROWS                      \
  ".else\n"                                      \
  "  bne    4b\n"                                \
  ".endif\n"                                     \
  "5:\n"

/* One more row, which has none below it: all columns again, beginning behind those that were. */
#define END                                   \
  ".if edgeq_stride == 1\n"                   \
  "  ldr    r2, [sp, #52]\n"                  \
  "  cmp    r2, #0\n"                         \
  "  beq    6f\n"                             \
  "  ldr    r0, [sp, #16]\n"                  \
  "  ldr    r1, [sp, #24]\n"                  \
  "  ldr    r3, [sp, #32]\n"                  \
  "  ldr    r10, [sp, #40]\n"                 \
  "  ldr    r11, [sp, #48]\n"                 \
  "  ldr    r12, [sp, #36]\n"                 \
  "  sub    r0, r0, r10\n"                    \
  "  add    r0, r0, r11\n"                    \
  "  add    r2, r0, r10\n"                    \
  "  lsr    r10, r10, #4\n"                   \
  "  mls    r1, r10, r3, r1\n"                \
  "  lsr    r11, r11, #edgeq_pitch_log - 1\n" \
  "  mla    r1, r11, r12, r1\n"               \
  "  str    r0, [sp, #16]\n"                  \
  "  str    r1, [sp, #24]\n"                  \
  "  str    r2, [sp, #44]\n"                  \
  "  str    r3, [sp, #28]\n"                  \
  "  mov    r2, #0\n"                         \
  "  mov    r3, #edgeq_pitch\n"               \
  "  str    r2, [sp, #36]\n"                  \
  "  str    r2, [sp, #52]\n"                  \
  "  str    r3, [sp, #48]\n"                  \
  "  b.w    2b\n"                             \
  "6:\n"                                      \
  ".endif\n"                                  \
  "  add    sp, sp, #68\n"                    \
  "  pop    {r4-r11, pc}\n"                   \
  ".purgem edgeq_position\n"                  \
  ".purgem edgeq_rest\n"                      \
  ".purgem edgeq_tap\n"                       \
  ".purgem edgeq_next_row\n"                  \
  ".purgem edgeq_finish\n"                    \
  ".purgem edgeq_result\n"                    \
  ".purgem edgeq_finished\n"

#define PITCH_LOG_8 "7"
#define PITCH_LOG_16 "8"
#define PITCH_LOG_32 "9"
#define PITCH_LOG_64 "10"

#define RUN(name, positions, stride, shift, clamped)                                                       \
  __attribute__((naked)) void name(__attribute__((unused)) const edgeq_depthwise_3x3 *d) {                 \
    __asm__ volatile(".set edgeq_pitch, 16 * " #positions "\n.set edgeq_pitch_log, " PITCH_LOG_##positions \
                     "\n.set edgeq_stride, " #stride "\n.set edgeq_shift, " #shift                         \
                     "\n.set edgeq_clamped, " #clamped "\n" BEGIN TWO_COLUMNS ODD_COLUMN END);             \
  }

#else

#define RUN(name, positions, stride, shift, clamped)         \
  void name(const edgeq_depthwise_3x3 *d) {                  \
    edgeq_depthwise_3x3_multiply(d, stride, shift, clamped); \
  }

#endif

#define ALL(positions, stride, shift)                                                         \
  RUN(edgeq_depthwise_3x3_down_##positions##_##stride##_##shift, positions, stride, shift, 0) \
  RUN(edgeq_depthwise_3x3_down_##positions##_##stride##_##shift##_clamped, positions, stride, shift, 1)

ALL(8, 1, 8)
ALL(8, 1, 10)
ALL(8, 1, 12)
ALL(8, 1, 14)
ALL(8, 2, 8)
ALL(8, 2, 10)
ALL(8, 2, 12)
ALL(8, 2, 14)
ALL(16, 1, 8)
ALL(16, 1, 10)
ALL(16, 1, 12)
ALL(16, 1, 14)
ALL(16, 2, 8)
ALL(16, 2, 10)
ALL(16, 2, 12)
ALL(16, 2, 14)
ALL(32, 1, 8)
ALL(32, 1, 10)
ALL(32, 1, 12)
ALL(32, 1, 14)
ALL(64, 1, 8)
ALL(64, 1, 10)
ALL(64, 1, 12)
ALL(64, 1, 14)
