/* The results of Winograd tiles: the transforms of winograd_tiles.h, and the requantization of their sums. */
#include <stddef.h>

#include "edgeq/attributes.h"
#include "edgeq/dsp.h"
#include "winograd.h"
#include "winograd_tiles.h"

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(edgeq_winograd_results, row) == 16, "the assembly knows this type");

/* Requantizes a sum of 2^(up + 1) times the convolution's. */
#define RESULT                                                 \
  ".macro edgeq_result sum, multiplier, constant, shift, up\n" \
  ".if edgeq_clamped\n"                                        \
  "  smmla  \\sum, \\sum, \\multiplier, \\constant\n"          \
  ".else\n"                                                    \
  "  asr    r12, \\sum, #31\n"                                 \
  "  add    r12, \\constant, r12, lsl #\\up\n"                 \
  "  smmla  \\sum, \\sum, \\multiplier, r12\n"                 \
  ".endif\n"                                                   \
  "  asr    \\sum, \\sum, \\shift\n"                           \
  "  ssat   \\sum, #8, \\sum\n"                                \
  ".endm\n"

/* Registers: r0 sums, r1 channel, r2 output, r3 pixel; then of the four channels of one tile after the
 * other's, behind `words` words of the stack: row, the channels' end, tiles left. `tile` log2 is `up`. */
#define BEGIN                \
  ".syntax unified\n" RESULT \
  "  push   {r4-r11, lr}\n"  \
  "  ldmia  r0, {r0-r4}\n"   \
  "  add    r5, r1, #64\n"   \
  "  mov    r6, #2\n"        \
  "  push   {r4-r6}\n"

#define NEXT(stack, up)           \
  "  ldr    r4, [sp, #4 + " stack \
  "]\n"                           \
  "  add    r0, r0, #8\n"         \
  "  add    r1, r1, #16\n"        \
  "  add    r2, r2, #1\n"         \
  "  cmp    r1, r4\n"             \
  "  bne.w  1b\n"                 \
  "  ldr    r5, [sp, #8 + " stack \
  "]\n"                           \
  "  sub    r0, r0, #28\n"        \
  "  sub    r1, r1, #64\n"        \
  "  add    r2, r2, r3, lsl #" up \
  "\n"                            \
  "  sub    r2, r2, #4\n"         \
  "  subs   r5, r5, #1\n"         \
  "  str    r5, [sp, #8 + " stack \
  "]\n"                           \
  "  bne.w  1b\n"

#define END(stack)                \
  "  add    sp, sp, #12 + " stack \
  "\n"                            \
  "  pop    {r4-r11, pc}\n"       \
  ".purgem edgeq_result\n"

/* A tile's columns are transformed in turn and meet in r8 to r11. */
#define TILE_2                          \
  "1:\n"                                \
  "  ldr    r4, [r0, #0]\n"             \
  "  ldr    r5, [r0, #128]\n"           \
  "  ldr    r6, [r0, #256]\n"           \
  "  ldr    r7, [r0, #384]\n"           \
  "  ldr    r12, [r1]\n"                \
  "  add    r8, r4, r5\n"               \
  "  add    r8, r8, r6\n"               \
  "  sub    r9, r5, r6\n"               \
  "  sub    r9, r9, r7\n"               \
  "  ldr    r4, [r0, #32]\n"            \
  "  ldr    r5, [r0, #160]\n"           \
  "  ldr    r6, [r0, #288]\n"           \
  "  ldr    r7, [r0, #416]\n"           \
  "  add    r5, r5, r12\n"              \
  "  add    r10, r4, r5\n"              \
  "  add    r10, r10, r6\n"             \
  "  sub    r11, r5, r6\n"              \
  "  sub    r11, r11, r7\n"             \
  "  ldr    r4, [r0, #64]\n"            \
  "  ldr    r5, [r0, #192]\n"           \
  "  ldr    r6, [r0, #320]\n"           \
  "  ldr    r7, [r0, #448]\n"           \
  "  add    r8, r8, r10\n"              \
  "  add    r9, r9, r11\n"              \
  "  add    r4, r4, r5\n"               \
  "  add    r4, r4, r6\n"               \
  "  sub    r5, r5, r6\n"               \
  "  sub    r5, r5, r7\n"               \
  "  add    r8, r8, r4\n"               \
  "  sub    r10, r10, r4\n"             \
  "  add    r9, r9, r5\n"               \
  "  sub    r11, r11, r5\n"             \
  "  ldr    r4, [r0, #96]\n"            \
  "  ldr    r5, [r0, #224]\n"           \
  "  ldr    r6, [r0, #352]\n"           \
  "  ldr    r7, [r0, #480]\n"           \
  "  ldr    lr, [sp]\n"                 \
  "  add    r4, r4, r5\n"               \
  "  add    r4, r4, r6\n"               \
  "  sub    r5, r5, r6\n"               \
  "  sub    r5, r5, r7\n"               \
  "  sub    r10, r10, r4\n"             \
  "  sub    r11, r11, r5\n"             \
  "  ldr    r4, [r1, #4]\n"             \
  "  ldr    r5, [r1, #8]\n"             \
  "  ldr    r6, [r1, #12]\n"            \
  "  add    r7, r2, lr\n"               \
  "  edgeq_result r8, r4, r5, r6, 1\n"  \
  "  edgeq_result r9, r4, r5, r6, 1\n"  \
  "  edgeq_result r10, r4, r5, r6, 1\n" \
  "  edgeq_result r11, r4, r5, r6, 1\n" \
  "  strb   r8, [r2]\n"                 \
  "  strb   r10, [r2, r3]\n"            \
  "  strb   r9, [r7]\n"                 \
  "  strb   r11, [r7, r3]\n"

/* Stack: the transformed columns, 24 words by rows, then 1, 2 and 4 times the inverse of 9. */
#define TILE_4                           \
  ".macro edgeq_out\n"                   \
  "  add    r10, r5, r6\n"               \
  "  sub    r11, r5, r6\n"               \
  "  add    r12, r7, r8\n"               \
  "  sub    lr, r7, r8\n"                \
  "  add    r4, r4, r4, lsl #1\n"        \
  "  add    r4, r12, r4, lsl #1\n"       \
  "  add    r4, r4, r10, lsl #2\n"       \
  "  add    r5, lr, r11, lsl #1\n"       \
  "  add    r6, r10, r12\n"              \
  "  add    r9, r9, r9, lsl #1\n"        \
  "  add    r7, r11, lr, lsl #1\n"       \
  "  add    r7, r7, r9, lsl #1\n"        \
  ".endm\n"                              \
  ".macro edgeq_column offset, at\n"     \
  "  ldr    r4, [r0, #0 + \\offset]\n"   \
  "  ldr    r5, [r0, #192 + \\offset]\n" \
  "  ldr    r6, [r0, #384 + \\offset]\n" \
  "  ldr    r7, [r0, #576 + \\offset]\n" \
  "  ldr    r8, [r0, #768 + \\offset]\n" \
  "  ldr    r9, [r0, #960 + \\offset]\n" \
  ".if \\at == 4\n"                      \
  "  ldr    r12, [r1]\n"                 \
  "  add    r5, r5, r12\n"               \
  ".endif\n"                             \
  "  edgeq_out\n"                        \
  "  str    r4, [sp, #0 + \\at]\n"       \
  "  str    r5, [sp, #24 + \\at]\n"      \
  "  str    r6, [sp, #48 + \\at]\n"      \
  "  str    r7, [sp, #72 + \\at]\n"      \
  ".endm\n"                              \
  ".macro edgeq_row at, ninth\n"         \
  "  ldr    r4, [sp, #0 + \\at]\n"       \
  "  ldr    r5, [sp, #4 + \\at]\n"       \
  "  ldr    r6, [sp, #8 + \\at]\n"       \
  "  ldr    r7, [sp, #12 + \\at]\n"      \
  "  ldr    r8, [sp, #16 + \\at]\n"      \
  "  ldr    r9, [sp, #20 + \\at]\n"      \
  ".if \\at\n"                           \
  "  add    r2, r2, r10\n"               \
  ".endif\n"                             \
  "  edgeq_out\n"                        \
  "  ldr    r8, [r1, #4]\n"              \
  "  ldr    r9, [r1, #8]\n"              \
  "  ldr    r11, [r1, #12]\n"            \
  "  ldr    lr, [sp, #\\ninth]\n"        \
  "  ldr    r10, [sp, #108]\n"           \
  "  mul    r4, r4, lr\n"                \
  "  lsl    lr, lr, #1\n"                \
  "  mul    r5, r5, lr\n"                \
  "  lsl    lr, lr, #1\n"                \
  "  mul    r6, r6, lr\n"                \
  "  mul    r7, r7, lr\n"                \
  "  edgeq_result r4, r8, r9, r11, 5\n"  \
  "  edgeq_result r5, r8, r9, r11, 5\n"  \
  "  edgeq_result r6, r8, r9, r11, 5\n"  \
  "  edgeq_result r7, r8, r9, r11, 5\n"  \
  "  add    r12, r3, r3, lsl #1\n"       \
  "  strb   r4, [r2]\n"                  \
  "  strb   r5, [r2, r3]\n"              \
  "  strb   r6, [r2, r3, lsl #1]\n"      \
  "  strb   r7, [r2, r12]\n"             \
  ".endm\n"                              \
  "  movw   r4, #0x8e39\n"               \
  "  movt   r4, #0x38e3\n"               \
  "  lsl    r5, r4, #1\n"                \
  "  lsl    r6, r4, #2\n"                \
  "  push   {r4-r6}\n"                   \
  "  sub    sp, sp, #96\n"               \
  "1:\n"                                 \
  "  edgeq_column 0, 0\n"                \
  "  edgeq_column 32, 4\n"               \
  "  edgeq_column 64, 8\n"               \
  "  edgeq_column 96, 12\n"              \
  "  edgeq_column 128, 16\n"             \
  "  edgeq_column 160, 20\n"             \
  "  edgeq_row 0, 96\n"                  \
  "  edgeq_row 24, 100\n"                \
  "  edgeq_row 48, 104\n"                \
  "  edgeq_row 72, 104\n"                \
  "  sub    r2, r2, r10, lsl #1\n"       \
  "  sub    r2, r2, r10\n"               \
  ".purgem edgeq_row\n"                  \
  ".purgem edgeq_column\n"               \
  ".purgem edgeq_out\n"

#define OUT(name, clamped, tile, stack, up)                                                       \
  __attribute__((naked)) void name(__attribute__((unused)) const edgeq_winograd_results *r) {     \
    __asm__ volatile(".set edgeq_clamped, " #clamped "\n" BEGIN tile NEXT(stack, up) END(stack)); \
  }

#else

static void requantize(const edgeq_winograd_results *r, const int32_t *channel, const uint32_t *sums,
                       int32_t tile, int clamped, int8_t *output) {
  const int32_t negative = clamped ? 0 : (tile == 2 ? -2 : -32);
  for (int32_t i = 0; i < tile * tile; i++) {
    const int32_t sum = (int32_t)sums[i];
    const int32_t high = edgeq_high_multiply_add(sum, channel[1], channel[2] + (sum < 0 ? negative : 0));
    output[i / tile * r->row + i % tile * r->pixel] = (int8_t)edgeq_saturate_int8(high >> channel[3]);
  }
}

#define TILE_2 2
#define TILE_4 4

#define OUT(name, clamped, tile, stack, up)                                                     \
  void name(const edgeq_winograd_results *r) {                                                  \
    for (int32_t i = 0; i < 8; i++) {                                                           \
      const int32_t *channel = r->channels + i / 2 * 4;                                         \
      uint32_t sums[16];                                                                        \
      if (tile == 2) {                                                                          \
        edgeq_winograd_sums_2(r->sums + i, (uint32_t)channel[0], sums);                         \
      } else {                                                                                  \
        edgeq_winograd_sums_4(r->sums + i, (uint32_t)channel[0], sums);                         \
      }                                                                                         \
      requantize(r, channel, sums, tile, clamped, r->output + i / 2 + i % 2 * tile * r->pixel); \
    }                                                                                           \
  }

#endif

OUT(edgeq_winograd_out_2, 0, TILE_2, "0", "1")
OUT(edgeq_winograd_out_2_clamped, 1, TILE_2, "0", "1")
OUT(edgeq_winograd_out_4, 0, TILE_4, "108", "2")
OUT(edgeq_winograd_out_4_clamped, 1, TILE_4, "108", "2")
