#include "say.h"

#include <stdarg.h>
#include <stdio.h>

namespace edgeq {

void say(const char *format, ...) {
  va_list values;
  va_start(values, format);
  (void)fputs("edgeq-agent: ", stderr);
  (void)vfprintf(stderr, format, values);
  (void)fputc('\n', stderr);
  va_end(values);
}

}  // namespace edgeq
