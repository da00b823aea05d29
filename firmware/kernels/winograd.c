/* The products declared in edgeq/winograd.h. A linker that drops unused sections keeps those that are used.
 */
#include "winograd.h"

#include <stddef.h>

#include "edgeq/attributes.h"
#include "edgeq/dsp.h"

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(edgeq_winograd, end) == 16, "the assembly knows edgeq_winograd");

/* Registers: r0 values, r1 weights; r4 to r11 sums. Stack: sums, position_bytes, end, the end of the
 * position's weights. The first step of an unrolled position starts its sums. */
#define BEGIN                          \
  ".syntax unified\n"                  \
  "  push   {r4-r11, lr}\n"            \
  "  ldmia  r0, {r2-r6}\n"             \
  "  mov    r0, r2\n"                  \
  "  mov    r1, r3\n"                  \
  "  push   {r4-r7}\n"                 \
  "1:\n"                               \
  ".if edgeq_loop\n"                   \
  "  ldr    r2, [sp, #4]\n"            \
  "  mov    r4, #0\n"                  \
  "  mov    r5, #0\n"                  \
  "  mov    r6, #0\n"                  \
  "  mov    r7, #0\n"                  \
  "  mov    r8, #0\n"                  \
  "  mov    r9, #0\n"                  \
  "  mov    r10, #0\n"                 \
  "  mov    r11, #0\n"                 \
  "  add    r2, r2, r1\n"              \
  "  str    r2, [sp, #12]\n"           \
  ".endif\n"                           \
  "2:\n"                               \
  ".set edgeq_left, edgeq_steps\n"     \
  ".if edgeq_loop == 0\n"              \
  "  ldr    r2, [r0], #4\n"            \
  "  ldr    r3, [r0], #4\n"            \
  "  ldr    r12, [r1], #4\n"           \
  "  ldr    lr, [r1], #4\n"            \
  "  smuad  r4, r12, r2\n"             \
  "  smuad  r5, r12, r3\n"             \
  "  smuad  r6, lr, r2\n"              \
  "  smuad  r7, lr, r3\n"              \
  "  ldr    r12, [r1], #4\n"           \
  "  ldr    lr, [r1], #4\n"            \
  "  smuad  r8, r12, r2\n"             \
  "  smuad  r9, r12, r3\n"             \
  "  smuad  r10, lr, r2\n"             \
  "  smuad  r11, lr, r3\n"             \
  ".set edgeq_left, edgeq_steps - 1\n" \
  ".endif\n"                           \
  ".rept edgeq_left\n"                 \
  "  ldr    r2, [r0], #4\n"            \
  "  ldr    r3, [r0], #4\n"            \
  "  ldr    r12, [r1], #4\n"           \
  "  ldr    lr, [r1], #4\n"            \
  "  smlad  r4, r12, r2, r4\n"         \
  "  smlad  r5, r12, r3, r5\n"         \
  "  smlad  r6, lr, r2, r6\n"          \
  "  smlad  r7, lr, r3, r7\n"          \
  "  ldr    r12, [r1], #4\n"           \
  "  ldr    lr, [r1], #4\n"            \
  "  smlad  r8, r12, r2, r8\n"         \
  "  smlad  r9, r12, r3, r9\n"         \
  "  smlad  r10, lr, r2, r10\n"        \
  "  smlad  r11, lr, r3, r11\n"        \
  ".endr\n"                            \
  ".if edgeq_loop\n"                   \
  "  ldr    r2, [sp, #12]\n"           \
  "  cmp    r1, r2\n"                  \
  "  bne.w  2b\n"                      \
  ".endif\n"                           \
  "  ldr    r2, [sp]\n"                \
  "  ldr    r3, [sp, #8]\n"            \
  "  stmia  r2!, {r4-r11}\n"           \
  "  str    r2, [sp]\n"                \
  "  cmp    r1, r3\n"                  \
  "  bne.w  1b\n"                      \
  "  add    sp, sp, #16\n"             \
  "  pop    {r4-r11, pc}\n"

#define RUN(name, steps, loop)                                                            \
  __attribute__((naked)) void name(__attribute__((unused)) const edgeq_winograd *w) {     \
    __asm__ volatile(".set edgeq_steps, " #steps "\n.set edgeq_loop, " #loop "\n" BEGIN); \
  }

#else

static void multiply(const edgeq_winograd *w) {
  const uint32_t *values = w->values;
  const int32_t *weights = w->weights;
  for (int32_t *sums = w->sums; weights != w->end; sums += 8) {
    for (int32_t i = 0; i < 8; i++) sums[i] = 0;
    for (uint32_t left = w->position_bytes; left > 0; left -= 16, values += 2, weights += 4) {
      for (int32_t i = 0; i < 8; i++) {
        sums[i] = edgeq_dual_multiply_add((uint32_t)weights[i >> 1], values[i & 1], sums[i]);
      }
    }
  }
}

#define RUN(name, steps, loop)         \
  void name(const edgeq_winograd *w) { \
    multiply(w);                       \
  }

#endif

RUN(edgeq_winograd_2_loop, 2, 1)
RUN(edgeq_winograd_8_loop, 8, 1)
RUN(edgeq_winograd_2, 2, 0)
RUN(edgeq_winograd_4, 4, 0)
RUN(edgeq_winograd_8, 8, 0)
RUN(edgeq_winograd_12, 12, 0)
RUN(edgeq_winograd_16, 16, 0)
RUN(edgeq_winograd_24, 24, 0)
RUN(edgeq_winograd_32, 32, 0)
