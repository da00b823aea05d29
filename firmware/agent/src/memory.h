/* Memory of the agent, by the C library alone: the program needs no C++ library beside it on the device. */
#ifndef EDGEQ_AGENT_MEMORY_H
#define EDGEQ_AGENT_MEMORY_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

namespace edgeq {

/* LiteRT takes host memory of this alignment only. */
constexpr size_t kMemoryAlignment = 64;

/* Zeros, for free(), with as many bytes more behind them as they are aligned to: XNNPACK reads a little
 * beyond a tensor's end. Out of memory ends the process. */
inline void *allocate_zeros(size_t bytes) {
  void *memory = nullptr;
  if (posix_memalign(&memory, kMemoryAlignment, bytes + kMemoryAlignment) != 0) abort();
  memset(memory, 0, bytes + kMemoryAlignment);
  return memory;
}

/* An array of plain data, all zero at first. */
template <typename T>
class Array {
 public:
  Array() = default;
  Array(const Array &) = delete;
  Array &operator=(const Array &) = delete;
  ~Array() { clear(); }

  /* Forgets what was there. */
  void allocate(size_t count) {
    clear();
    items_ = static_cast<T *>(allocate_zeros(count * sizeof(T)));
    size_ = count;
  }

  void clear() {
    free(items_);
    items_ = nullptr;
    size_ = 0;
  }

  size_t size() const { return size_; }
  T *data() { return items_; }
  const T *data() const { return items_; }
  T &operator[](size_t index) { return items_[index]; }
  const T &operator[](size_t index) const { return items_[index]; }

 private:
  T *items_ = nullptr;
  size_t size_ = 0;
};

}  // namespace edgeq

#endif
