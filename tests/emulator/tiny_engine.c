/* A hand-written engine of three operators, and faults on demand: input[0] chooses which (0: none). */
#include "edgeq/engine.h"
#include "edgeq/link.h"
#include "edgeq/mem.h"

#define TINY_BYTES 64u
#define TINY_NOWHERE 0x5FF00000u /* no memory there on any of the boards */

#ifndef EDGEQ_ARENA_SECTION
#define EDGEQ_ARENA_SECTION ".edgeq_arena"
#endif

__attribute__((section(EDGEQ_ARENA_SECTION), aligned(16))) static int8_t tiny_arena[2u * TINY_BYTES];

static const int8_t tiny_weights[TINY_BYTES] = {3, -5, 7, 11, -13, 17, 19, -23, [63] = 29};
static const int32_t tiny_shape[2] = {1, TINY_BYTES};
static const uint8_t tiny_sha256[32] = {0x5a, 1, 2, 3};

__attribute__((noinline)) void tiny_op_0(void);
__attribute__((noinline)) void tiny_op_1(void);
__attribute__((noinline)) void tiny_op_2(void);
edgeq_status tiny_invoke(void);
int32_t tiny_descend(int32_t depth);
int32_t tiny_spread(int32_t at);

static volatile int32_t tiny_sink;
static volatile uintptr_t tiny_nowhere = TINY_NOWHERE;
static volatile uintptr_t tiny_null = 16; /* a field behind a null pointer */

/* Recursion without an end that a compiler could see. */
__attribute__((noinline)) int32_t tiny_descend(int32_t depth) {
  volatile int32_t frame[16];
  frame[depth & 15] = depth;
  return depth < 0 ? 0 : tiny_descend(depth + 1) + frame[depth & 15];
}

/* One frame that is larger than the stack. */
__attribute__((noinline)) int32_t tiny_spread(int32_t at) {
  volatile int32_t frame[8192];
  frame[at & 8191] = at;
  return frame[at >> 1 & 8191];
}

#if defined(__arm__)
static void tiny_misaligned(void) {
  uint32_t first = 0, second = 0;
#if __ARM_ARCH >= 7
  __asm volatile("ldrd %0, %1, [%2]"
                 : "=&r"(first), "=&r"(second)
                 : "r"((uintptr_t)tiny_arena + 1u)
                 : "memory");
#endif
  tiny_sink = (int32_t)(first ^ second);
}

/* An instruction that is undefined, while the stack pointer points to nowhere. */
static void tiny_lose_stack(void) {
  __asm volatile("mov sp, %0\n udf #1" : : "r"(tiny_nowhere + 0x1000u));
}

/* Copies from and to every alignment, of up to 40 bytes: the output begins with how many bytes are wrong. */
static void tiny_copy(void) {
  int8_t from[48], to[48];
  int32_t wrong = 0;
  for (uint32_t i = 0; i < sizeof from; i++) from[i] = (int8_t)(i + 1u);
  for (uint32_t places = 0; places < 16u * 41u; places++) {
    const uint32_t start = places & 3u, at = places >> 2 & 3u, length = places >> 4;
    memset(to, -1, sizeof to);
    memcpy(to + at, from + start, length);
    for (uint32_t i = 0; i < sizeof to; i++) {
      wrong += to[i] != (i >= at && i < at + length ? from[i - at + start] : -1);
    }
  }
  memcpy(tiny_arena, &wrong, sizeof wrong);
}

static void tiny_fault(int8_t which) {
  switch (which) {
    case 1:
      tiny_misaligned();
      break;
    case 2:
      *(volatile int32_t *)tiny_nowhere = 1;
      break;
    case 3:
      tiny_sink = tiny_descend(0);
      break;
    case 4:
      ((void (*)(void))(tiny_nowhere + 1u))();
      break;
    case 5:
      __asm volatile("udf #1");
      break;
    case 6:
      tiny_sink = *(volatile int32_t *)(tiny_nowhere + 16u);
      break;
    case 7:
      *(volatile int32_t *)tiny_null = 1;
      break;
    case 8:
      tiny_lose_stack();
      break;
    case 9: /* no fault: the work of 2 million rounds, and of 4 */
    case 10:
      for (uint32_t i = 0; i < (which == 9 ? 2000000u : 4000000u); i++) __asm volatile("nop\n nop");
      break;
    case 11:
      tiny_copy();
      break;
    case 12:
      tiny_sink = tiny_spread(12);
      break;
    default:
      break;
  }
}
#else
static void tiny_fault(int8_t which) {
  tiny_sink = which;
}
#endif

void tiny_op_0(void) {
  for (uint32_t i = 0; i < TINY_BYTES; i++)
    tiny_arena[TINY_BYTES + i] = (int8_t)(tiny_arena[i] ^ tiny_weights[i]);
}

void tiny_op_1(void) {
  int32_t sum = 0;
  for (uint32_t i = 0; i < TINY_BYTES; i++)
    sum += tiny_arena[TINY_BYTES + i] * tiny_weights[TINY_BYTES - 1u - i];
  memcpy(tiny_arena, &sum, sizeof sum);
}

void tiny_op_2(void) {
  tiny_fault(tiny_arena[TINY_BYTES] == tiny_weights[0] ? 0
                                                       : (int8_t)(tiny_arena[TINY_BYTES] ^ tiny_weights[0]));
}

edgeq_status tiny_invoke(void) {
  tiny_op_0();
  tiny_op_1();
  tiny_op_2();
  return EDGEQ_OK;
}

static edgeq_status tiny_init(void) {
  return EDGEQ_OK;
}

static edgeq_status tiny_selftest(void) {
  memset(tiny_arena, 0, TINY_BYTES);
  return tiny_invoke();
}

static const edgeq_tensor tiny_input = {"input",          tiny_shape, tiny_arena, TINY_BYTES,
                                        EDGEQ_DTYPE_INT8, 2,          0.5f,       0};
static const edgeq_tensor tiny_output = {"output",         tiny_shape, tiny_arena, TINY_BYTES,
                                         EDGEQ_DTYPE_INT8, 2,          0.5f,       0};

static const edgeq_model tiny_model = {
    .abi = EDGEQ_ENGINE_ABI,
    .name = "tiny",
    .engine = "aot",
    .sha256 = tiny_sha256,
    .inputs = &tiny_input,
    .outputs = &tiny_output,
    .input_count = 1,
    .output_count = 1,
    .op_count = 3,
    .arena_bytes = sizeof tiny_arena,
    .init = tiny_init,
    .invoke = tiny_invoke,
    .selftest = tiny_selftest,
};

const edgeq_model *edgeq_app_model(void) {
  return &tiny_model;
}
