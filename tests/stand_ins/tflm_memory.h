/* What stands in for TensorFlow Lite Micro's headers of an interpreter's memory: an arena, a planner, and the
 * allocator of both. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <new>

#define TF_LITE_REMOVE_VIRTUAL_DELETE \
  void operator delete(void *) {}

enum TfLiteStatus : int { kTfLiteOk, kTfLiteError };

namespace tflite {

/* One arena: kept memory from its end down, planned memory at its beginning, memory for a while behind that.
 * As in TFLM, one does not look at the other where it is in a hurry. */
class SingleArenaBufferAllocator {
 public:
  SingleArenaBufferAllocator(uint8_t *bytes, size_t count)
      : begin_(bytes), end_(bytes + count), head_(bytes), tail_(bytes + count), temp_(bytes) {}
  virtual ~SingleArenaBufferAllocator() {}

  virtual TfLiteStatus ResizeBuffer(uint8_t *, size_t size, size_t) {
    if (head_ != temp_ || size > static_cast<size_t>(tail_ - begin_)) return kTfLiteError;
    head_ = temp_ = begin_ + size;
    return kTfLiteOk;
  }
  virtual uint8_t *AllocatePersistentBuffer(size_t size, size_t alignment) {
    const uintptr_t begin = (reinterpret_cast<uintptr_t>(tail_) - size) & ~(alignment - 1u);
    if (begin < reinterpret_cast<uintptr_t>(head_)) return nullptr;
    return tail_ = reinterpret_cast<uint8_t *>(begin);
  }
  virtual uint8_t *AllocateTemp(size_t size, size_t alignment) {
    const uintptr_t begin = (reinterpret_cast<uintptr_t>(temp_) + alignment - 1u) & ~(alignment - 1u);
    if (reinterpret_cast<uintptr_t>(tail_) - begin < size) return nullptr;
    temp_ = reinterpret_cast<uint8_t *>(begin) + size;
    return reinterpret_cast<uint8_t *>(begin);
  }
  virtual TfLiteStatus ResetTempAllocations() {
    temp_ = head_;
    return kTfLiteOk;
  }
  virtual uint8_t *GetOverlayMemoryAddress() const { return begin_; }
  virtual size_t GetNonPersistentUsedBytes() const {
    return static_cast<size_t>((temp_ > head_ ? temp_ : head_) - begin_);
  }
  size_t used() const { return static_cast<size_t>(end_ - tail_ + (head_ - begin_)); }

  TF_LITE_REMOVE_VIRTUAL_DELETE

 protected:
  uint8_t *head() const { return head_; }
  uint8_t *tail() const { return tail_; }

 private:
  uint8_t *begin_, *end_, *head_, *tail_, *temp_;
};

class MicroMemoryPlanner {
 public:
  virtual ~MicroMemoryPlanner() {}
  virtual TfLiteStatus Init(unsigned char *bytes, int count) = 0;
  virtual TfLiteStatus AddBuffer(int size, int first, int last) = 0;
  virtual TfLiteStatus AddBuffer(int size, int first, int last, int offset) = 0;
  virtual size_t GetMaximumMemorySize() = 0;

 private:
  TF_LITE_REMOVE_VIRTUAL_DELETE
};

/* Lays one buffer behind the other. */
class GreedyMemoryPlanner : public MicroMemoryPlanner {
 public:
  static size_t per_buffer_size() { return 40; }
  TfLiteStatus Init(unsigned char *, int count) override {
    most_ = count / static_cast<int>(per_buffer_size());
    count_ = total_ = 0;
    return kTfLiteOk;
  }
  TfLiteStatus AddBuffer(int size, int, int) override {
    if (count_ == most_) return kTfLiteError;
    count_++;
    total_ += (size + 15) / 16 * 16;
    return kTfLiteOk;
  }
  TfLiteStatus AddBuffer(int size, int first, int last, int) override { return AddBuffer(size, first, last); }
  size_t GetMaximumMemorySize() override { return static_cast<size_t>(total_); }

 private:
  int most_ = 0, count_ = 0, total_ = 0;

  TF_LITE_REMOVE_VIRTUAL_DELETE
};

class MicroAllocator {
 public:
  static MicroAllocator *Create(SingleArenaBufferAllocator *memory, MicroMemoryPlanner *planner) {
    uint8_t *const to = memory->AllocatePersistentBuffer(sizeof(MicroAllocator), alignof(MicroAllocator));
    return new (to) MicroAllocator(memory, planner);
  }
  void *AllocatePersistentBuffer(size_t bytes) { return memory->AllocatePersistentBuffer(bytes, 16); }

  SingleArenaBufferAllocator *memory;
  MicroMemoryPlanner *planner;

 private:
  MicroAllocator(SingleArenaBufferAllocator *m, MicroMemoryPlanner *p) : memory(m), planner(p) {}
};

}  // namespace tflite
