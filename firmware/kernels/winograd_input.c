/* The transforms of Winograd tiles of the input: those of winograd_tiles.h, for all channels. */
#include <stddef.h>

#include "edgeq/attributes.h"
#include "winograd.h"
#include "winograd_tiles.h"

void edgeq_winograd_in_2(const edgeq_winograd_input *t) {
  const uint32_t *in = t->input;
  uint32_t *out = t->output;
  for (int32_t left = t->fours; left > 0; left--, in++, out += 4) {
    edgeq_winograd_values_2(in, t->column / 4, t->row / 4, 0, out, t->position / 4);
    edgeq_winograd_values_2(in, t->column / 4, t->row / 4, 8, out + 2, t->position / 4);
  }
}

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(edgeq_winograd_input, fours) == 20, "the assembly knows this type");

/* Registers: r0 input or output; r3, r12 and lr one, three and five rows or positions. Stack: the transformed
 * columns, 36 words by rows, then the argument's fields. */
__attribute__((naked)) void edgeq_winograd_in_4(__attribute__((unused)) const edgeq_winograd_input *t) {
  __asm__ volatile(
      ".syntax unified\n"
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
      ".macro edgeq_column at, rotate\n"
      "  ldr    r4, [r0]\n"
      "  ldr    r5, [r0, r3]\n"
      "  ldr    r6, [r0, r3, lsl #1]\n"
      "  ldr    r7, [r0, r12]\n"
      "  ldr    r8, [r0, r3, lsl #2]\n"
      "  ldr    r9, [r0, lr]\n"
      "  uxtb16 r4, r4, ror #\\rotate\n"
      "  uxtb16 r5, r5, ror #\\rotate\n"
      "  uxtb16 r6, r6, ror #\\rotate\n"
      "  uxtb16 r7, r7, ror #\\rotate\n"
      "  uxtb16 r8, r8, ror #\\rotate\n"
      "  uxtb16 r9, r9, ror #\\rotate\n"
      "  edgeq_in\n"
      "  str    r4, [sp, #0 + \\at]\n"
      "  str    r5, [sp, #24 + \\at]\n"
      "  str    r6, [sp, #48 + \\at]\n"
      "  str    r7, [sp, #72 + \\at]\n"
      "  str    r8, [sp, #96 + \\at]\n"
      "  str    r9, [sp, #120 + \\at]\n"
      "  add    r0, r0, r1\n"
      ".endm\n"
      ".macro edgeq_row at\n"
      "  ldr    r4, [sp, #0 + \\at]\n"
      "  ldr    r5, [sp, #4 + \\at]\n"
      "  ldr    r6, [sp, #8 + \\at]\n"
      "  ldr    r7, [sp, #12 + \\at]\n"
      "  ldr    r8, [sp, #16 + \\at]\n"
      "  ldr    r9, [sp, #20 + \\at]\n"
      "  edgeq_in\n"
      "  and    r10, r4, #0x8000\n"
      "  add    r4, r4, r10, lsl #1\n"
      "  and    r10, r5, #0x8000\n"
      "  add    r5, r5, r10, lsl #1\n"
      "  and    r10, r6, #0x8000\n"
      "  add    r6, r6, r10, lsl #1\n"
      "  and    r10, r7, #0x8000\n"
      "  add    r7, r7, r10, lsl #1\n"
      "  and    r10, r8, #0x8000\n"
      "  add    r8, r8, r10, lsl #1\n"
      "  and    r10, r9, #0x8000\n"
      "  add    r9, r9, r10, lsl #1\n"
      "  str    r4, [r0]\n"
      "  str    r5, [r0, r3]\n"
      "  str    r6, [r0, r3, lsl #1]\n"
      "  str    r7, [r0, r12]\n"
      "  str    r8, [r0, r3, lsl #2]\n"
      "  str    r9, [r0, lr]\n"
      "  add    r0, r0, r12, lsl #1\n"
      ".endm\n"
      ".macro edgeq_pair rotate, offset\n"
      "  ldr    r0, [sp, #144]\n"
      "  ldr    r1, [sp, #148]\n"
      "  ldr    r3, [sp, #152]\n"
      "  add    r12, r3, r3, lsl #1\n"
      "  add    lr, r3, r3, lsl #2\n"
      "  edgeq_column 0, \\rotate\n"
      "  edgeq_column 4, \\rotate\n"
      "  edgeq_column 8, \\rotate\n"
      "  edgeq_column 12, \\rotate\n"
      "  edgeq_column 16, \\rotate\n"
      "  edgeq_column 20, \\rotate\n"
      "  ldr    r0, [sp, #156]\n"
      "  ldr    r3, [sp, #160]\n"
      "  add    r0, r0, #\\offset\n"
      "  add    r12, r3, r3, lsl #1\n"
      "  add    lr, r3, r3, lsl #2\n"
      "  edgeq_row 0\n"
      "  edgeq_row 24\n"
      "  edgeq_row 48\n"
      "  edgeq_row 72\n"
      "  edgeq_row 96\n"
      "  edgeq_row 120\n"
      ".endm\n"
      "  push   {r4-r11, lr}\n"
      "  ldmia  r0, {r0-r5}\n"
      "  push   {r0-r5}\n"
      "  sub    sp, sp, #144\n"
      "1:\n"
      "  edgeq_pair 0, 0\n"
      "  edgeq_pair 8, 8\n"
      "  ldr    r0, [sp, #144]\n"
      "  ldr    r1, [sp, #156]\n"
      "  ldr    r2, [sp, #164]\n"
      "  add    r0, r0, #4\n"
      "  add    r1, r1, #16\n"
      "  subs   r2, r2, #1\n"
      "  str    r0, [sp, #144]\n"
      "  str    r1, [sp, #156]\n"
      "  str    r2, [sp, #164]\n"
      "  bne.w  1b\n"
      "  add    sp, sp, #168\n"
      "  pop    {r4-r11, pc}\n"
      ".purgem edgeq_pair\n"
      ".purgem edgeq_row\n"
      ".purgem edgeq_column\n"
      ".purgem edgeq_in\n");
}

#else

void edgeq_winograd_in_4(const edgeq_winograd_input *t) {
  const uint32_t *in = t->input;
  uint32_t *out = t->output;
  for (int32_t left = t->fours; left > 0; left--, in++, out += 4) {
    edgeq_winograd_values_4(in, t->column / 4, t->row / 4, 0, out, t->position / 4);
    edgeq_winograd_values_4(in, t->column / 4, t->row / 4, 8, out + 2, t->position / 4);
  }
}

#endif
