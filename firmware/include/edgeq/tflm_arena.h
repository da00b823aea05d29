/* TensorFlow Lite Micro's own allocator and memory planner, which tell where the arena was too small: by
 * itself an interpreter says so in words only, and a library without error strings not at all. C++ only, from
 * C++11 on. */
#ifndef EDGEQ_TFLM_ARENA_H
#define EDGEQ_TFLM_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include <new>

#include "tensorflow/lite/micro/arena_allocator/single_arena_buffer_allocator.h"
#include "tensorflow/lite/micro/compatibility.h"
#include "tensorflow/lite/micro/memory_planner/greedy_memory_planner.h"
#include "tensorflow/lite/micro/micro_allocator.h"

/* Called for a request that the arena has no room for: with `bytes` more there would have been. Does not
 * return where an interpreter is being made: the library does not expect a null everywhere. */
void edgeq_tflm_lacks(size_t bytes);

/* Refuses what would overlap, too: memory that is kept and memory for a while, which grow towards each other.
 * As large as what it is made of: an arena that does for this one does for an interpreter without it. */
class edgeq_tflm_arena : public tflite::SingleArenaBufferAllocator {
 public:
  edgeq_tflm_arena(uint8_t *bytes, size_t count) : tflite::SingleArenaBufferAllocator(bytes, count) {}

  TfLiteStatus ResizeBuffer(uint8_t *buffer, size_t size, size_t alignment) override {
    const TfLiteStatus status = tflite::SingleArenaBufferAllocator::ResizeBuffer(buffer, size, alignment);
    const size_t room = static_cast<size_t>(tail() - GetOverlayMemoryAddress());
    if (status != kTfLiteOk && size > room) edgeq_tflm_lacks(size - room);
    return status;
  }

  uint8_t *AllocatePersistentBuffer(size_t size, size_t alignment) override {
    const uintptr_t begin = (reinterpret_cast<uintptr_t>(tail()) - size) & ~(alignment - 1u);
    const uintptr_t end = top();
    uint8_t *found = nullptr;
    if (begin >= end || begin < reinterpret_cast<uintptr_t>(head()))
      found = tflite::SingleArenaBufferAllocator::AllocatePersistentBuffer(size, alignment);
    if (begin < end) edgeq_tflm_lacks(end - begin);
    return found;
  }

  uint8_t *AllocateTemp(size_t size, size_t alignment) override {
    const uintptr_t begin = (top() + alignment - 1u) & ~(alignment - 1u);
    const uintptr_t end = reinterpret_cast<uintptr_t>(tail());
    uint8_t *const found =
        begin > end ? nullptr : tflite::SingleArenaBufferAllocator::AllocateTemp(size, alignment);
    if (begin + size > end) edgeq_tflm_lacks(begin + size - end);
    return found;
  }

 private:
  /* Where memory for a while ends. */
  uintptr_t top() const {
    return reinterpret_cast<uintptr_t>(GetOverlayMemoryAddress()) + GetNonPersistentUsedBytes();
  }

  TF_LITE_REMOVE_VIRTUAL_DELETE
};

/* It plans with what the arena has left, and refuses a buffer where that is full. */
class edgeq_tflm_planner : public tflite::GreedyMemoryPlanner {
 public:
  TfLiteStatus Init(unsigned char *bytes, int count) override {
    more() = per_buffer_size() - static_cast<size_t>(count) % per_buffer_size();
    return tflite::GreedyMemoryPlanner::Init(bytes, count);
  }

  TfLiteStatus AddBuffer(int size, int first, int last) override {
    const TfLiteStatus status = tflite::GreedyMemoryPlanner::AddBuffer(size, first, last);
    if (status != kTfLiteOk) edgeq_tflm_lacks(more());
    return status;
  }

  TfLiteStatus AddBuffer(int size, int first, int last, int offset) override {
    return tflite::GreedyMemoryPlanner::AddBuffer(size, first, last, offset); /* calls the other one */
  }

 private:
  /* Bytes for one buffer more. Not a member: it would make the planner larger. Inline variables are of C++17.
   */
  static size_t &more() {
    static size_t bytes;
    return bytes;
  }

  TF_LITE_REMOVE_VIRTUAL_DELETE
};

/* The interpreter's allocator in an arena, as tflite::MicroAllocator::Create makes one. `bytes` is aligned
 * at 16. Only while an interpreter is being made. */
inline tflite::MicroAllocator *edgeq_tflm_allocator(uint8_t *bytes, size_t count) {
  constexpr size_t kArena = sizeof(edgeq_tflm_arena);
  if (count < kArena) edgeq_tflm_lacks(kArena - count);
  edgeq_tflm_arena first(bytes, count);
  edgeq_tflm_arena *const arena =
      new (first.AllocatePersistentBuffer(kArena, alignof(edgeq_tflm_arena))) edgeq_tflm_arena(first);
  edgeq_tflm_planner *const planner =
      new (arena->AllocatePersistentBuffer(sizeof(edgeq_tflm_planner), alignof(edgeq_tflm_planner)))
          edgeq_tflm_planner;
  return tflite::MicroAllocator::Create(arena, planner);
}

#endif
