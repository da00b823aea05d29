// small: the .tflite as bytes, for TensorFlow Lite Micro. Made by edgeq 0.1.0.
// SHA-256 3027ca98a3676011098a7e7fce6620c34a5e828ea293315ca110f82ae9bf84bf
#ifndef SMALL_MODEL_DATA_H_
#define SMALL_MODEL_DATA_H_

#ifdef __cplusplus
extern "C" {
#endif

#define SMALL_MODEL_DATA_BYTES 2528

// Aligned at 16 bytes, as tflite::GetModel needs it.
extern const unsigned char small_model_data[SMALL_MODEL_DATA_BYTES];
extern const unsigned int small_model_data_len;

#ifdef __cplusplus
}
#endif

#endif  // SMALL_MODEL_DATA_H_
