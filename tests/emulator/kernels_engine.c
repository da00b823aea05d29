/* A hand-written engine of real kernels: convolution, depthwise convolution, fully connected. Prefix: tiny,
 * so that it can take the place of tiny_engine.c. */
#include "edgeq/engine.h"
#include "edgeq/kernels.h"
#include "edgeq/link.h"
#include "edgeq/mem.h"

#define SIDE 12
#define CHANNELS 16
#define VALUES (SIDE * SIDE * CHANNELS)
#define OUTPUTS 10

__attribute__((section(".edgeq_arena"), aligned(16))) static int8_t tiny_arena[2 * VALUES];

static int8_t conv_weights[CHANNELS * 9 * CHANNELS];
static int8_t depthwise_weights[9 * CHANNELS];
static int8_t dense_weights[OUTPUTS * VALUES];
static const int32_t multipliers[1] = {1518500250};
static const int8_t shifts[1] = {-9};
static const int32_t input_shape[4] = {1, SIDE, SIDE, CHANNELS};
static const int32_t output_shape[2] = {1, OUTPUTS};
static const uint8_t tiny_sha256[32] = {0x5b};

__attribute__((noinline)) void tiny_op_0(void);
__attribute__((noinline)) void tiny_op_1(void);
__attribute__((noinline)) void tiny_op_2(void);
edgeq_status tiny_invoke(void);

static const edgeq_conv_2d_params conv = {
    .batches = 1,
    .input_height = SIDE,
    .input_width = SIDE,
    .input_channels = CHANNELS,
    .output_height = SIDE,
    .output_width = SIDE,
    .output_channels = CHANNELS,
    .filter_height = 3,
    .filter_width = 3,
    .filter_channels = CHANNELS,
    .groups = 1,
    .stride_height = 1,
    .stride_width = 1,
    .dilation_height = 1,
    .dilation_width = 1,
    .pad_top = 1,
    .pad_left = 1,
    .input_offset = 5,
    .output_offset = -3,
    .activation_min = -128,
    .activation_max = 127,
    .multipliers = multipliers,
    .shifts = shifts,
};

static const edgeq_depthwise_conv_2d_params depthwise = {
    .batches = 1,
    .input_height = SIDE,
    .input_width = SIDE,
    .input_channels = CHANNELS,
    .depth_multiplier = 1,
    .output_height = SIDE,
    .output_width = SIDE,
    .filter_height = 3,
    .filter_width = 3,
    .stride_height = 1,
    .stride_width = 1,
    .dilation_height = 1,
    .dilation_width = 1,
    .pad_top = 1,
    .pad_left = 1,
    .input_offset = 3,
    .output_offset = -3,
    .activation_min = -128,
    .activation_max = 127,
    .multipliers = multipliers,
    .shifts = shifts,
};

static const edgeq_fully_connected_params dense = {
    .batches = 1,
    .depth = VALUES,
    .outputs = OUTPUTS,
    .input_offset = 3,
    .output_offset = 1,
    .activation_min = -128,
    .activation_max = 127,
    .multipliers = multipliers,
    .shifts = shifts,
};

static void fill(int8_t *values, uint32_t count, uint32_t seed) {
  for (uint32_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    values[i] = (int8_t)(seed >> 24);
  }
}

void tiny_op_0(void) {
  edgeq_conv_2d_int8(&conv, tiny_arena, conv_weights, tiny_arena + VALUES);
}

void tiny_op_1(void) {
  edgeq_depthwise_conv_2d_int8(&depthwise, tiny_arena + VALUES, depthwise_weights, tiny_arena);
}

void tiny_op_2(void) {
  edgeq_fully_connected_int8(&dense, tiny_arena, dense_weights, tiny_arena + VALUES);
}

edgeq_status tiny_invoke(void) {
  tiny_op_0();
  tiny_op_1();
  tiny_op_2();
  return EDGEQ_OK;
}

static edgeq_status tiny_init(void) {
  fill(conv_weights, sizeof conv_weights, 1);
  fill(depthwise_weights, sizeof depthwise_weights, 2);
  fill(dense_weights, sizeof dense_weights, 3);
  return EDGEQ_OK;
}

static const edgeq_tensor tiny_input = {"input",          input_shape, tiny_arena, VALUES,
                                        EDGEQ_DTYPE_INT8, 4,           0.5f,       0};
static const edgeq_tensor tiny_output = {
    "output", output_shape, tiny_arena + VALUES, OUTPUTS, EDGEQ_DTYPE_INT8, 2, 0.5f, 0};

static const edgeq_model tiny_model = {
    .abi = EDGEQ_ENGINE_ABI,
    .name = "kernels",
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
    .selftest = tiny_invoke,
};

const edgeq_model *edgeq_app_model(void) {
  return &tiny_model;
}
