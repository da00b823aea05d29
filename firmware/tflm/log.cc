/* What TensorFlow Lite Micro prints: the last message is kept, to be asked for over the link. Takes the place
 * of the library's own debug_log, and of the C library's printf in it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include "edgeq/tflm.h"
#include "edgeq/tflm_text.h"
#include "tensorflow/lite/micro/debug_log.h"

namespace {

constexpr size_t kWords = 160;

}  // namespace

char edgeq_tflm_words[kWords];

void edgeq_tflm_forget_words(void) {
  edgeq_tflm_words[0] = '\0';
}

#ifndef TF_LITE_STRIP_ERROR_STRINGS
namespace {

constexpr char kHalted[] = "HALTED"; /* what the library prints before it stops for ever */

bool begins_with(const char *text, const char *what) {
  while (*what != '\0')
    if (*text++ != *what++) return false;
  return true;
}

}  // namespace

extern "C" void DebugLog(const char *format, va_list args) {
  char line[kWords];
  (void)edgeq_tflm_text(line, sizeof line).format(format, args);
  if (line[0] == '\r' || line[0] == '\n' || line[0] == '\0') return;
  size_t i = 0;
  for (; line[i] != '\0' && line[i] != '\r' && line[i] != '\n'; i++) edgeq_tflm_words[i] = line[i];
  edgeq_tflm_words[i] = '\0';
  if (begins_with(edgeq_tflm_words, kHalted)) abort();
}

extern "C" int DebugVsnprintf(char *buffer, size_t buf_size, const char *format, va_list vlist) {
  return static_cast<int>(edgeq_tflm_text(buffer, buf_size).format(format, vlist));
}
#endif
