/* small: straight calls of kernels. Made by edgeq 0.1.0 from the .tflite with SHA-256
 * 3027ca98a3676011098a7e7fce6620c34a5e828ea293315ca110f82ae9bf84bf.
 *
 * 2,160 multiply-accumulates, 1,148 bytes of constants, 500 bytes of arena; the values that are alive at
 * one time take 500 bytes at the most, so that no plan could have a smaller arena than that.
 *
 * #   kernel                          shapes                       MACs  constants  arena offsets                  layer (small_op_<#>_...)
 * 00  small_edgeq_conv_strips_dsp_int8      1x6x6x2 -> 1x6x6x3           1944        120  0 -> 392 (320 scratch at 72)   conv/Relu
 * 01  small_edgeq_concatenation_int8        1x6x6x3, 1x6x6x3 -> 1x6x6x6     0          8  392, 392 -> 0                  joined
 * 02  small_edgeq_max_pool_2d_dsp_int8      1x6x6x6 -> 1x3x3x6              0          0  0 -> 216                       pooled
 * 03  small_edgeq_fully_connected_dsp_int8  1x3x3x6 -> 1x4                216        576  216 -> 112 (112 scratch at 0)  logits
 * 04  small_edgeq_softmax_int8              1x4 -> 1x4                      0        444  112 -> 0                       probabilities
 */
#include "small/config.h"

#include "small.h"

#include <limits.h>

#include "edgeq/affine.h"
#include "edgeq/attributes.h"
#include "edgeq/kernels.h"
#include "edgeq/selftest.h"
#include "small_weights.h"

EDGEQ_STATIC_ASSERT(EDGEQ_ENGINE_ABI == 1u, "edgeq/engine.h is of another version than this model");
EDGEQ_STATIC_ASSERT(CHAR_BIT == 8 && sizeof(int32_t) == 4 && sizeof(float) == 4, "types of other sizes");
EDGEQ_STATIC_ASSERT((-1 >> 1) == -1, "right shifts of negative numbers must be arithmetic");
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "edgeq: the target must be little-endian"
#endif

#ifdef SMALL_ARENA_SECTION
EDGEQ_SECTION(SMALL_ARENA_SECTION)
#endif
EDGEQ_ALIGNED(16) static uint8_t small_arena[SMALL_ARENA_BYTES];

#define small_at(offset) ((void *)&small_arena[offset])
#define small_int8(offset) ((int8_t *)small_at(offset))

EDGEQ_STATIC_ASSERT(0 + SMALL_INPUT_BYTES <= SMALL_ARENA_BYTES, "input 0 is outside the arena");
EDGEQ_STATIC_ASSERT(SMALL_INPUT_BYTES == SMALL_INPUT_ELEMENTS * sizeof(int8_t), "size of input 0");
EDGEQ_STATIC_ASSERT(0 + SMALL_OUTPUT_0_BYTES <= SMALL_ARENA_BYTES, "output 0 is outside the arena");
EDGEQ_STATIC_ASSERT(SMALL_OUTPUT_0_BYTES == SMALL_OUTPUT_0_ELEMENTS * sizeof(int8_t), "size of output 0");
EDGEQ_STATIC_ASSERT(216 + SMALL_OUTPUT_1_BYTES <= SMALL_ARENA_BYTES, "output 1 is outside the arena");
EDGEQ_STATIC_ASSERT(SMALL_OUTPUT_1_BYTES == SMALL_OUTPUT_1_ELEMENTS * sizeof(int8_t), "size of output 1");

EDGEQ_NOINLINE void small_op_00_conv_strips_dsp(void);
EDGEQ_NOINLINE void small_op_01_concatenation(void);
EDGEQ_NOINLINE void small_op_02_max_pool_2d_dsp(void);
EDGEQ_NOINLINE void small_op_03_fully_connected_dsp(void);
EDGEQ_NOINLINE void small_op_04_softmax(void);

/* 00: conv/Relu (op 0 CONV_2D), 1x6x6x2 -> 1x6x6x3 */
static const small_edgeq_conv_strips_dsp_params small_params_00 = {
    1, /* batches */
    6, /* input_height */
    6, /* input_width */
    2, /* input_channels */
    6, /* output_height */
    6, /* output_width */
    3, /* output_channels */
    1, /* stride_height */
    1, /* stride_width */
    1, /* pad_top */
    1, /* pad_left */
    -128, /* input_zero_point */
    -128, /* activation_min */
    127, /* activation_max */
    18, /* row_bytes */
    1, /* row_fours */
    1, /* row_rest */
    7, /* strip_rows */
    0, /* strip_more */
    9, /* steps */
    1, /* pairs */
    1, /* quads */
    30, /* quad_words */
    8, /* step_bytes */
    small_edgeq_quads_9_shift6, /* run */
};

void small_op_00_conv_strips_dsp(void) {
  small_edgeq_conv_strips_dsp_int8(&small_params_00, small_int8(0), small_weights_00, small_int8(392), small_at(72));
}

/* 01: joined (op 2 CONCATENATION), 1x6x6x3, 1x6x6x3 -> 1x6x6x6 */
static const small_edgeq_concatenation_params small_params_01 = {
    36, /* rows */
    2, /* input_count */
    small_row_bytes_01, /* row_bytes */
};
static const int8_t *const small_inputs_01[2] = {
    small_int8(392),
    small_int8(392),
};

void small_op_01_concatenation(void) {
  small_edgeq_concatenation_int8(&small_params_01, small_inputs_01, small_int8(0));
}

/* 02: pooled (op 3 MAX_POOL_2D), 1x6x6x6 -> 1x3x3x6 */
static const small_edgeq_pool_2d_params small_params_02 = {
    1, /* batches */
    6, /* input_height */
    6, /* input_width */
    6, /* channels */
    3, /* output_height */
    3, /* output_width */
    2, /* filter_height */
    2, /* filter_width */
    2, /* stride_height */
    2, /* stride_width */
    0, /* pad_top */
    0, /* pad_left */
    -128, /* activation_min */
    127, /* activation_max */
};

void small_op_02_max_pool_2d_dsp(void) {
  small_edgeq_max_pool_2d_dsp_int8(&small_params_02, small_int8(0), small_int8(216));
}

/* 03: logits (op 5 FULLY_CONNECTED), 1x3x3x6 -> 1x4 */
static const small_edgeq_fully_connected_dsp_params small_params_03 = {
    1, /* batches */
    54, /* inputs */
    4, /* outputs */
    56, /* depth */
    -128, /* activation_min */
    127, /* activation_max */
    144, /* octet_words */
    16, /* step_bytes */
    small_edgeq_octets_2, /* run */
};

void small_op_03_fully_connected_dsp(void) {
  small_edgeq_fully_connected_dsp_int8(&small_params_03, small_int8(216), small_weights_03, small_int8(112), small_at(0));
}

/* 04: probabilities (op 6 SOFTMAX), 1x4 -> 1x4 */
static const small_edgeq_softmax_params small_params_04 = {
    1, /* rows */
    4, /* depth */
    111, /* table_size */
    small_exp_table_04, /* exp_table */
};

void small_op_04_softmax(void) {
  small_edgeq_softmax_int8(&small_params_04, small_int8(112), small_int8(0));
}

edgeq_status small_init(void) {
  return EDGEQ_OK;
}

edgeq_status small_invoke(void) {
  small_op_00_conv_strips_dsp();
  small_op_01_concatenation();
  small_op_02_max_pool_2d_dsp();
  small_op_03_fully_connected_dsp();
  small_op_04_softmax();
  return EDGEQ_OK;
}

#ifdef SMALL_TRACE
edgeq_status small_invoke_traced(edgeq_trace_fn *trace, void *context) {
  small_op_00_conv_strips_dsp();
  if (!trace(context, 0u, small_at(392), 108u)) return EDGEQ_STOPPED;
  small_op_01_concatenation();
  if (!trace(context, 1u, small_at(0), 216u)) return EDGEQ_STOPPED;
  small_op_02_max_pool_2d_dsp();
  if (!trace(context, 2u, small_at(216), 54u)) return EDGEQ_STOPPED;
  small_op_03_fully_connected_dsp();
  if (!trace(context, 3u, small_at(112), 4u)) return EDGEQ_STOPPED;
  small_op_04_softmax();
  if (!trace(context, 4u, small_at(0), 4u)) return EDGEQ_STOPPED;
  return EDGEQ_OK;
}
#endif

edgeq_status small_selftest(void) {
#ifdef SMALL_NO_SELFTEST
  return EDGEQ_FAILED;
#else
  return small_edgeq_selftest(&small_model, &small_golden);
#endif
}

int8_t *small_input(void) {
  return small_int8(0);
}

const int8_t *small_output_0(void) {
  return small_int8(0);
}

const int8_t *small_output_1(void) {
  return small_int8(216);
}

void small_quantize_input(const float *values, int8_t *q) {
  small_edgeq_affine_to_int8(values, SMALL_INPUT_ELEMENTS, SMALL_INPUT_SCALE, SMALL_INPUT_ZERO_POINT, q);
}

void small_dequantize_output_0(const int8_t *q, float *values) {
  small_edgeq_affine_from_int8(q, SMALL_OUTPUT_0_ELEMENTS, SMALL_OUTPUT_0_SCALE, SMALL_OUTPUT_0_ZERO_POINT, values);
}

void small_dequantize_output_1(const int8_t *q, float *values) {
  small_edgeq_affine_from_int8(q, SMALL_OUTPUT_1_ELEMENTS, SMALL_OUTPUT_1_SCALE, SMALL_OUTPUT_1_ZERO_POINT, values);
}

static const int32_t small_input_shape[] = SMALL_INPUT_SHAPE;
static const int32_t small_output_0_shape[] = SMALL_OUTPUT_0_SHAPE;
static const int32_t small_output_1_shape[] = SMALL_OUTPUT_1_SHAPE;

static const edgeq_tensor small_inputs[1] = {
    {
        "image */ \"quoted\" \\ \?\?/ \303\251\012", /* name */
        small_input_shape, /* shape */
        small_at(0), /* data */
        SMALL_INPUT_BYTES, /* bytes */
        EDGEQ_DTYPE_INT8, /* dtype */
        SMALL_INPUT_RANK, /* rank */
        SMALL_INPUT_SCALE, /* scale */
        SMALL_INPUT_ZERO_POINT, /* zero_point */
    },
};

static const edgeq_tensor small_outputs[2] = {
    {
        "probabilities", /* name */
        small_output_0_shape, /* shape */
        small_at(0), /* data */
        SMALL_OUTPUT_0_BYTES, /* bytes */
        EDGEQ_DTYPE_INT8, /* dtype */
        SMALL_OUTPUT_0_RANK, /* rank */
        SMALL_OUTPUT_0_SCALE, /* scale */
        SMALL_OUTPUT_0_ZERO_POINT, /* zero_point */
    },
    {
        "flat", /* name */
        small_output_1_shape, /* shape */
        small_at(216), /* data */
        SMALL_OUTPUT_1_BYTES, /* bytes */
        EDGEQ_DTYPE_INT8, /* dtype */
        SMALL_OUTPUT_1_RANK, /* rank */
        SMALL_OUTPUT_1_SCALE, /* scale */
        SMALL_OUTPUT_1_ZERO_POINT, /* zero_point */
    },
};

static const uint8_t small_sha256[32] = {
    0x30, 0x27, 0xca, 0x98, 0xa3, 0x67, 0x60, 0x11, 0x09, 0x8a, 0x7e, 0x7f, 0xce, 0x66, 0x20, 0xc3, 0x4a, 0x5e,
    0x82, 0x8e, 0xa2, 0x93, 0x31, 0x5c, 0xa1, 0x10, 0xf8, 0x2a, 0xe9, 0xbf, 0x84, 0xbf};

#ifdef SMALL_TRACE
#define small_trace_points 5
#define small_traced small_invoke_traced
#else
#define small_trace_points 0
#define small_traced 0
#endif

const edgeq_model small_model = {
    EDGEQ_ENGINE_ABI, /* abi */
    "small", /* name */
    "aot", /* engine */
    small_sha256, /* sha256 */
    small_inputs, /* inputs */
    small_outputs, /* outputs */
    SMALL_INPUT_COUNT, /* input_count */
    SMALL_OUTPUT_COUNT, /* output_count */
    SMALL_OP_COUNT, /* op_count */
    small_trace_points, /* trace_point_count */
    SMALL_ARENA_BYTES, /* arena_bytes */
    small_init, /* init */
    small_invoke, /* invoke */
    small_selftest, /* selftest */
    small_traced, /* invoke_traced */
    0, /* state */
    0, /* invoke_timed */
};
