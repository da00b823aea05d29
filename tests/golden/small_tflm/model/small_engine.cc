// small: run by TensorFlow Lite Micro. Made by edgeq 0.1.0 from the .tflite with SHA-256
// 3027ca98a3676011098a7e7fce6620c34a5e828ea293315ca110f82ae9bf84bf.
#include "edgeq/tflm.h"
#include "edgeq/tflm_resolver.h"
#include "small.h"
#include "small_model_data.h"
#include "small_op_resolver.h"
#include "small_settings.h"

static_assert(EDGEQ_ENGINE_ABI == 1u, "edgeq/engine.h is of another version than this model");

extern "C" {

#ifdef EDGEQ_ARENA_SECTION
__attribute__((section(EDGEQ_ARENA_SECTION)))
#endif
alignas(16) uint8_t small_arena[SMALL_TFLM_ARENA_BYTES];

// 00: 0 CONV_2D 6×6×3
TfLiteStatus small_op_00_conv_2d(TfLiteContext* context, TfLiteNode* node) {
  return edgeq_tflm_op(0, context, node);
}

// 01: 1 LOGISTIC 6×6×3
TfLiteStatus small_op_01_logistic(TfLiteContext* context, TfLiteNode* node) {
  return edgeq_tflm_op(1, context, node);
}

// 02: 2 CONCATENATION 6×6×6
TfLiteStatus small_op_02_concatenation(TfLiteContext* context, TfLiteNode* node) {
  return edgeq_tflm_op(2, context, node);
}

// 03: 3 MAX_POOL_2D 3×3×6
TfLiteStatus small_op_03_max_pool_2d(TfLiteContext* context, TfLiteNode* node) {
  return edgeq_tflm_op(3, context, node);
}

// 04: 4 RESHAPE 54
TfLiteStatus small_op_04_reshape(TfLiteContext* context, TfLiteNode* node) {
  return edgeq_tflm_op(4, context, node);
}

// 05: 5 FULLY_CONNECTED 4
TfLiteStatus small_op_05_fully_connected(TfLiteContext* context, TfLiteNode* node) {
  return edgeq_tflm_op(5, context, node);
}

// 06: 6 SOFTMAX 4
TfLiteStatus small_op_06_softmax(TfLiteContext* context, TfLiteNode* node) {
  return edgeq_tflm_op(6, context, node);
}

}  // extern "C"

namespace {

const tflite::MicroOpResolver* resolver(void) {
  static small_op_resolver kernels;
  static edgeq_tflm_resolver<7> wrapped(kernels);
  static bool registered = false;
  if (!registered && small_register_ops(kernels) != kTfLiteOk) return nullptr;
  registered = true;
  return &wrapped;
}

edgeq_tflm_op_fn* const ops[SMALL_OP_COUNT] = {
    small_op_00_conv_2d,
    small_op_01_logistic,
    small_op_02_concatenation,
    small_op_03_max_pool_2d,
    small_op_04_reshape,
    small_op_05_fully_connected,
    small_op_06_softmax,
};

edgeq_tflm_place places[SMALL_OP_COUNT];
uint32_t ticks[SMALL_OP_COUNT];

// Tensors that a traced build shows.
const edgeq_tflm_point points[7] = {
    { 0, 0 },  // conv/Relu;conv/BiasAdd
    { 1, 0 },  // unused
    { 2, 0 },  // joined
    { 3, 0 },  // pooled
    { 4, 0 },  // flat
    { 5, 0 },  // logits
    { 6, 0 },  // probabilities
};

const int32_t input_shape[] = SMALL_INPUT_SHAPE;
const int32_t output_0_shape[] = SMALL_OUTPUT_0_SHAPE;
const int32_t output_1_shape[] = SMALL_OUTPUT_1_SHAPE;

// Their data are found out by init.
edgeq_tensor inputs[1] = {
    // name, shape, data, bytes, type, rank, scale, zero point
    { "image */ \"quoted\" \\ \?\?/ \303\251\012", input_shape, nullptr, SMALL_INPUT_BYTES, EDGEQ_DTYPE_INT8,
     SMALL_INPUT_RANK, SMALL_INPUT_SCALE, SMALL_INPUT_ZERO_POINT },
};

// Their data are found out by init.
edgeq_tensor outputs[2] = {
    // name, shape, data, bytes, type, rank, scale, zero point
    { "probabilities", output_0_shape, nullptr, SMALL_OUTPUT_0_BYTES, EDGEQ_DTYPE_INT8,
     SMALL_OUTPUT_0_RANK, SMALL_OUTPUT_0_SCALE, SMALL_OUTPUT_0_ZERO_POINT },
    // name, shape, data, bytes, type, rank, scale, zero point
    { "flat", output_1_shape, nullptr, SMALL_OUTPUT_1_BYTES, EDGEQ_DTYPE_INT8,
     SMALL_OUTPUT_1_RANK, SMALL_OUTPUT_1_SCALE, SMALL_OUTPUT_1_ZERO_POINT },
};

const uint8_t sha256[32] = {
    0x30, 0x27, 0xca, 0x98, 0xa3, 0x67, 0x60, 0x11, 0x09, 0x8a, 0x7e, 0x7f, 0xce, 0x66, 0x20, 0xc3, 0x4a, 0x5e,
    0x82, 0x8e, 0xa2, 0x93, 0x31, 0x5c, 0xa1, 0x10, 0xf8, 0x2a, 0xe9, 0xbf, 0x84, 0xbf};

}  // namespace

const edgeq_tflm_app edgeq_tflm = {
    /* model_data */ small_model_data,
    /* resolver */ resolver,
    /* ops */ ops,
    /* places */ places,
    /* ticks */ ticks,
    /* points */ points,
    /* inputs */ inputs,
    /* outputs */ outputs,
    /* arena */ small_arena,
    /* arena_bytes */ SMALL_TFLM_ARENA_BYTES,
    /* op_count */ SMALL_OP_COUNT,
    /* point_count */ 7,
    /* input_count */ 1,
    /* output_count */ 2,
    /* variables */ 0,
};

extern "C" {

edgeq_status small_init(void) { return edgeq_tflm_init(); }

edgeq_status small_invoke(void) { return edgeq_tflm_invoke(); }

edgeq_status small_selftest(void) { return edgeq_selftest(&small_model, &small_golden); }

const edgeq_model small_model = {
    /* abi */ EDGEQ_ENGINE_ABI,
    /* name */ "small",
    /* engine */ "tflm",
    /* sha256 */ sha256,
    /* inputs */ inputs,
    /* outputs */ outputs,
    /* input_count */ 1,
    /* output_count */ 2,
    /* op_count */ SMALL_OP_COUNT,
#ifdef EDGEQ_TRACE
    /* trace_point_count */ 7,
#else
    /* trace_point_count */ 0,
#endif
    /* arena_bytes */ SMALL_TFLM_ARENA_BYTES,
    /* init */ small_init,
    /* invoke */ small_invoke,
    /* selftest */ small_selftest,
#ifdef EDGEQ_TRACE
    /* invoke_traced */ edgeq_tflm_invoke_traced,
#else
    /* invoke_traced */ nullptr,
#endif
    /* state */ edgeq_tflm_state,
    /* invoke_timed */ edgeq_tflm_invoke_timed,
};

}  // extern "C"
