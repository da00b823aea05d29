/* The part of LiteRT's C API that edgeq's C++ calls: the agent, and sources exported for Android. It is
 * found in LiteRT's shared library when they start.
 *
 * LiteRT's packages bring the library and no headers. These declarations are edgeq's own, and have names,
 * arguments and values alone; a test compares the names with the symbols that the libraries export.
 */
#ifndef EDGEQ_AGENT_LITERT_API_H
#define EDGEQ_AGENT_LITERT_API_H

#include <stddef.h>
#include <stdint.h>

namespace edgeq {

/* LiteRT's objects. Whoever makes one destroys it; parts of a model belong to the model. */
using LrEnvironment = struct LrEnvironmentObject *;
using LrOptions = struct LrOptionsObject *;
using LrOpaqueOptions = struct LrOpaqueOptionsObject *;
using LrModel = struct LrModelObject *;
using LrSignature = struct LrSignatureObject *;
using LrSubgraph = struct LrSubgraphObject *;
using LrTensor = struct LrTensorObject *;
using LrOp = struct LrOpObject *;
using LrCompiledModel = struct LrCompiledModelObject *;
using LrBuffer = struct LrBufferObject *;
using LrRequirements = struct LrRequirementsObject *;

/* What nearly every function returns; 0 is success. */
using LrStatus = int32_t;
constexpr LrStatus kLrOk = 0;

#if defined(__i386__)
#error \
    "LiteRT's structures are declared for ABIs that align 64-bit integers: leave 32-bit x86 out of abiFilters."
#endif

/* An option of the environment. */
struct LrAny {
  int32_t type;
  int64_t value;
};
struct LrEnvironmentOption {
  int32_t tag;
  LrAny value;
};
static_assert(sizeof(LrEnvironmentOption) == 24 && offsetof(LrEnvironmentOption, value) == 8, "as in LiteRT");
constexpr int32_t kLrAnyInt = 2;
constexpr int32_t kLrTagAccelerators = 24; /* which ones to look for */
constexpr int32_t kLrTagSeverity = 25;     /* the least of messages that are printed */
constexpr int64_t kLrSeverityError = 3;

constexpr int32_t kLrCpu = 1; /* a set of accelerators that has this one only */

/* Element types that the link carries. */
constexpr int32_t kLrFloat32 = 1;
constexpr int32_t kLrInt32 = 2;
constexpr int32_t kLrUint8 = 3;
constexpr int32_t kLrInt64 = 4;
constexpr int32_t kLrBool = 6;
constexpr int32_t kLrInt16 = 7;
constexpr int32_t kLrInt8 = 9;
constexpr int32_t kLrFloat16 = 10;
constexpr int32_t kLrFloat64 = 11;

constexpr uint32_t kLrMaxRank = 8;
struct LrTensorType {
  int32_t element;
  uint8_t rank;              /* the lower 7 bits; the top one: there are strides */
  int32_t shape[kLrMaxRank]; /* below 0: not known before a run */
  uint32_t strides[kLrMaxRank];
};
static_assert(sizeof(LrTensorType) == 72 && offsetof(LrTensorType, shape) == 8, "as in LiteRT");

constexpr int32_t kLrRanked = 0;    /* a tensor's type id */
constexpr int32_t kLrPerTensor = 1; /* a tensor's quantization id */
struct LrQuantization {
  float scale;
  int64_t zero_point;
};
static_assert(sizeof(LrQuantization) == 16, "as in LiteRT");

/* CALL(what it returns, name, arguments). */
#define EDGEQ_LITERT_CALLS(CALL)                                                                            \
  CALL(LrStatus, LiteRtCreateEnvironment,                                                                   \
       (int count, const LrEnvironmentOption *options, LrEnvironment *to))                                  \
  CALL(void, LiteRtDestroyEnvironment, (LrEnvironment environment))                                         \
  CALL(LrStatus, LiteRtCreateModelFromBuffer,                                                               \
       (LrEnvironment environment, const void *flatbuffer, size_t bytes, LrModel *to))                      \
  CALL(void, LiteRtDestroyModel, (LrModel model))                                                           \
  CALL(LrStatus, LiteRtGetModelSignature, (LrModel model, size_t index, LrSignature *to))                   \
  CALL(LrStatus, LiteRtGetSignatureSubgraph, (LrSignature signature, LrSubgraph * to))                      \
  CALL(LrStatus, LiteRtGetNumSubgraphInputs, (LrSubgraph subgraph, size_t *to))                             \
  CALL(LrStatus, LiteRtGetSubgraphInput, (LrSubgraph subgraph, size_t index, LrTensor *to))                 \
  CALL(LrStatus, LiteRtGetNumSubgraphOutputs, (LrSubgraph subgraph, size_t *to))                            \
  CALL(LrStatus, LiteRtGetSubgraphOutput, (LrSubgraph subgraph, size_t index, LrTensor *to))                \
  CALL(LrStatus, LiteRtGetNumSubgraphOps, (LrSubgraph subgraph, size_t *to))                                \
  CALL(LrStatus, LiteRtGetSubgraphOp, (LrSubgraph subgraph, size_t index, LrOp *to))                        \
  CALL(LrStatus, LiteRtGetOpCode, (LrOp op, int32_t *to))                                                   \
  CALL(LrStatus, LiteRtGetTensorName, (LrTensor tensor, const char **to))                                   \
  CALL(LrStatus, LiteRtGetTensorTypeId, (LrTensor tensor, int32_t *to))                                     \
  CALL(LrStatus, LiteRtGetRankedTensorType, (LrTensor tensor, LrTensorType * to))                           \
  CALL(LrStatus, LiteRtGetQuantizationTypeId, (LrTensor tensor, int32_t *to))                               \
  CALL(LrStatus, LiteRtGetPerTensorQuantization, (LrTensor tensor, LrQuantization * to))                    \
  CALL(LrStatus, LiteRtCreateOptions, (LrOptions * to))                                                     \
  CALL(void, LiteRtDestroyOptions, (LrOptions options))                                                     \
  CALL(LrStatus, LiteRtSetOptionsHardwareAccelerators, (LrOptions options, int32_t accelerators))           \
  CALL(LrStatus, LiteRtCreateOpaqueOptions,                                                                 \
       (const char *identifier, void *payload, void (*destroy)(void *payload), LrOpaqueOptions *to))        \
  CALL(LrStatus, LiteRtAddOpaqueOptions, (LrOptions options, LrOpaqueOptions taken))                        \
  CALL(void, LiteRtDestroyOpaqueOptions, (LrOpaqueOptions options)) /* those that were not taken */         \
  CALL(LrStatus, LiteRtCreateCompiledModel,                                                                 \
       (LrEnvironment environment, LrModel model, LrOptions options, LrCompiledModel * to))                 \
  CALL(void, LiteRtDestroyCompiledModel, (LrCompiledModel compiled))                                        \
  CALL(LrStatus, LiteRtCompiledModelIsFullyAccelerated, (LrCompiledModel compiled, bool *to))               \
  CALL(LrStatus, LiteRtGetCompiledModelInputBufferRequirements,                                             \
       (LrCompiledModel compiled, size_t signature, size_t index, LrRequirements *to))                      \
  CALL(LrStatus, LiteRtGetCompiledModelOutputBufferRequirements,                                            \
       (LrCompiledModel compiled, size_t signature, size_t index, LrRequirements *to))                      \
  CALL(LrStatus, LiteRtGetTensorBufferRequirementsBufferSize, (LrRequirements requirements, size_t *to))    \
  CALL(LrStatus, LiteRtCreateTensorBufferFromHostMemory,                                                    \
       (const LrTensorType *type, void *memory, size_t bytes, void (*release)(void *memory), LrBuffer *to)) \
  CALL(void, LiteRtDestroyTensorBuffer, (LrBuffer buffer))                                                  \
  CALL(LrStatus, LiteRtRunCompiledModel,                                                                    \
       (LrCompiledModel compiled, size_t signature, size_t input_count, LrBuffer *inputs,                   \
        size_t output_count, LrBuffer *outputs))

/* The functions, by their own names. */
struct LiteRt {
#define EDGEQ_MEMBER(result, name, arguments) result(*name) arguments;
  EDGEQ_LITERT_CALLS(EDGEQ_MEMBER)
#undef EDGEQ_MEMBER
};

}  // namespace edgeq

#endif
