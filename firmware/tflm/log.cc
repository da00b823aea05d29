/* What TensorFlow Lite Micro prints: the last message is kept, to be asked for over the link. Takes the place
 * of the library's own debug_log, and of the C library's printf in it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "edgeq/tflm.h"
#include "tensorflow/lite/micro/debug_log.h"

namespace {

constexpr size_t kWords = 160;
constexpr char kHalted[] = "HALTED"; /* what the library prints before it stops for ever */

/* A bounded text. */
struct Text {
  char *to;
  size_t room; /* with the terminating zero */
  size_t length;

  void put(char c) {
    if (length + 1u < room) to[length] = c;
    length++;
  }

  void put(const char *text) {
    while (*text != '\0') put(*text++);
  }

  void put_number(unsigned long value, unsigned base) {
    char digits[20];
    size_t count = 0;
    do digits[count++] = "0123456789abcdef"[value % base];
    while ((value /= base) != 0u);
    while (count > 0u) put(digits[--count]);
  }

  void put_signed(long value) {
    if (value < 0) put('-');
    put_number(value < 0 ? 0ul - static_cast<unsigned long>(value) : static_cast<unsigned long>(value), 10);
  }
};

/* %d %i %u %x %X %p %c %s %f and %%, with any flags, widths and lengths, which are ignored; of a real number
 * its whole part. */
size_t format_text(char *to, size_t room, const char *format, va_list args) {
  Text text = {to, room, 0};
  for (; *format != '\0'; format++) {
    if (*format != '%') {
      text.put(*format);
      continue;
    }
    unsigned longs = 0;
    do {
      format++;
      if (*format == 'l') longs++;
    } while (*format != '\0' &&
             ((*format < 'a' && *format != 'X') || *format == 'l' || *format == 'h' || *format == 'z'));
    switch (*format) {
      case 'd':
      case 'i':
        text.put_signed(longs > 1u ? static_cast<long>(va_arg(args, long long)) : va_arg(args, long));
        break;
      case 'u':
        text.put_number(
            longs > 1u ? static_cast<unsigned long>(va_arg(args, long long)) : va_arg(args, unsigned long),
            10);
        break;
      case 'x':
      case 'X':
      case 'p':
        text.put_number(va_arg(args, unsigned long), 16);
        break;
      case 'c':
        text.put(static_cast<char>(va_arg(args, int)));
        break;
      case 's':
        text.put(va_arg(args, const char *));
        break;
      case 'f':
        text.put_signed(static_cast<long>(va_arg(args, double)));
        break;
      case '\0':
        format--;
        break;
      default:
        text.put(*format);
        break;
    }
  }
  if (room > 0u) to[text.length < room ? text.length : room - 1u] = '\0';
  return text.length;
}

bool begins_with(const char *text, const char *what) {
  while (*what != '\0')
    if (*text++ != *what++) return false;
  return true;
}

}  // namespace

static_assert(sizeof(int) == sizeof(long), "of another size than format_text takes them");

char edgeq_tflm_words[kWords];

void edgeq_tflm_forget_words(void) {
  edgeq_tflm_words[0] = '\0';
}

#ifndef TF_LITE_STRIP_ERROR_STRINGS
extern "C" void DebugLog(const char *format, va_list args) {
  char line[kWords];
  (void)format_text(line, sizeof line, format, args);
  if (line[0] == '\r' || line[0] == '\n' || line[0] == '\0') return;
  size_t i = 0;
  for (; line[i] != '\0' && line[i] != '\r' && line[i] != '\n'; i++) edgeq_tflm_words[i] = line[i];
  edgeq_tflm_words[i] = '\0';
  if (begins_with(edgeq_tflm_words, kHalted)) abort();
}

extern "C" int DebugVsnprintf(char *buffer, size_t buf_size, const char *format, va_list vlist) {
  return static_cast<int>(format_text(buffer, buf_size, format, vlist));
}
#endif
