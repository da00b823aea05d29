// small, run by TensorFlow Lite Micro. Made by edgeq 0.1.0.
#include "small.h"

#include <setjmp.h>
#include <string.h>

#include <new>

#include "edgeq/affine.h"
#include "edgeq/crc32.h"
#include "edgeq/tflm_arena.h"
#include "small_model_data.h"
#include "small_op_resolver.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"

#ifndef SMALL_ARENA_BYTES
#define SMALL_ARENA_BYTES SMALL_TFLM_ARENA_BYTES
#endif

namespace {

#ifdef SMALL_ARENA_SECTION
__attribute__((section(SMALL_ARENA_SECTION)))
#endif
alignas(16) uint8_t arena[SMALL_ARENA_BYTES];

alignas(tflite::MicroInterpreter) uint8_t room[sizeof(tflite::MicroInterpreter)];
tflite::MicroInterpreter* running = nullptr;

// Neither TFLM nor its kernels expect everywhere that the arena has no room: its first refusal ends the start.
jmp_buf start;
bool starting = false;
uint32_t lacking = 0;

// The interpreter in its arena; null if it cannot run the model.
tflite::MicroInterpreter* allocated(const tflite::MicroOpResolver& resolver) {
  tflite::MicroAllocator* const allocator = small_edgeq_tflm_allocator(arena, sizeof arena);
  const tflite::Model* const model = tflite::GetModel(small_model_data);
  tflite::MicroInterpreter* const made = new (room) tflite::MicroInterpreter(model, resolver, allocator);
  if (made->AllocateTensors() == kTfLiteOk) return made;
  made->~MicroInterpreter();
  return nullptr;
}

// The interpreter, made once.
tflite::MicroInterpreter* made() {
  static small_op_resolver resolver;
  static const bool registered = small_register_ops(resolver) == kTfLiteOk;
  if (running != nullptr) return running;
  running = nullptr;
  lacking = 0;
  if (!registered) return nullptr;
  starting = true;
  if (setjmp(start) == 0) running = allocated(resolver);
  starting = false;
  return running;
}

// clang-format off
#ifndef SMALL_NO_SELFTEST
const int8_t golden_input[SMALL_INPUT_ELEMENTS] = {
    -32, -71, -29, -68, -60, 17, -86, -24, -108, 8, 1, -84, 15, -112, -69, -97, -51, 3,
    -85, -113, -58, -90, -107, -31, -74, -16, -90, 25, -64, -104, -23, 23, -52, 27, -43, -55,
    -25, 34, 27, -49, -3, -44, -39, 1, -56, -7, -10, 24, -103, -8, 23, 29, -118, 13,
    32, 28, -98, 30, 17, 7, -46, -85, 4, 23, -79, -37, -52, 24, -114, -7, -25, -116};
#endif
// clang-format on

}  // namespace

// Of edgeq/tflm_arena.h.
void small_edgeq_tflm_lacks(size_t bytes) {
  if (!starting) return;
  lacking = static_cast<uint32_t>(bytes);
  longjmp(start, 1);
}

extern "C" {

edgeq_status small_init(void) {
  return made() != nullptr && running->Reset() == kTfLiteOk ? EDGEQ_OK : EDGEQ_FAILED;
}

edgeq_status small_invoke(void) {
  return running != nullptr && running->Invoke() == kTfLiteOk ? EDGEQ_OK : EDGEQ_FAILED;
}

uint32_t small_arena_used(void) {
  return running == nullptr ? 0u : static_cast<uint32_t>(running->arena_used_bytes());
}

uint32_t small_arena_lacking(void) {
  return lacking;
}

int8_t* small_input(void) {
  return running == nullptr ? nullptr : static_cast<int8_t*>(running->input(0)->data.data);
}

const int8_t* small_output_0(void) {
  return running == nullptr ? nullptr : static_cast<const int8_t*>(running->output(0)->data.data);
}

const int8_t* small_output_1(void) {
  return running == nullptr ? nullptr : static_cast<const int8_t*>(running->output(1)->data.data);
}

void small_quantize_input(const float* values, int8_t* q) {
  small_edgeq_affine_to_int8(values, SMALL_INPUT_ELEMENTS, SMALL_INPUT_SCALE, SMALL_INPUT_ZERO_POINT, q);
}

void small_dequantize_output_0(const int8_t* q, float* values) {
  small_edgeq_affine_from_int8(q, SMALL_OUTPUT_0_ELEMENTS, SMALL_OUTPUT_0_SCALE, SMALL_OUTPUT_0_ZERO_POINT, values);
}

void small_dequantize_output_1(const int8_t* q, float* values) {
  small_edgeq_affine_from_int8(q, SMALL_OUTPUT_1_ELEMENTS, SMALL_OUTPUT_1_SCALE, SMALL_OUTPUT_1_ZERO_POINT, values);
}

edgeq_status small_selftest(void) {
#ifdef SMALL_NO_SELFTEST
  return EDGEQ_FAILED;
#else
  if (small_init() != EDGEQ_OK) return EDGEQ_FAILED;
  memcpy(small_input(), golden_input, SMALL_INPUT_BYTES);
  if (small_invoke() != EDGEQ_OK) return EDGEQ_FAILED;
  uint32_t crc = 0;
  crc = small_edgeq_crc32(crc, small_output_0(), SMALL_OUTPUT_0_BYTES);
  crc = small_edgeq_crc32(crc, small_output_1(), SMALL_OUTPUT_1_BYTES);
  if (small_init() != EDGEQ_OK) return EDGEQ_FAILED;
  return crc == 0xa5f864b2u ? EDGEQ_OK : EDGEQ_MISMATCH;
#endif
}

}  // extern "C"
