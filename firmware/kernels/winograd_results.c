/* The results of Winograd tiles: the transforms of winograd_tiles.h, and the requantization of their sums. */
#include <stddef.h>

#include "edgeq/attributes.h"
#include "edgeq/dsp.h"
#include "winograd.h"
#include "winograd_tiles.h"

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(edgeq_winograd_results, negative) == 20, "the assembly knows this type");

/* Registers: r0 sums, r1 channel, r2 output, r3 pixel. Stack: row, negative, the channels' end. A tile's
 * columns are transformed in turn and meet in r8 to r11. */
__attribute__((naked)) void edgeq_winograd_out_2(__attribute__((unused)) const edgeq_winograd_results *r) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro edgeq_result sum, multiplier, constant, shift, scratch\n"
      "  and    \\scratch, lr, \\sum, asr #31\n"
      "  add    \\scratch, \\constant, \\scratch\n"
      "  smmla  \\sum, \\sum, \\multiplier, \\scratch\n"
      "  asr    \\sum, \\sum, \\shift\n"
      "  ssat   \\sum, #8, \\sum\n"
      ".endm\n"
      ".macro edgeq_tile offset\n"
      "  ldr    r4, [r0, #0 + \\offset]\n"
      "  ldr    r5, [r0, #128 + \\offset]\n"
      "  ldr    r6, [r0, #256 + \\offset]\n"
      "  ldr    r7, [r0, #384 + \\offset]\n"
      "  add    r8, r4, r5\n"
      "  add    r8, r8, r6\n"
      "  sub    r9, r5, r6\n"
      "  sub    r9, r9, r7\n"
      "  ldr    r4, [r0, #32 + \\offset]\n"
      "  ldr    r5, [r0, #160 + \\offset]\n"
      "  ldr    r6, [r0, #288 + \\offset]\n"
      "  ldr    r7, [r0, #416 + \\offset]\n"
      "  ldr    r12, [r1]\n"
      "  add    r5, r5, r12\n"
      "  add    r10, r4, r5\n"
      "  add    r10, r10, r6\n"
      "  sub    r11, r5, r6\n"
      "  sub    r11, r11, r7\n"
      "  add    r8, r8, r10\n"
      "  add    r9, r9, r11\n"
      "  ldr    r4, [r0, #64 + \\offset]\n"
      "  ldr    r5, [r0, #192 + \\offset]\n"
      "  ldr    r6, [r0, #320 + \\offset]\n"
      "  ldr    r7, [r0, #448 + \\offset]\n"
      "  add    r4, r4, r5\n"
      "  add    r4, r4, r6\n"
      "  sub    r5, r5, r6\n"
      "  sub    r5, r5, r7\n"
      "  add    r8, r8, r4\n"
      "  sub    r10, r10, r4\n"
      "  add    r9, r9, r5\n"
      "  sub    r11, r11, r5\n"
      "  ldr    r4, [r0, #96 + \\offset]\n"
      "  ldr    r5, [r0, #224 + \\offset]\n"
      "  ldr    r6, [r0, #352 + \\offset]\n"
      "  ldr    r7, [r0, #480 + \\offset]\n"
      "  add    r4, r4, r5\n"
      "  add    r4, r4, r6\n"
      "  sub    r5, r5, r6\n"
      "  sub    r5, r5, r7\n"
      "  sub    r10, r10, r4\n"
      "  sub    r11, r11, r5\n"
      "  ldr    r4, [r1, #4]\n"
      "  ldr    r5, [r1, #8]\n"
      "  ldr    r6, [r1, #12]\n"
      "  ldr    lr, [sp, #4]\n"
      "  ldr    r12, [sp]\n"
      "  edgeq_result r8, r4, r5, r6, r7\n"
      "  edgeq_result r9, r4, r5, r6, r7\n"
      "  edgeq_result r10, r4, r5, r6, r7\n"
      "  edgeq_result r11, r4, r5, r6, r7\n"
      "  add    r7, r2, r12\n"
      "  strb   r8, [r2]\n"
      "  strb   r10, [r2, r3]\n"
      "  strb   r9, [r7]\n"
      "  strb   r11, [r7, r3]\n"
      ".endm\n"
      "  push   {r4-r11, lr}\n"
      "  ldmia  r0, {r0-r5}\n"
      "  add    r6, r1, #64\n"
      "  push   {r4-r7}\n"
      "1:\n"
      "  edgeq_tile 0\n"
      "  add    r2, r2, r3, lsl #1\n"
      "  edgeq_tile 4\n"
      "  sub    r2, r2, r3, lsl #1\n"
      "  ldr    r4, [sp, #8]\n"
      "  add    r0, r0, #8\n"
      "  add    r1, r1, #16\n"
      "  add    r2, r2, #1\n"
      "  cmp    r1, r4\n"
      "  bne.w  1b\n"
      "  add    sp, sp, #16\n"
      "  pop    {r4-r11, pc}\n"
      ".purgem edgeq_tile\n"
      ".purgem edgeq_result\n");
}

/* As above. Stack: the transformed columns, 24 words by rows, then row, negative, the channels' end, the
 * inverse of 9. */
__attribute__((naked)) void edgeq_winograd_out_4(__attribute__((unused)) const edgeq_winograd_results *r) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro edgeq_result sum, multiplier, constant, shift, scratch\n"
      "  and    \\scratch, lr, \\sum, asr #31\n"
      "  add    \\scratch, \\constant, \\scratch\n"
      "  smmla  \\sum, \\sum, \\multiplier, \\scratch\n"
      "  asr    \\sum, \\sum, \\shift\n"
      "  ssat   \\sum, #8, \\sum\n"
      ".endm\n"
      ".macro edgeq_out\n"
      "  add    r10, r5, r6\n"
      "  sub    r11, r5, r6\n"
      "  add    r12, r7, r8\n"
      "  sub    lr, r7, r8\n"
      "  add    r4, r4, r4, lsl #1\n"
      "  add    r4, r12, r4, lsl #1\n"
      "  add    r4, r4, r10, lsl #2\n"
      "  add    r5, lr, r11, lsl #1\n"
      "  add    r6, r10, r12\n"
      "  add    r9, r9, r9, lsl #1\n"
      "  add    r7, r11, lr, lsl #1\n"
      "  add    r7, r7, r9, lsl #1\n"
      ".endm\n"
      ".macro edgeq_column offset, at\n"
      "  ldr    r4, [r0, #0 + \\offset]\n"
      "  ldr    r5, [r0, #192 + \\offset]\n"
      "  ldr    r6, [r0, #384 + \\offset]\n"
      "  ldr    r7, [r0, #576 + \\offset]\n"
      "  ldr    r8, [r0, #768 + \\offset]\n"
      "  ldr    r9, [r0, #960 + \\offset]\n"
      ".if \\at == 4\n"
      "  ldr    r12, [r1]\n"
      "  add    r5, r5, r12\n"
      ".endif\n"
      "  edgeq_out\n"
      "  str    r4, [sp, #0 + \\at]\n"
      "  str    r5, [sp, #24 + \\at]\n"
      "  str    r6, [sp, #48 + \\at]\n"
      "  str    r7, [sp, #72 + \\at]\n"
      ".endm\n"
      ".macro edgeq_row at, up0, up1, up2\n"
      "  ldr    r4, [sp, #0 + \\at]\n"
      "  ldr    r5, [sp, #4 + \\at]\n"
      "  ldr    r6, [sp, #8 + \\at]\n"
      "  ldr    r7, [sp, #12 + \\at]\n"
      "  ldr    r8, [sp, #16 + \\at]\n"
      "  ldr    r9, [sp, #20 + \\at]\n"
      "  edgeq_out\n"
      "  ldr    r8, [r1, #4]\n"
      "  ldr    r9, [r1, #8]\n"
      "  ldr    r11, [r1, #12]\n"
      "  ldr    r10, [sp, #108]\n"
      "  ldr    lr, [sp, #100]\n"
      "  mul    r4, r4, r10\n"
      "  mul    r5, r5, r10\n"
      "  mul    r6, r6, r10\n"
      "  mul    r7, r7, r10\n"
      ".if \\up0\n"
      "  lsl    r4, r4, #\\up0\n"
      ".endif\n"
      "  lsl    r5, r5, #\\up1\n"
      "  lsl    r6, r6, #\\up2\n"
      "  lsl    r7, r7, #\\up2\n"
      "  edgeq_result r4, r8, r9, r11, r12\n"
      "  edgeq_result r5, r8, r9, r11, r12\n"
      "  edgeq_result r6, r8, r9, r11, r12\n"
      "  edgeq_result r7, r8, r9, r11, r12\n"
      "  ldr    r10, [sp, #96]\n"
      "  add    r12, r3, r3, lsl #1\n"
      "  strb   r4, [r2]\n"
      "  strb   r5, [r2, r3]\n"
      "  strb   r6, [r2, r3, lsl #1]\n"
      "  strb   r7, [r2, r12]\n"
      "  add    r2, r2, r10\n"
      ".endm\n"
      ".macro edgeq_tile offset\n"
      "  edgeq_column 0 + \\offset, 0\n"
      "  edgeq_column 32 + \\offset, 4\n"
      "  edgeq_column 64 + \\offset, 8\n"
      "  edgeq_column 96 + \\offset, 12\n"
      "  edgeq_column 128 + \\offset, 16\n"
      "  edgeq_column 160 + \\offset, 20\n"
      "  edgeq_row 0, 0, 1, 2\n"
      "  edgeq_row 24, 1, 2, 3\n"
      "  edgeq_row 48, 2, 3, 4\n"
      "  edgeq_row 72, 2, 3, 4\n"
      "  sub    r2, r2, r10, lsl #2\n"
      ".endm\n"
      "  push   {r4-r11, lr}\n"
      "  ldmia  r0, {r0-r5}\n"
      "  add    r6, r1, #64\n"
      "  movw   r7, #0x8e39\n"
      "  movt   r7, #0x38e3\n"
      "  push   {r4-r7}\n"
      "  sub    sp, sp, #96\n"
      "1:\n"
      "  edgeq_tile 0\n"
      "  add    r2, r2, r3, lsl #2\n"
      "  edgeq_tile 4\n"
      "  sub    r2, r2, r3, lsl #2\n"
      "  ldr    r4, [sp, #104]\n"
      "  add    r0, r0, #8\n"
      "  add    r1, r1, #16\n"
      "  add    r2, r2, #1\n"
      "  cmp    r1, r4\n"
      "  bne.w  1b\n"
      "  add    sp, sp, #112\n"
      "  pop    {r4-r11, pc}\n"
      ".purgem edgeq_tile\n"
      ".purgem edgeq_row\n"
      ".purgem edgeq_column\n"
      ".purgem edgeq_out\n"
      ".purgem edgeq_result\n");
}

#else

static void requantize(const edgeq_winograd_results *r, const int32_t *channel, const uint32_t *sums,
                       int32_t tile, int8_t *output) {
  for (int32_t i = 0; i < tile * tile; i++) {
    const int32_t sum = (int32_t)sums[i];
    const int32_t constant = channel[2] + (sum < 0 ? r->negative : 0);
    const int32_t high = edgeq_high_multiply_add(sum, channel[1], constant);
    output[i / tile * r->row + i % tile * r->pixel] = (int8_t)edgeq_saturate_int8(high >> channel[3]);
  }
}

void edgeq_winograd_out_2(const edgeq_winograd_results *r) {
  for (int32_t i = 0; i < 8; i++) {
    const int32_t *channel = r->channels + i / 2 * 4;
    uint32_t sums[4];
    edgeq_winograd_sums_2(r->sums + i, (uint32_t)channel[0], sums);
    requantize(r, channel, sums, 2, r->output + i / 2 + i % 2 * 2 * r->pixel);
  }
}

void edgeq_winograd_out_4(const edgeq_winograd_results *r) {
  for (int32_t i = 0; i < 8; i++) {
    const int32_t *channel = r->channels + i / 2 * 4;
    uint32_t sums[16];
    edgeq_winograd_sums_4(r->sums + i, (uint32_t)channel[0], sums);
    requantize(r, channel, sums, 4, r->output + i / 2 + i % 2 * 4 * r->pixel);
  }
}

#endif
