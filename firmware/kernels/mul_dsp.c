/* MUL on int8 for cores with the DSP extension, four values at a time. */
#include "broadcast.h"
#include "edgeq/dsp.h"
#include "edgeq/kernels.h"

/* What all values have in common. Sums of a value and its offset are doubled in the first input. */
typedef struct factors {
  uint32_t offsets1; /* pairs */
  uint32_t offsets2;
  int32_t multiplier;
  int32_t constant;
  int32_t shift;
} factors;

static inline int32_t result(factors f, int32_t doubled) {
  const int32_t constant = f.constant + (doubled >> 31);
  return edgeq_saturate_int8(edgeq_high_multiply_add_rounded(doubled, f.multiplier, constant) >> f.shift);
}

static inline uint32_t four(factors f, uint32_t a, uint32_t b) {
  const uint32_t even1 = edgeq_add_even_bytes(f.offsets1, a);
  const uint32_t odd1 = edgeq_add_odd_bytes(f.offsets1, a);
  const uint32_t even2 = edgeq_add_even_bytes(f.offsets2, b);
  const uint32_t odd2 = edgeq_add_odd_bytes(f.offsets2, b);
  const uint32_t even = edgeq_add_pairs(even1, even1);
  const uint32_t odd = edgeq_add_pairs(odd1, odd1);
  const int32_t x0 = result(f, edgeq_first(even) * edgeq_first(even2));
  const int32_t x1 = result(f, edgeq_first(odd) * edgeq_first(odd2));
  const int32_t x2 = result(f, edgeq_second(even) * edgeq_second(even2));
  const int32_t x3 = result(f, edgeq_second(odd) * edgeq_second(odd2));
  return edgeq_four_bytes(x0, x1, x2, x3);
}

/* `count` values, at most 4, as a word; all are the first, if `stride` is 0. */
static uint32_t load_some(const int8_t *values, int32_t count, int32_t stride) {
  uint32_t word = 0;
  for (int32_t i = 0; i < count; i++) word |= (uint32_t)(uint8_t)values[i * stride] << (8 * i);
  return word;
}

/* `end` is behind the outputs, a multiple of four; steps are 4, or 0 for an input that is one word. */
__attribute__((noinline)) static void run(const factors *shared, const int8_t *a, const int8_t *b,
                                          int8_t *output, const int8_t *end, int32_t step1, int32_t step2) {
  const factors f = *shared;
  for (; output != end; a += step1, b += step2, output += 4) {
    edgeq_store_word(output, four(f, edgeq_load_word(a), edgeq_load_word(b)));
  }
}

/* One innermost loop. */
static void row(const factors *f, const edgeq_broadcast_loop *loop, const int8_t *a, const int8_t *b,
                int8_t *output) {
  const int32_t whole = loop->extent & ~3;
  const int32_t left = loop->extent - whole;
  const uint32_t all1 = load_some(a, 4, 0);
  const uint32_t all2 = load_some(b, 4, 0);
  run(f, loop->stride1 ? a : (const int8_t *)&all1, loop->stride2 ? b : (const int8_t *)&all2, output,
      output + whole, 4 * loop->stride1, 4 * loop->stride2);
  if (left == 0) return;
  const uint32_t last = four(*f, load_some(a + whole * loop->stride1, left, loop->stride1),
                             load_some(b + whole * loop->stride2, left, loop->stride2));
  for (int32_t i = 0; i < left; i++) output[whole + i] = (int8_t)(uint8_t)(last >> (8 * i));
}

void edgeq_mul_dsp_int8(const edgeq_mul_dsp_params *p, const int8_t *input1, const int8_t *input2,
                        int8_t *output) {
  const edgeq_broadcast_loop *inner = &p->loops[p->loop_count - 1];
  const uint32_t offset1 = (uint32_t)p->input1_offset;
  const uint32_t offset2 = (uint32_t)p->input2_offset;
  int8_t *const first = output;
  edgeq_broadcast_walk walk = {{0}};
  factors f;
  f.offsets1 = edgeq_firsts(offset1, offset1);
  f.offsets2 = edgeq_firsts(offset2, offset2);
  f.multiplier = p->multiplier;
  f.constant = p->constant;
  f.shift = p->shift;
  do {
    row(&f, inner, input1, input2, output);
    output += inner->extent;
  } while (edgeq_broadcast_next(&walk, p->loops, p->loop_count, &input1, &input2));
  edgeq_limit_int8(first, (int32_t)(output - first), p->activation_min, p->activation_max);
}
