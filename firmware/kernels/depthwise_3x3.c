/* The products declared in edgeq/depthwise_3x3.h. A linker that drops unused sections keeps those that are
 * used. */
#include "depthwise_3x3.h"

#include <stddef.h>

#include "edgeq/attributes.h"
#include "edgeq/dsp.h"

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(edgeq_depthwise_3x3, more) == 36, "the assembly knows edgeq_depthwise_3x3");

/* Registers: r0 r1 positions in two pair rows; r4 to r6 the columns' first weights, r7 to r9 their last; r10
 * and r2 sums of two columns, with strides of 1 also r11 and r3, of the row below; with strides of 2, r3 is
 * the output. Stack: start value, m, c,
 * n, then the argument's fields, of which `pairs` moves on and `channel` becomes the end of the even columns.
 */
#define BEGIN                                     \
  ".syntax unified\n"                             \
  ".macro edgeq_tap upper, lower, first, last\n"  \
  "  smlad  \\upper, r12, \\first, \\upper\n"     \
  ".if edgeq_stride == 1\n"                       \
  "  smlatb \\lower, r12, \\first, \\lower\n"     \
  ".endif\n"                                      \
  "  smlabt \\upper, lr, \\last, \\upper\n"       \
  ".if edgeq_stride == 1\n"                       \
  "  smlad  \\lower, lr, \\last, \\lower\n"       \
  ".endif\n"                                      \
  ".endm\n"                                       \
  ".macro edgeq_position_then step\n"             \
  "  ldr    r12, [r0], \\step\n"                  \
  "  ldr    lr, [r1], \\step\n"                   \
  ".endm\n"                                       \
  ".macro edgeq_position offset\n"                \
  "  ldr    r12, [r0, \\offset]\n"                \
  "  ldr    lr, [r1, \\offset]\n"                 \
  ".endm\n"                                       \
  ".macro edgeq_result sum\n"                     \
  ".if edgeq_clamped\n"                           \
  "  smmla  \\sum, \\sum, r12, lr\n"              \
  ".else\n"                                       \
  "  and    r5, r4, \\sum, asr #31\n"             \
  "  sub    r5, lr, r5\n"                         \
  "  smmla  \\sum, \\sum, r12, r5\n"              \
  ".endif\n"                                      \
  "  ssat   \\sum, #8, \\sum, asr #edgeq_shift\n" \
  ".endm\n"                                       \
  ".macro edgeq_finish\n"                         \
  "  ldr    r12, [sp, #4]\n"                      \
  "  ldr    lr, [sp, #8]\n"                       \
  ".if edgeq_clamped == 0\n"                      \
  "  ldr    r4, [sp, #12]\n"                      \
  ".endif\n"                                      \
  ".endm\n"                                       \
  "  push   {r4-r11, lr}\n"                       \
  "  ldr    r2, [r0, #4]\n"                       \
  "  ldmia  r2, {r4, r5}\n"                       \
  "  push   {r4, r5}\n"                           \
  "  ldmia  r0, {r1-r10}\n"                       \
  "  push   {r1-r10}\n"                           \
  "  ldmia  r2!, {r4-r9}\n"                       \
  "  ldmia  r2, {r10, r11, r12, lr}\n"            \
  "  push   {r10, r11, r12, lr}\n"

/* A row: its even columns two by two. */
#define ROW                        \
  "2:\n"                           \
  "  ldr    r0, [sp, #16]\n"       \
  "  ldr    r1, [sp, #28]\n"       \
  "  ldr    r2, [sp, #44]\n"       \
  "  add    r1, r1, r0\n"          \
  "  add    r2, r2, r0\n"          \
  "  str    r1, [sp, #16]\n"       \
  "  str    r2, [sp, #20]\n"       \
  ".if edgeq_stride == 2\n"        \
  "  ldr    r3, [sp, #24]\n"       \
  ".endif\n"                       \
  "3:\n"                           \
  "  ldr    r10, [sp]\n"           \
  "  edgeq_position_then #32\n"    \
  "  mov    r2, r10\n"             \
  ".if edgeq_stride == 1\n"        \
  "  mov    r11, r10\n"            \
  "  mov    r3, r10\n"             \
  ".endif\n"                       \
  "  edgeq_tap r10, r11, r4, r7\n" \
  "  edgeq_position #-16\n"        \
  "  edgeq_tap r10, r11, r5, r8\n" \
  ".if edgeq_stride == 1\n"        \
  "  edgeq_tap r2, r3, r4, r7\n"   \
  ".endif\n"                       \
  ".if edgeq_stride == 1\n"        \
  "  edgeq_position #0\n"          \
  "  edgeq_tap r10, r11, r6, r9\n" \
  "  edgeq_tap r2, r3, r5, r8\n"   \
  "  edgeq_position #16\n"         \
  ".else\n"                        \
  "  edgeq_position_then #32\n"    \
  "  edgeq_tap r10, r11, r6, r9\n" \
  "  edgeq_tap r2, r3, r4, r7\n"   \
  "  edgeq_position #-16\n"        \
  "  edgeq_tap r2, r3, r5, r8\n"   \
  "  edgeq_position #0\n"          \
  ".endif\n"                       \
  "  edgeq_tap r2, r3, r6, r9\n"   \
  "  edgeq_finish\n"               \
  "  edgeq_result r10\n"           \
  "  edgeq_result r2\n"            \
  ".if edgeq_stride == 1\n"        \
  "  edgeq_result r11\n"           \
  "  edgeq_result r3\n"            \
  ".endif\n"                       \
  ".if edgeq_stride == 1\n"        \
  "  ldr    r12, [sp, #24]\n"      \
  "  ldr    lr, [sp, #36]\n"       \
  "  strb   r11, [r12, lr]\n"      \
  "  strb   r10, [r12]\n"          \
  "  ldr    r10, [sp, #32]\n"      \
  "  ldr    r11, [sp, #20]\n"      \
  "  add    r12, r12, r10\n"       \
  "  strb   r3, [r12, lr]\n"       \
  "  strb   r2, [r12]\n"           \
  ".else\n"                        \
  "  ldr    r12, [sp, #32]\n"      \
  "  ldr    r11, [sp, #20]\n"      \
  "  strb   r10, [r3]\n"           \
  "  strb   r2, [r3, r12]\n"       \
  "  add    r3, r3, r12, lsl #1\n" \
  ".endif\n"                       \
  ".if edgeq_clamped == 0\n"       \
  "  ldr    r4, [sp, #56]\n"       \
  "  ldr    r5, [sp, #60]\n"       \
  ".endif\n"                       \
  ".if edgeq_stride == 1\n"        \
  "  add    r12, r12, r10\n"       \
  "  str    r12, [sp, #24]\n"      \
  ".endif\n"                       \
  "  cmp    r0, r11\n"             \
  "  bne    3b\n"

#define ODD                        \
  ".if edgeq_odd\n"                \
  "  ldr    r10, [sp]\n"           \
  "  edgeq_position #0\n"          \
  ".if edgeq_stride == 1\n"        \
  "  mov    r11, r10\n"            \
  ".endif\n"                       \
  "  edgeq_tap r10, r11, r4, r7\n" \
  "  edgeq_position #16\n"         \
  "  edgeq_tap r10, r11, r5, r8\n" \
  "  edgeq_position #32\n"         \
  "  edgeq_tap r10, r11, r6, r9\n" \
  "  edgeq_finish\n"               \
  "  edgeq_result r10\n"           \
  ".if edgeq_stride == 1\n"        \
  "  edgeq_result r11\n"           \
  ".endif\n"                       \
  ".endif\n"                       \
  ".if edgeq_stride == 1\n"        \
  "  ldr    r12, [sp, #24]\n"      \
  "  ldr    lr, [sp, #36]\n"       \
  ".else\n"                        \
  "  mov    r12, r3\n"             \
  ".endif\n"                       \
  ".if edgeq_odd\n"                \
  ".if edgeq_stride == 1\n"        \
  "  strb   r11, [r12, lr]\n"      \
  ".endif\n"                       \
  "  strb   r10, [r12]\n"          \
  ".if edgeq_clamped == 0\n"       \
  "  ldr    r4, [sp, #56]\n"       \
  "  ldr    r5, [sp, #60]\n"       \
  ".endif\n"                       \
  ".endif\n"

#define END                       \
  "  ldr    r10, [sp, #40]\n"     \
  "  ldr    r11, [sp, #48]\n"     \
  "  add    r12, r12, r10\n"      \
  "  subs   r11, r11, #1\n"       \
  "  str    r12, [sp, #24]\n"     \
  "  str    r11, [sp, #48]\n"     \
  "  bne.w  2b\n"                 \
  "  ldr    r11, [sp, #52]\n"     \
  "  movs   r2, #0\n"             \
  "  str    r2, [sp, #52]\n"      \
  "  str    r2, [sp, #36]\n"      \
  "  str    r11, [sp, #48]\n"     \
  "  cmp    r11, #0\n"            \
  "  bne.w  2b\n"                 \
  "  add    sp, sp, #64\n"        \
  "  pop    {r4-r11, pc}\n"       \
  ".purgem edgeq_tap\n"           \
  ".purgem edgeq_position\n"      \
  ".purgem edgeq_position_then\n" \
  ".purgem edgeq_result\n"        \
  ".purgem edgeq_finish\n"

#define RUN(name, stride, shift, odd, clamped)                                                             \
  __attribute__((naked)) void name(__attribute__((unused)) const edgeq_depthwise_3x3 *d) {                 \
    __asm__ volatile(".set edgeq_stride, " #stride "\n.set edgeq_shift, " #shift "\n.set edgeq_odd, " #odd \
                     "\n.set edgeq_clamped, " #clamped "\n" BEGIN ROW ODD END);                            \
  }

EDGEQ_STATIC_ASSERT(offsetof(edgeq_depthwise_3x3_source, next) == 32, "the assembly knows this type");

/* 33 cycles for two positions; the first alone, if their number is odd. */
__attribute__((naked)) void edgeq_depthwise_3x3_pairs(__attribute__((unused))
                                                      const edgeq_depthwise_3x3_source *source) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro edgeq_pair_up upper, lower\n"
      "  pkhbt  r12, \\upper, \\lower, lsl #16\n"
      "  pkhtb  r11, \\lower, \\upper, asr #16\n"
      "  sxtb16 \\upper, r12\n"
      "  sxtb16 \\lower, r12, ror #8\n"
      "  sxtb16 r12, r11, ror #8\n"
      "  sxtb16 r11, r11\n"
      "  stmia  r0!, {\\upper, \\lower, r11, r12}\n"
      ".endm\n"
      "  push   {r4-r11, lr}\n"
      "  ldmia  r0, {r0-r3, r8-r12}\n"
      "  push   {r11, r12}\n"
      "1:\n"
      "  adds   lr, r9, #1\n"
      "  lsrs   lr, lr, #1\n"
      "  bcs    2f\n"
      "  ldr    r6, [r1]\n"
      "  ldr    r7, [r2]\n"
      "  add    r1, r1, r3\n"
      "  add    r2, r2, r8\n"
      "  b      3f\n"
      "2:\n"
      "  ldr    r4, [r1]\n"
      "  ldr    r5, [r2]\n"
      "  ldr    r6, [r1, r3]\n"
      "  ldr    r7, [r2, r8]\n"
      "  edgeq_pair_up r4, r5\n"
      "  add    r1, r1, r3, lsl #1\n"
      "  add    r2, r2, r8, lsl #1\n"
      "3:\n"
      "  edgeq_pair_up r6, r7\n"
      "  subs   lr, lr, #1\n"
      "  bne    2b\n"
      "  ldrd   r11, r12, [sp]\n"
      "  subs   r10, r10, #1\n"
      "  add    r0, r0, r11\n"
      "  add    r1, r1, r12\n"
      "  add    r2, r2, r12\n"
      "  bne    1b\n"
      "  add    sp, sp, #8\n"
      "  pop    {r4-r11, pc}\n"
      ".purgem edgeq_pair_up\n");
}

#else

void edgeq_depthwise_3x3_pairs(const edgeq_depthwise_3x3_source *source) {
  edgeq_depthwise_3x3_source s = *source;
  for (; s.rows > 0; s.rows--) {
    for (int32_t i = 0; i < s.count; i++, s.upper += s.upper_step, s.lower += s.lower_step, s.to += 4) {
      const uint32_t a = edgeq_load_word(s.upper);
      const uint32_t b = edgeq_load_word(s.lower);
      const uint32_t firsts = edgeq_firsts(a, b);
      const uint32_t seconds = edgeq_seconds(a, b);
      s.to[0] = edgeq_even_bytes(firsts);
      s.to[1] = edgeq_odd_bytes(firsts);
      s.to[2] = edgeq_even_bytes(seconds);
      s.to[3] = edgeq_odd_bytes(seconds);
    }
    /* Behind the last row there may be nothing that pointers could point at. */
    if (s.rows == 1) break;
    s.to += s.to_next / 4;
    s.upper += s.next;
    s.lower += s.next;
  }
}

static int32_t first(int32_t pair) {
  return (int16_t)(uint16_t)pair;
}

static int32_t second(int32_t pair) {
  return (int16_t)(uint16_t)((uint32_t)pair >> 16);
}

static int8_t result(const int32_t *channel, int32_t sum, int32_t shift, int clamped) {
  const int32_t high = (int32_t)(((int64_t)sum * channel[7]) >> 32);
  const int32_t constant = channel[8] - (sum < 0 && !clamped ? channel[9] : 0);
  return (int8_t)edgeq_saturate_int8((high + constant) >> shift);
}

void edgeq_depthwise_3x3_multiply(const edgeq_depthwise_3x3 *d, int32_t stride, int32_t shift, int clamped) {
  const uint32_t *pairs = d->pairs;
  int8_t *output = d->output;
  for (uint32_t row = 0; row < d->rows + d->more; row++, pairs += d->pitch / 4u) {
    const uint32_t below = row < d->rows ? d->below : 0;
    const int32_t columns = (int32_t)(d->even / 16u) / stride + (int32_t)d->odd;
    for (int32_t x = 0; x < columns; x++, output += d->pixel) {
      int32_t upper = d->channel[6];
      int32_t lower = upper;
      for (int32_t i = 0; i < 3; i++) {
        const int32_t p = (int32_t)pairs[4 * (x * stride + i)];
        const int32_t q = (int32_t)pairs[(int32_t)(d->pitch / 4u) + 4 * (x * stride + i)];
        const int32_t a = d->channel[i];
        const int32_t b = d->channel[3 + i];
        upper += first(p) * first(a) + second(p) * second(a) + first(q) * second(b);
        lower += second(p) * first(a) + first(q) * first(b) + second(q) * second(b);
      }
      if (stride == 1) output[below] = result(d->channel, lower, shift, clamped);
      output[0] = result(d->channel, upper, shift, clamped);
    }
    output += (int32_t)d->next - (d->odd ? (int32_t)d->pixel : 0);
  }
}

#define RUN(name, stride, shift, odd, clamped)               \
  void name(const edgeq_depthwise_3x3 *d) {                  \
    edgeq_depthwise_3x3_multiply(d, stride, shift, clamped); \
  }

#endif

#define ALL(stride, shift)                                                   \
  RUN(edgeq_depthwise_3x3_##stride##_##shift, stride, shift, 0, 0)           \
  RUN(edgeq_depthwise_3x3_##stride##_##shift##_clamped, stride, shift, 0, 1) \
  RUN(edgeq_depthwise_3x3_##stride##_##shift##_odd, stride, shift, 1, 0)     \
  RUN(edgeq_depthwise_3x3_##stride##_##shift##_odd_clamped, stride, shift, 1, 1)

ALL(1, 8)
ALL(1, 10)
ALL(1, 12)
ALL(1, 14)
ALL(2, 8)
ALL(2, 10)
ALL(2, 12)
ALL(2, 14)
