/* Products of windows and weights for the vector extension: blocks of two channels and three windows, of two
 * and two, or of four and one, 16 values of the depth at a time. */
#include "matrix_mve.h"

#include <stddef.h>

#include "edgeq/attributes.h"
#include "edgeq/mve.h"

/* Channels whose sums are there at one time, so that a row of sums takes an offset that instructions can
 * hold. */
#define ROW 64
#define WINDOWS 3

EDGEQ_STATIC_ASSERT(EDGEQ_MATRIX_MVE_SCRATCH == WINDOWS * ROW * 4, "sums of all windows");

/* What one call works on: sums[window * ROW + channel] of blocks of channels until `end`. The assembly knows
 * the order. */
typedef struct block_run {
  const int8_t *windows[WINDOWS];
  int32_t depth;
  const int8_t *weights;
  int32_t next; /* bytes from one channel's weights to the next's; 0 repeats one channel */
  const int32_t *starts;
  const int32_t *end; /* of starts; a block of them at least */
  int32_t *sums;
} block_run;

#ifdef EDGEQ_MVE

EDGEQ_STATIC_ASSERT(offsetof(block_run, depth) == 12 && offsetof(block_run, sums) == 32,
                    "the assembly knows this type");

/* Sums are in even registers, as VMLADAVA wants them; lr counts the depth: the last step of each loop takes
 * what is left of it. On the stack: windows, depth; from behind a row of weights to the next but one's, bytes
 * of a row; end. */
#define ENTER                     \
  ".syntax unified\n"             \
  "  push   {r4-r11, lr}\n"       \
  "  ldr    r4, [r0, #12]\n"      \
  "  ldrd   r1, r6, [r0, #16]\n"  \
  "  ldrd   r12, r7, [r0, #24]\n" \
  "  ldr    r11, [r0, #32]\n"     \
  "  add    r5, r4, #15\n"        \
  "  bic    r5, r5, #15\n"        \
  "  sub    r5, r6, r5\n"         \
  "  add    r3, r1, r6\n"         \
  "  push   {r5-r7}\n"            \
  "  ldm    r0, {r5-r7}\n"        \
  "  push   {r4-r7}\n"

#define LEAVE              \
  "  add    sp, sp, #28\n" \
  "  pop    {r4-r11, pc}\n"

/* Two channels and three windows. r1 r3 weights, r5 r7 r9 windows, r11 sums, r12 starts. */
__attribute__((naked)) static void run_2x3(__attribute__((unused)) const block_run *b) {
  __asm__ volatile(ENTER
                   "1:\n"
                   "  ldrd   lr, r5, [sp]\n"
                   "  ldrd   r7, r9, [sp, #8]\n"
                   "  ldrd   r0, r2, [r12], #8\n"
                   "  mov    r4, r0\n"
                   "  mov    r6, r2\n"
                   "  mov    r8, r0\n"
                   "  mov    r10, r2\n"
                   "  dlstp.8 lr, lr\n"
                   "2:\n"
                   "  vldrb.8 q0, [r1], #16\n"
                   "  vldrb.8 q2, [r5], #16\n"
                   "  vmladava.s8 r0, q0, q2\n"
                   "  vldrb.8 q1, [r3], #16\n"
                   "  vmladava.s8 r2, q1, q2\n"
                   "  vldrb.8 q3, [r7], #16\n"
                   "  vmladava.s8 r4, q0, q3\n"
                   "  vldrb.8 q2, [r9], #16\n"
                   "  vmladava.s8 r6, q1, q3\n"
                   "  vmladava.s8 r8, q0, q2\n"
                   "  vmladava.s8 r10, q1, q2\n"
                   "  letp   lr, 2b\n"
                   "  strd   r0, r2, [r11], #8\n"
                   "  strd   r4, r6, [r11, #248]\n"
                   "  strd   r8, r10, [r11, #504]\n"
                   "  ldrd   r0, r2, [sp, #16]\n"
                   "  ldr    r4, [sp, #24]\n"
                   "  adds   r1, r3, r0\n"
                   "  adds   r3, r1, r2\n"
                   "  cmp    r12, r4\n"
                   "  bne    1b\n" LEAVE);
}

/* Two channels and two windows. */
__attribute__((naked)) static void run_2x2(__attribute__((unused)) const block_run *b) {
  __asm__ volatile(ENTER
                   "1:\n"
                   "  ldrd   lr, r5, [sp]\n"
                   "  ldr    r7, [sp, #8]\n"
                   "  ldrd   r0, r2, [r12], #8\n"
                   "  mov    r4, r0\n"
                   "  mov    r6, r2\n"
                   "  dlstp.8 lr, lr\n"
                   "2:\n"
                   "  vldrb.8 q0, [r1], #16\n"
                   "  vldrb.8 q2, [r5], #16\n"
                   "  vmladava.s8 r0, q0, q2\n"
                   "  vldrb.8 q1, [r3], #16\n"
                   "  vmladava.s8 r2, q1, q2\n"
                   "  vldrb.8 q3, [r7], #16\n"
                   "  vmladava.s8 r4, q0, q3\n"
                   "  vmladava.s8 r6, q1, q3\n"
                   "  letp   lr, 2b\n"
                   "  strd   r0, r2, [r11], #8\n"
                   "  strd   r4, r6, [r11, #248]\n"
                   "  ldrd   r0, r2, [sp, #16]\n"
                   "  ldr    r4, [sp, #24]\n"
                   "  adds   r1, r3, r0\n"
                   "  adds   r3, r1, r2\n"
                   "  cmp    r12, r4\n"
                   "  bne    1b\n" LEAVE);
}

/* Four channels and one window. r1 r3 r7 r9 weights, r5 window. */
__attribute__((naked)) static void run_4x1(__attribute__((unused)) const block_run *b) {
  __asm__ volatile(ENTER
                   "  ldr    r2, [sp, #20]\n"
                   "1:\n"
                   "  adds   r7, r3, r2\n"
                   "  add    r9, r7, r2\n"
                   "  ldrd   lr, r5, [sp]\n"
                   "  ldrd   r0, r2, [r12], #8\n"
                   "  ldrd   r4, r6, [r12], #8\n"
                   "  dlstp.8 lr, lr\n"
                   "2:\n"
                   "  vldrb.8 q0, [r5], #16\n"
                   "  vldrb.8 q1, [r1], #16\n"
                   "  vmladava.s8 r0, q0, q1\n"
                   "  vldrb.8 q2, [r3], #16\n"
                   "  vmladava.s8 r2, q0, q2\n"
                   "  vldrb.8 q1, [r7], #16\n"
                   "  vmladava.s8 r4, q0, q1\n"
                   "  vldrb.8 q2, [r9], #16\n"
                   "  vmladava.s8 r6, q0, q2\n"
                   "  letp   lr, 2b\n"
                   "  strd   r0, r2, [r11], #8\n"
                   "  strd   r4, r6, [r11], #8\n"
                   "  ldrd   r0, r2, [sp, #16]\n"
                   "  ldr    r4, [sp, #24]\n"
                   "  add    r1, r9, r0\n"
                   "  adds   r3, r1, r2\n"
                   "  cmp    r12, r4\n"
                   "  bne    1b\n" LEAVE);
}

#else

static void products(const block_run *b, int32_t windows) {
  const int8_t *weights = b->weights;
  int32_t *sums = b->sums;
  for (const int32_t *start = b->starts; start != b->end; start++, weights += b->next, sums++) {
    for (int32_t i = 0; i < windows; i++) {
      int32_t sum = *start;
      for (int32_t d = 0; d < b->depth; d++) sum += weights[d] * b->windows[i][d];
      sums[i * ROW] = sum;
    }
  }
}

static void run_2x3(const block_run *b) {
  products(b, 3);
}

static void run_2x2(const block_run *b) {
  products(b, 2);
}

static void run_4x1(const block_run *b) {
  products(b, 1);
}

#endif

typedef void run_blocks(const block_run *b);

/* Channels of a group whose sums are there at one time, and where their results go. */
typedef struct chunk {
  const edgeq_matrix_mve *matrix;
  const int32_t *scales;
  int32_t channels;
  int32_t output_step;
  block_run blocks; /* `end` is free */
} chunk;

/* The last channels, fewer than a block: each fills one with itself. The sums behind its own are not used. */
EDGEQ_NOINLINE static void rest_of(const chunk *c, int32_t block, run_blocks *run) {
  block_run b = c->blocks;
  b.next = 0;
  for (int32_t i = c->channels - c->channels % block; i < c->channels; i++) {
    b.weights = c->blocks.weights + i * b.depth;
    b.starts = c->blocks.starts + i;
    b.end = b.starts + block;
    b.sums = c->blocks.sums + i;
    run(&b);
  }
}

typedef struct limits {
  edgeq_words low;
  edgeq_words high;
  int32_t output_step;
} limits;

/* `scales` has multipliers, constants and shifts of four channels. */
EDGEQ_INLINE void store_fours(const limits *to, const int32_t *scales, const int32_t *sums, int32_t windows,
                              int clamped, int32_t channels, int8_t *output) {
  const edgeq_words multiplier = edgeq_load_words(scales);
  const edgeq_words constant = edgeq_load_words(scales + 4);
  const edgeq_words shift = edgeq_load_words(scales + 8);
  for (int32_t i = 0; i < windows; i++, output += to->output_step) {
    const edgeq_words product = edgeq_high_multiply_words(edgeq_load_words(sums + i * ROW), multiplier);
    edgeq_words x = edgeq_add_words(product, constant);
    if (!clamped) x = edgeq_add_words(x, edgeq_sign_of_words(product));
    x = edgeq_shift_words(x, shift);
    edgeq_store_words_as_bytes(output, edgeq_smaller_words(edgeq_larger_words(x, to->low), to->high),
                               channels);
  }
}

/* Everything of the first `windows` windows. Inlined with `windows` and `clamped` constant. */
EDGEQ_INLINE void compute(chunk *c, int32_t windows, int clamped, int8_t *output) {
  run_blocks *const run = windows == 3 ? run_2x3 : (windows == 2 ? run_2x2 : run_4x1);
  const int32_t block = windows == 1 ? 4 : 2;
  const int32_t rest = c->channels % block;
  const int32_t *scales = c->scales;
  const int32_t *sums = c->blocks.sums;
  const limits to = {edgeq_same_words(c->matrix->activation_min), edgeq_same_words(c->matrix->activation_max),
                     c->output_step};
  int32_t left = c->channels;
  c->blocks.end = c->blocks.starts + left - rest;
  if (left >= block) run(&c->blocks);
  if (rest > 0) rest_of(c, block, run);
  for (; left >= 4; left -= 4, scales += 12, sums += 4, output += 4) {
    store_fours(&to, scales, sums, windows, clamped, 4, output);
  }
  if (left > 0) store_fours(&to, scales, sums, windows, clamped, left, output);
}

/* The windows of a chunk: b.windows[0] is the first. */
EDGEQ_INLINE void compute_all(chunk *c, edgeq_matrix_mve_windows windows, int clamped, int8_t *output) {
  const int8_t **const at = c->blocks.windows;
  at[0] = windows.first;
  for (; windows.count >= WINDOWS; windows.count -= WINDOWS) {
    at[1] = at[0] + windows.step;
    at[2] = at[1] + windows.step;
    compute(c, WINDOWS, clamped, output);
    at[0] = at[2] + windows.step;
    output += WINDOWS * c->output_step;
  }
  if (windows.count == 2) {
    at[1] = at[0] + windows.step;
    compute(c, 2, clamped, output);
  } else if (windows.count == 1) {
    compute(c, 1, clamped, output);
  }
}

void edgeq_matrix_mve_run(const edgeq_matrix_mve_group *group, edgeq_matrix_mve_windows windows,
                          int8_t *output, int32_t output_step, int32_t *sums) {
  const edgeq_matrix_mve *m = group->matrix;
  for (int32_t channel = 0; channel < m->channels; channel += ROW) {
    const int32_t left = m->channels - channel;
    chunk c;
    c.matrix = m;
    c.scales = m->scales + 3 * (group->first + channel);
    c.channels = left < ROW ? left : ROW;
    c.output_step = output_step;
    c.blocks.windows[0] = c.blocks.windows[1] = c.blocks.windows[2] = windows.first;
    c.blocks.depth = c.blocks.next = m->depth;
    c.blocks.weights = group->weights + channel * m->depth;
    c.blocks.starts = m->starts + group->first + channel;
    c.blocks.sums = sums;
    if (m->clamped) {
      compute_all(&c, windows, 1, output + channel);
    } else {
      compute_all(&c, windows, 0, output + channel);
    }
  }
}
