/* ADD and SUB on int8 without broadcasting, by tables, for cores with the DSP extension. */
#include <stddef.h>

#include "edgeq/attributes.h"
#include "edgeq/dsp.h"
#include "edgeq/kernels.h"

/* What one run over the inputs works on. The assembly knows the order. */
typedef struct operands {
  const int8_t *input1;
  const int8_t *input2;
  int8_t *output;
  const int32_t *table1;
  const int32_t *table2;
  int32_t multiplier;
  int32_t constant;
  int32_t shift;
  const int8_t *end; /* of input1 */
} operands;

#ifdef EDGEQ_DSP

#define AT_A_TIME 8

EDGEQ_STATIC_ASSERT(offsetof(operands, end) == 32, "the assembly knows this type");

/* Registers: r0 r1 inputs, r2 output, r3 r4 tables, r5 multiplier, r6 constant, r7 shift; two elements in r8,
 * r11, r12 and lr. The output may be an input: four elements are read before they are written. */
__attribute__((naked)) static void run(__attribute__((unused)) const operands *o) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro edgeq_two first, second\n"
      "  uxtb   r11, r9, ror #\\first\n"
      "  uxtb   r12, r10, ror #\\first\n"
      "  uxtb   lr, r9, ror #\\second\n"
      "  uxtb   r8, r10, ror #\\second\n"
      "  ldr    r11, [r3, r11, lsl #2]\n"
      "  ldr    r12, [r4, r12, lsl #2]\n"
      "  ldr    lr, [r3, lr, lsl #2]\n"
      "  ldr    r8, [r4, r8, lsl #2]\n"
      "  add    r11, r11, r12\n"
      "  add    lr, lr, r8\n"
      "  add    r12, r6, r11, asr #31\n"
      "  add    r8, r6, lr, asr #31\n"
      "  smmlar r11, r11, r5, r12\n"
      "  smmlar lr, lr, r5, r8\n"
      "  asr    r11, r11, r7\n"
      "  asr    lr, lr, r7\n"
      "  ssat   r11, #8, r11\n"
      "  ssat   lr, #8, lr\n"
      "  strb   r11, [r2], #1\n"
      "  strb   lr, [r2], #1\n"
      ".endm\n"
      "  push   {r4-r11, lr}\n"
      "  ldr    r12, [r0, #32]\n"
      "  ldmia  r0, {r0-r7}\n"
      "  push   {r11, r12}\n"
      "1:\n"
      "  ldr    r9, [r0], #4\n"
      "  ldr    r10, [r1], #4\n"
      "  edgeq_two 0, 8\n"
      "  edgeq_two 16, 24\n"
      "  ldr    r9, [r0], #4\n"
      "  ldr    r10, [r1], #4\n"
      "  edgeq_two 0, 8\n"
      "  edgeq_two 16, 24\n"
      "  ldr    r12, [sp, #4]\n"
      "  cmp    r0, r12\n"
      "  bne.w  1b\n"
      "  add    sp, sp, #8\n"
      "  pop    {r4-r11, pc}\n"
      ".purgem edgeq_two\n");
}

#else

#define AT_A_TIME 1

static void run(const operands *o) {
  const int32_t count = (int32_t)(o->end - o->input1);
  for (int32_t i = 0; i < count; i++) {
    const int32_t sum = o->table1[(uint8_t)o->input1[i]] + o->table2[(uint8_t)o->input2[i]];
    const int32_t high = edgeq_high_multiply_add_rounded(sum, o->multiplier, o->constant + (sum >> 31));
    o->output[i] = (int8_t)edgeq_saturate_int8(high >> o->shift);
  }
}

#endif

void edgeq_add_dsp_int8(const edgeq_add_dsp_params *p, const int8_t *input1, const int8_t *input2,
                        int8_t *output) {
  const int32_t whole = p->count - p->count % AT_A_TIME;
  operands o;
  o.input1 = input1;
  o.input2 = input2;
  o.output = output;
  o.table1 = p->table1;
  o.table2 = p->table2;
  o.multiplier = p->multiplier;
  o.constant = p->constant;
  o.shift = p->shift;
  o.end = input1 + whole;
  if (whole > 0) run(&o);
  if (whole < p->count) {
    int8_t last1[8] = {0};
    int8_t last2[8] = {0};
    int8_t sums[8];
    for (int32_t i = whole; i < p->count; i++) {
      last1[i - whole] = input1[i];
      last2[i - whole] = input2[i];
    }
    o.input1 = last1;
    o.input2 = last2;
    o.output = sums;
    o.end = last1 + sizeof last1;
    run(&o);
    for (int32_t i = whole; i < p->count; i++) output[i] = sums[i - whole];
  }
  edgeq_limit_int8(output, p->count, p->activation_min, p->activation_max);
}
