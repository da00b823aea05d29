/* The transforms of pairs of Winograd tiles of the input: those of winograd_tiles.h, for all channels. */
#include <stddef.h>

#include "edgeq/attributes.h"
#include "winograd.h"
#include "winograd_tiles.h"

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(edgeq_winograd_input, fours) == 20, "the assembly knows this type");

/* Registers: r0 input or output; r1 one column, or transformed columns; r2 those, or what is left; r3, r12
 * and lr one, three and five rows or positions. Stack: the transformed columns that both tiles share, then
 * the argument's fields. An output pointer is a row of positions behind. */
#define BEGIN(stack)        \
  ".syntax unified\n"       \
  "  push   {r4-r11, lr}\n" \
  "  ldmia  r0, {r0-r5}\n"  \
  "  push   {r0-r5}\n"      \
  "  sub    sp, sp, #" stack "\n"

/* The next four channels. */
#define END(stack)            \
  "  ldr    r0, [sp, #" stack \
  " + 0]\n"                   \
  "  ldr    r1, [sp, #" stack \
  " + 12]\n"                  \
  "  ldr    r2, [sp, #" stack \
  " + 20]\n"                  \
  "  add    r0, r0, #4\n"     \
  "  add    r1, r1, #16\n"    \
  "  subs   r2, r2, #1\n"     \
  "  str    r0, [sp, #" stack \
  " + 0]\n"                   \
  "  str    r1, [sp, #" stack \
  " + 12]\n"                  \
  "  str    r2, [sp, #" stack \
  " + 20]\n"                  \
  "  bne.w  1b\n"             \
  "  add    sp, sp, #" stack  \
  " + 24\n"                   \
  "  pop    {r4-r11, pc}\n"

/* Six columns, of the first pair of channels in 96 bytes and of the second in the next. */
__attribute__((naked)) void edgeq_winograd_in_2(__attribute__((unused)) const edgeq_winograd_input *t) {
  __asm__ volatile(
      ".macro edgeq_column at\n"
      "  ldr    r4, [r0]\n"
      "  ldr    r5, [r0, r3]\n"
      "  ldr    r6, [r0, r3, lsl #1]\n"
      "  ldr    r7, [r0, r12]\n"
      "  add    r0, r0, r1\n"
      "  uxtb16 r8, r4, ror #8\n"
      "  uxtb16 r9, r5, ror #8\n"
      "  uxtb16 r10, r6, ror #8\n"
      "  uxtb16 r11, r7, ror #8\n"
      "  uxtb16 r4, r4\n"
      "  uxtb16 r5, r5\n"
      "  uxtb16 r6, r6\n"
      "  uxtb16 r7, r7\n"
      "  ssub16 r4, r4, r6\n"
      "  ssub16 r7, r5, r7\n"
      "  sadd16 lr, r5, r6\n"
      "  ssub16 r6, r6, r5\n"
      "  ssub16 r8, r8, r10\n"
      "  ssub16 r11, r9, r11\n"
      "  sadd16 r5, r9, r10\n"
      "  ssub16 r10, r10, r9\n"
      "  str    r4, [sp, #0 + \\at]\n"
      "  str    lr, [sp, #4 + \\at]\n"
      "  str    r6, [sp, #8 + \\at]\n"
      "  str    r7, [sp, #12 + \\at]\n"
      "  str    r8, [sp, #96 + \\at]\n"
      "  str    r5, [sp, #100 + \\at]\n"
      "  str    r10, [sp, #104 + \\at]\n"
      "  str    r11, [sp, #108 + \\at]\n"
      ".endm\n"
      ".macro edgeq_row at\n"
      "  ldr    r4, [r1, #0 + \\at]\n"
      "  ldr    r5, [r1, #16 + \\at]\n"
      "  ldr    r6, [r1, #32 + \\at]\n"
      "  ldr    r7, [r1, #48 + \\at]\n"
      "  add    r0, r0, r3, lsl #2\n"
      "  ssub16 r8, r4, r6\n"
      "  sadd16 r9, r5, r6\n"
      "  ssub16 r10, r6, r5\n"
      "  ssub16 r11, r5, r7\n"
      "  str    r8, [r0]\n"
      "  str    r9, [r0, r3]\n"
      "  str    r10, [r0, r3, lsl #1]\n"
      "  str    r11, [r0, r12]\n"
      ".endm\n"
      BEGIN("192")
      "1:\n"
      "  ldr    r0, [sp, #192]\n"
      "  ldr    r1, [sp, #196]\n"
      "  ldr    r3, [sp, #200]\n"
      "  add    r12, r3, r3, lsl #1\n"
      "  edgeq_column 0\n"
      "  edgeq_column 16\n"
      "  edgeq_column 32\n"
      "  edgeq_column 48\n"
      "  edgeq_column 64\n"
      "  edgeq_column 80\n"
      "  ldr    r0, [sp, #204]\n"
      "  ldr    r3, [sp, #208]\n"
      "  mov    r1, sp\n"
      "  mov    r2, #2\n"
      "  sub    r0, r0, r3, lsl #2\n"
      "  add    r12, r3, r3, lsl #1\n"
      "2:\n"
      "  edgeq_row 0\n"
      "  edgeq_row 4\n"
      "  edgeq_row 8\n"
      "  edgeq_row 12\n"
      "  sub    r0, r0, r3, lsl #4\n"
      "  add    r0, r0, #4\n"
      "  edgeq_row 32\n"
      "  edgeq_row 36\n"
      "  edgeq_row 40\n"
      "  edgeq_row 44\n"
      "  sub    r0, r0, r3, lsl #4\n"
      "  add    r0, r0, #4\n"
      "  add    r1, r1, #96\n"
      "  subs   r2, r2, #1\n"
      "  bne.w  2b\n"
      END("192")
      ".purgem edgeq_row\n"
      ".purgem edgeq_column\n");
}

/* Ten columns of one pair of channels, then of the other. Halves of numbers become pairs by 0x8000, added
 * before the last sums and taken away from the lower half alone. */
__attribute__((naked)) void edgeq_winograd_in_4(__attribute__((unused)) const edgeq_winograd_input *t) {
  __asm__ volatile(
      ".macro edgeq_in\n"
      "  sub    r10, r8, r6\n"
      "  sub    r11, r7, r5\n"
      "  sub    r9, r9, r7\n"
      "  sub    r9, r9, r11, lsl #2\n"
      "  sub    r4, r4, r6\n"
      "  add    r4, r10, r4, lsl #2\n"
      "  sub    r8, r8, r6, lsl #2\n"
      "  sub    r7, r7, r5, lsl #2\n"
      "  add    r5, r8, r7\n"
      "  sub    r6, r8, r7\n"
      "  add    r7, r10, r11, lsl #1\n"
      "  sub    r8, r10, r11, lsl #1\n"
      ".endm\n"
      ".macro edgeq_column rotate\n"
      "  ldr    r4, [r0]\n"
      "  ldr    r5, [r0, r3]\n"
      "  ldr    r6, [r0, r3, lsl #1]\n"
      "  ldr    r7, [r0, r12]\n"
      "  ldr    r8, [r0, r3, lsl #2]\n"
      "  ldr    r9, [r0, lr]\n"
      "  add    r0, r0, r1\n"
      "  uxtb16 r4, r4, ror #\\rotate\n"
      "  uxtb16 r5, r5, ror #\\rotate\n"
      "  uxtb16 r6, r6, ror #\\rotate\n"
      "  uxtb16 r7, r7, ror #\\rotate\n"
      "  uxtb16 r8, r8, ror #\\rotate\n"
      "  uxtb16 r9, r9, ror #\\rotate\n"
      "  edgeq_in\n"
      "  stmia  r2!, {r4-r9}\n"
      ".endm\n"
      ".macro edgeq_columns rotate\n"
      "  ldr    r0, [sp, #240]\n"
      "  ldr    r1, [sp, #244]\n"
      "  ldr    r3, [sp, #248]\n"
      "  mov    r2, sp\n"
      "  add    r12, r3, r3, lsl #1\n"
      "  add    lr, r3, r3, lsl #2\n"
      "2:\n"
      "  edgeq_column \\rotate\n"
      "  edgeq_column \\rotate\n"
      "  add    r10, sp, #240\n"
      "  cmp    r2, r10\n"
      "  bne.w  2b\n"
      ".endm\n"
      ".macro edgeq_row at\n"
      "  ldr    r4, [r1, #0 + \\at]\n"
      "  ldr    r5, [r1, #24 + \\at]\n"
      "  ldr    r6, [r1, #48 + \\at]\n"
      "  ldr    r7, [r1, #72 + \\at]\n"
      "  ldr    r8, [r1, #96 + \\at]\n"
      "  ldr    r9, [r1, #120 + \\at]\n"
      "  add    r0, r0, r12, lsl #1\n"
      "  add    r8, r8, #0x8000\n"
      "  add    r9, r9, #0x8000\n"
      "  edgeq_in\n"
      "  eor    r4, r4, #0x8000\n"
      "  eor    r5, r5, #0x8000\n"
      "  eor    r6, r6, #0x8000\n"
      "  eor    r7, r7, #0x8000\n"
      "  eor    r8, r8, #0x8000\n"
      "  eor    r9, r9, #0x8000\n"
      "  str    r4, [r0]\n"
      "  str    r5, [r0, r3]\n"
      "  str    r6, [r0, r3, lsl #1]\n"
      "  str    r7, [r0, r12]\n"
      "  str    r8, [r0, r3, lsl #2]\n"
      "  str    r9, [r0, lr]\n"
      ".endm\n"
      BEGIN("240")
      "1:\n"
      "  edgeq_columns 0\n"
      "  ldr    r0, [sp, #252]\n"
      "3:\n"
      "  ldr    r3, [sp, #256]\n"
      "  mov    r1, sp\n"
      "  mov    r2, #2\n"
      "  add    r12, r3, r3, lsl #1\n"
      "  add    lr, r3, r3, lsl #2\n"
      "  sub    r0, r0, r12, lsl #1\n"
      "4:\n"
      "  edgeq_row 0\n"
      "  edgeq_row 4\n"
      "  edgeq_row 8\n"
      "  edgeq_row 12\n"
      "  edgeq_row 16\n"
      "  edgeq_row 20\n"
      "  sub    r0, r0, r12, lsl #3\n"
      "  sub    r0, r0, r12, lsl #2\n"
      "  add    r0, r0, #4\n"
      "  add    r1, r1, #96\n"
      "  subs   r2, r2, #1\n"
      "  bne.w  4b\n"
      "  ldr    r1, [sp, #252]\n"
      "  add    r0, r0, r12, lsl #1\n"
      "  sub    r1, r0, r1\n"
      "  cmp    r1, #16\n"
      "  beq.w  5f\n"
      "  edgeq_columns 8\n"
      "  ldr    r0, [sp, #252]\n"
      "  add    r0, r0, #8\n"
      "  b.w    3b\n"
      "5:\n"
      END("240")
      ".purgem edgeq_row\n"
      ".purgem edgeq_columns\n"
      ".purgem edgeq_column\n"
      ".purgem edgeq_in\n");
}

#else

#define IN(name, values, tile)                                                        \
  void name(const edgeq_winograd_input *t) {                                          \
    const uint32_t *in = t->input;                                                    \
    uint32_t *out = t->output;                                                        \
    for (int32_t left = t->fours; left > 0; left--, in++, out += 4) {                 \
      for (int32_t i = 0; i < 4; i++) {                                               \
        const uint32_t *from = in + (i & 1) * tile * (t->column / 4);                 \
        values(from, t->column / 4, t->row / 4, i / 2 * 8, out + i, t->position / 4); \
      }                                                                               \
    }                                                                                 \
  }

IN(edgeq_winograd_in_2, edgeq_winograd_values_2, 2)
IN(edgeq_winograd_in_4, edgeq_winograd_values_4, 4)

#endif
