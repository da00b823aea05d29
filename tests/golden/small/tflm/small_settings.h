// small: what an application around TensorFlow Lite Micro needs to know. Made by edgeq 0.1.0.
// SHA-256 of the .tflite: 3027ca98a3676011098a7e7fce6620c34a5e828ea293315ca110f82ae9bf84bf
#ifndef SMALL_SETTINGS_H_
#define SMALL_SETTINGS_H_

// An estimate: 5000 bytes measured with the interpreter on a 64-bit host, plus a margin. The
// device's interpreter has arena_used_bytes(), a lower bound: planning takes more for a while, so leave a margin above it.
#define SMALL_TFLM_ARENA_BYTES 7680

#define SMALL_INPUT_COUNT 1
#define SMALL_OUTPUT_COUNT 2

/* Input 0: "image * / "quoted" \ ??/ é", 1 x 6 x 6 x 2; real = scale * (q - zero point). */
#define SMALL_INPUT_ELEMENTS 72
#define SMALL_INPUT_BYTES 72
#define SMALL_INPUT_RANK 4
#define SMALL_INPUT_SHAPE {1, 6, 6, 2}
#define SMALL_INPUT_SCALE 0.00392156886f
#define SMALL_INPUT_ZERO_POINT (-128)
/* Output 0: "probabilities", 1 x 4; real = scale * (q - zero point). */
#define SMALL_OUTPUT_0_ELEMENTS 4
#define SMALL_OUTPUT_0_BYTES 4
#define SMALL_OUTPUT_0_RANK 2
#define SMALL_OUTPUT_0_SHAPE {1, 4}
#define SMALL_OUTPUT_0_SCALE 0.00390625f
#define SMALL_OUTPUT_0_ZERO_POINT (-128)
/* Output 1: "flat", 1 x 54; real = scale * (q - zero point). */
#define SMALL_OUTPUT_1_ELEMENTS 54
#define SMALL_OUTPUT_1_BYTES 54
#define SMALL_OUTPUT_1_RANK 2
#define SMALL_OUTPUT_1_SHAPE {1, 54}
#define SMALL_OUTPUT_1_SCALE 0.0500000007f
#define SMALL_OUTPUT_1_ZERO_POINT (-128)

#define SMALL_LABEL_COUNT 4

// Names of the classes, in the order of the output's values.
#define SMALL_LABELS \
  { \
    "zero", \
    "one", \
    "two", \
    "three", \
  }

#endif  // SMALL_SETTINGS_H_
