/* A model's inputs or outputs: what LiteRT says of them, and their memory. */
#ifndef EDGEQ_AGENT_TENSORS_H
#define EDGEQ_AGENT_TENSORS_H

#include "edgeq/engine.h"
#include "litert.h"
#include "memory.h"

namespace edgeq {

enum class Direction { kInput, kOutput };

class Tensors {
 public:
  explicit Tensors(Direction direction) : direction_(direction) {}

  /* Describes all inputs or outputs of a subgraph, in its order, and gives them memory. Says on stderr what
   * the link cannot carry, and returns false. */
  bool describe(const LiteRt &litert, LrSubgraph subgraph);

  /* Makes LiteRT's buffers of that memory, for signature 0 of a compiled model of the same subgraph. */
  bool bind(const LiteRt &litert, LrCompiledModel compiled);
  void unbind(const LiteRt &litert);

  /* Fills every tensor with values for a test: integers of 8 and 16 bits from their whole range, floats from
   * -1 to 1 (of 16 bits: from 0), and zeros where they may be indices. */
  void fill_with_ramps();

  /* Fills all memory with a byte. */
  void fill(uint8_t byte);

  /* Gives all memory back; nothing may be bound. */
  void clear();

  size_t count() const { return tensors_.size(); }
  uint64_t bytes() const;
  const edgeq_tensor *tensors() const { return tensors_.data(); }
  LrBuffer *buffers() { return buffers_.data(); }

 private:
  bool describe_one(const LiteRt &litert, LrTensor tensor, size_t index);
  const char *word() const { return direction_ == Direction::kInput ? "input" : "output"; }

  /* What an edgeq_tensor points to, beside its memory. */
  struct Kind {
    LrTensorType type;
    int32_t shape[kLrMaxRank];
  };

  Direction direction_;
  Array<edgeq_tensor> tensors_; /* `data` is an own allocation each */
  Array<Kind> kinds_;
  Array<LrBuffer> buffers_;
};

}  // namespace edgeq

#endif
