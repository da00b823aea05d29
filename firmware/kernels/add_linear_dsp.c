/* ADD and SUB on int8 without broadcasting, by two products, for cores with the DSP extension. */
#include <stddef.h>

#include "edgeq/attributes.h"
#include "edgeq/dsp.h"
#include "edgeq/kernels.h"
#include "edgeq/mem.h"

/* What one run over the inputs works on. The assembly knows the order. */
typedef struct operands {
  const int8_t *input1;
  const int8_t *input2;
  int8_t *output;
  int32_t multiplier1;
  int32_t multiplier2;
  int32_t constant;
  const int8_t *end; /* of input1 */
} operands;

#define AT_A_TIME 16

#ifdef EDGEQ_DSP

EDGEQ_STATIC_ASSERT(offsetof(operands, end) == 24, "the assembly knows this type");

/* Registers: r0 r1 inputs, r2 output, r3 r4 multipliers, r5 constant, r6 the upper byte of each half, r7 end.
 * The output may be an input: four elements are read before they are written. */
__attribute__((naked)) static void run(__attribute__((unused)) const operands *o) {
  __asm__ volatile(
      ".syntax unified\n"
      ".macro edgeq_four\n"
      "  ldr    r9, [r0], #4\n"
      "  ldr    r10, [r1], #4\n"
      "  and    r11, r6, r9, lsl #8\n"
      "  and    r12, r6, r10, lsl #8\n"
      "  and    r9, r9, r6\n"
      "  and    r10, r10, r6\n"
      "  smlawb r8, r3, r11, r5\n"
      "  smlawt r11, r3, r11, r5\n"
      "  smlawb lr, r3, r9, r5\n"
      "  smlawt r9, r3, r9, r5\n"
      "  smlawb r8, r4, r12, r8\n"
      "  smlawt r11, r4, r12, r11\n"
      "  smlawb lr, r4, r10, lr\n"
      "  smlawt r9, r4, r10, r9\n"
      "  pkhtb  r11, r11, r8, asr #16\n"
      "  pkhtb  r9, r9, lr, asr #16\n"
      "  ssat16 r11, #8, r11\n"
      "  ssat16 r9, #8, r9\n"
      "  uxtb16 r11, r11\n"
      "  and    r9, r6, r9, lsl #8\n"
      "  orr    r11, r11, r9\n"
      "  str    r11, [r2], #4\n"
      ".endm\n"
      "  push   {r4-r11, lr}\n"
      "  mov    r6, #0xff00ff00\n"
      "  ldr    r7, [r0, #24]\n"
      "  ldmia  r0, {r0-r5}\n"
      "1:\n"
      "  edgeq_four\n"
      "  edgeq_four\n"
      "  edgeq_four\n"
      "  edgeq_four\n"
      "  cmp    r0, r7\n"
      "  bne.w  1b\n"
      "  pop    {r4-r11, pc}\n"
      ".purgem edgeq_four\n");
}

#else

static void run(const operands *o) {
  const int32_t count = (int32_t)(o->end - o->input1);
  for (int32_t i = 0; i < count; i++) {
    const int32_t first = edgeq_word_multiply_add(o->multiplier1, o->input1[i] * 256, o->constant);
    const int32_t sum = edgeq_word_multiply_add(o->multiplier2, o->input2[i] * 256, first);
    o->output[i] = (int8_t)edgeq_saturate_int8(sum >> 16);
  }
}

#endif

void edgeq_add_linear_dsp_int8(const edgeq_add_linear_dsp_params *p, const int8_t *input1,
                               const int8_t *input2, int8_t *output) {
  const int32_t whole = p->count - p->count % AT_A_TIME;
  operands o;
  o.input1 = input1;
  o.input2 = input2;
  o.output = output;
  o.multiplier1 = p->multiplier1;
  o.multiplier2 = p->multiplier2;
  o.constant = p->constant;
  o.end = input1 + whole;
  if (whole > 0) run(&o);
  if (whole < p->count) {
    const size_t left = (size_t)(p->count - whole);
    int8_t last1[AT_A_TIME] = {0};
    int8_t last2[AT_A_TIME] = {0};
    int8_t sums[AT_A_TIME];
    memcpy(last1, input1 + whole, left);
    memcpy(last2, input2 + whole, left);
    o.input1 = last1;
    o.input2 = last2;
    o.output = sums;
    o.end = last1 + AT_A_TIME;
    run(&o);
    memcpy(output + whole, sums, left);
  }
  edgeq_limit_int8(output, p->count, p->activation_min, p->activation_max);
}
