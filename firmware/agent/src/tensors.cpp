#include "tensors.h"

#include "say.h"

namespace edgeq {
namespace {

constexpr uint8_t kRankBits = 0x7F;
constexpr uint64_t kMostBytes = 0x7FFFFFFF; /* the link counts bytes of all inputs in 32 bits */
constexpr size_t kMostTensors = 4096;

struct Element {
  int32_t litert;
  edgeq_dtype dtype;
  uint32_t bytes;
};
constexpr Element kElements[] = {
    {kLrInt8, EDGEQ_DTYPE_INT8, 1},       {kLrInt16, EDGEQ_DTYPE_INT16, 2},
    {kLrInt32, EDGEQ_DTYPE_INT32, 4},     {kLrFloat32, EDGEQ_DTYPE_FLOAT32, 4},
    {kLrUint8, EDGEQ_DTYPE_UINT8, 1},     {kLrInt64, EDGEQ_DTYPE_INT64, 8},
    {kLrBool, EDGEQ_DTYPE_BOOL, 1},       {kLrFloat16, EDGEQ_DTYPE_FLOAT16, 2},
    {kLrFloat64, EDGEQ_DTYPE_FLOAT64, 8},
};

/* Null: the link does not carry it. */
const Element *element_of(int32_t type) {
  for (const Element &element : kElements) {
    if (element.litert == type) return &element;
  }
  return nullptr;
}

/* Evenly spaced values from `least` to `most`. */
template <typename T>
void fill_ramp(const edgeq_tensor &tensor, double least, double most) {
  const size_t count = tensor.bytes / sizeof(T);
  const double step = count > 1 ? (most - least) / static_cast<double>(count - 1) : 0.0;
  T *to = static_cast<T *>(tensor.data);
  for (size_t i = 0; i < count; i++) to[i] = static_cast<T>(least + step * static_cast<double>(i));
}

}  // namespace

bool Tensors::describe(const LiteRt &litert, LrSubgraph subgraph) {
  size_t count = 0;
  const LrStatus status = direction_ == Direction::kInput
                              ? litert.LiteRtGetNumSubgraphInputs(subgraph, &count)
                              : litert.LiteRtGetNumSubgraphOutputs(subgraph, &count);
  if (status != kLrOk || count == 0 || count > kMostTensors) {
    say("the model has %zu %ss (%s).", count, word(), litert_words(status));
    return false;
  }
  clear();
  tensors_.allocate(count);
  kinds_.allocate(count);
  buffers_.allocate(count);
  for (size_t i = 0; i < count; i++) {
    LrTensor tensor = nullptr;
    const LrStatus found = direction_ == Direction::kInput
                               ? litert.LiteRtGetSubgraphInput(subgraph, i, &tensor)
                               : litert.LiteRtGetSubgraphOutput(subgraph, i, &tensor);
    if (found != kLrOk || tensor == nullptr || !describe_one(litert, tensor, i)) {
      say("%s %zu of the model cannot be used.", word(), i);
      return false;
    }
  }
  if (bytes() > kMostBytes) {
    say("the model's %ss have %llu bytes; at most %llu can be sent.", word(),
        static_cast<unsigned long long>(bytes()), static_cast<unsigned long long>(kMostBytes));
    return false;
  }
  return true;
}

bool Tensors::describe_one(const LiteRt &litert, LrTensor tensor, size_t index) {
  Kind &kind = kinds_[index];
  edgeq_tensor &made = tensors_[index];
  int32_t ranked = -1;
  if (litert.LiteRtGetTensorTypeId(tensor, &ranked) != kLrOk || ranked != kLrRanked ||
      litert.LiteRtGetRankedTensorType(tensor, &kind.type) != kLrOk) {
    say("%s %zu has no fixed rank.", word(), index);
    return false;
  }
  const Element *element = element_of(kind.type.element);
  if (element == nullptr) {
    say("%s %zu has LiteRT's element type %d; the link carries integers and floats of whole bytes.", word(),
        index, kind.type.element);
    return false;
  }
  const uint8_t rank = kind.type.rank & kRankBits;
  uint64_t bytes = element->bytes;
  for (uint8_t i = 0; i < rank && i < kLrMaxRank; i++) {
    const int32_t size = kind.type.shape[i];
    if (size <= 0 || static_cast<uint64_t>(size) > kMostBytes / bytes) {
      say("dimension %u of %s %zu is %d: sizes must be fixed when the model is made, for example to a batch "
          "of 1.",
          static_cast<unsigned>(i), word(), index, size);
      return false;
    }
    kind.shape[i] = size;
    bytes *= static_cast<uint64_t>(size);
  }

  const char *name = nullptr;
  if (litert.LiteRtGetTensorName(tensor, &name) != kLrOk || name == nullptr) name = "";
  int32_t quantized = 0;
  LrQuantization quantization = {0.0f, 0};
  if (litert.LiteRtGetQuantizationTypeId(tensor, &quantized) == kLrOk && quantized == kLrPerTensor) {
    (void)litert.LiteRtGetPerTensorQuantization(tensor, &quantization);
  }
  made.name = name;
  made.shape = kind.shape;
  made.bytes = static_cast<uint32_t>(bytes);
  made.dtype = static_cast<uint8_t>(element->dtype);
  made.rank = rank;
  made.scale = quantization.scale;
  made.zero_point = static_cast<int32_t>(quantization.zero_point);
  return true;
}

bool Tensors::bind(const LiteRt &litert, LrCompiledModel compiled) {
  for (size_t i = 0; i < count(); i++) {
    LrRequirements wanted = nullptr;
    size_t bytes = 0;
    LrStatus status = direction_ == Direction::kInput
                          ? litert.LiteRtGetCompiledModelInputBufferRequirements(compiled, 0, i, &wanted)
                          : litert.LiteRtGetCompiledModelOutputBufferRequirements(compiled, 0, i, &wanted);
    if (status == kLrOk) status = litert.LiteRtGetTensorBufferRequirementsBufferSize(wanted, &bytes);
    if (bytes < tensors_[i].bytes) bytes = tensors_[i].bytes;
    if (status == kLrOk) {
      free(tensors_[i].data);
      tensors_[i].data = allocate_zeros(bytes);
      status = litert.LiteRtCreateTensorBufferFromHostMemory(&kinds_[i].type, tensors_[i].data, bytes,
                                                             nullptr, &buffers_[i]);
    }
    if (status != kLrOk) {
      say("LiteRT takes no memory for %s %zu of the model: status %d, %s.", word(), i, status,
          litert_words(status));
      unbind(litert);
      return false;
    }
  }
  return true;
}

void Tensors::fill_with_ramps() {
  for (size_t i = 0; i < count(); i++) {
    const edgeq_tensor &tensor = tensors_[i];
    memset(tensor.data, 0, tensor.bytes);
    switch (tensor.dtype) {
      case EDGEQ_DTYPE_INT8:
        fill_ramp<int8_t>(tensor, INT8_MIN, INT8_MAX);
        break;
      case EDGEQ_DTYPE_UINT8:
        fill_ramp<uint8_t>(tensor, 0, UINT8_MAX);
        break;
      case EDGEQ_DTYPE_INT16:
        fill_ramp<int16_t>(tensor, INT16_MIN, INT16_MAX);
        break;
      case EDGEQ_DTYPE_FLOAT16: /* its bits: from 0 to 1.0 */
        fill_ramp<uint16_t>(tensor, 0, 0x3C00);
        break;
      case EDGEQ_DTYPE_FLOAT32:
        fill_ramp<float>(tensor, -1, 1);
        break;
      case EDGEQ_DTYPE_FLOAT64:
        fill_ramp<double>(tensor, -1, 1);
        break;
      default:
        break;
    }
  }
}

void Tensors::fill(uint8_t byte) {
  for (size_t i = 0; i < count(); i++) memset(tensors_[i].data, byte, tensors_[i].bytes);
}

void Tensors::unbind(const LiteRt &litert) {
  for (size_t i = 0; i < buffers_.size(); i++) {
    if (buffers_[i] != nullptr) litert.LiteRtDestroyTensorBuffer(buffers_[i]);
    buffers_[i] = nullptr;
  }
}

void Tensors::clear() {
  for (size_t i = 0; i < tensors_.size(); i++) free(tensors_[i].data);
  tensors_.clear();
  kinds_.clear();
  buffers_.clear();
}

uint64_t Tensors::bytes() const {
  uint64_t total = 0;
  for (size_t i = 0; i < tensors_.size(); i++) total += tensors_[i].bytes;
  return total;
}

}  // namespace edgeq
