/* As much of C's printf as TensorFlow Lite Micro's messages use, without the C library. C++ only. */
#ifndef EDGEQ_TFLM_TEXT_H
#define EDGEQ_TFLM_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Writes a text into `room` bytes, as snprintf would: %d %i %u %o %x %X %c %s %p %f and %%, with flags,
 * widths, precisions (also as *) and lengths. Real numbers (any of aAeEfFgG) are written like %f, with up to
 * 6 decimals, from 2^63 on as "huge". Widths and precisions end at 9999. What is no conversion is written as
 * it stands. */
class edgeq_tflm_text {
 public:
  edgeq_tflm_text(char *to, size_t room) : to_(to), room_(room) {}

  /* The length that the whole text has; cut off where there is no room for it. */
  size_t format(const char *format, va_list args) {
    va_copy(args_, args);
    while (*format != '\0') {
      if (*format == '%') {
        format = convert(format);
      } else {
        put(*format++);
      }
    }
    va_end(args_);
    if (room_ > 0u) to_[length_ < room_ ? length_ : room_ - 1u] = '\0';
    return length_;
  }

 private:
  static constexpr uint32_t kMost = 9999;
  static constexpr uint32_t kNone = UINT32_MAX; /* no precision */
  static constexpr uint32_t kDecimals = 6;

  /* What stands between a percent sign and its letter. */
  struct Form {
    bool left, zeros, sign, blank, prefix;
    uint32_t width, precision;
    int longs; /* -2 char, -1 short, 0 int, 1 long, 2 long long, 3 size_t, 4 intmax_t, 5 ptrdiff_t */
  };

  void put(char c) { put(c, 1); }

  void put(char c, size_t count) {
    for (size_t i = length_; i + 1u < room_ && i < length_ + count; i++) to_[i] = c;
    length_ += count;
  }

  void put(const char *text, size_t count) {
    while (count-- > 0u) put(*text++);
  }

  /* A text in its width. */
  void put_padded(const Form &form, const char *text, size_t count) {
    const size_t pad = form.width > count ? form.width - count : 0u;
    if (!form.left) put(' ', pad);
    put(text, count);
    if (form.left) put(' ', pad);
  }

  /* A number in its width: sign or prefix, zeros, digits. */
  void put_number(const Form &form, const char *sign, uint64_t value, unsigned base, const char *letters) {
    char digits[24];
    size_t count = 0, signs = 0;
    for (; value != 0u; value /= base) digits[count++] = letters[value % base];
    while (sign[signs] != '\0') signs++;
    const size_t wanted = form.precision == kNone ? 1u : form.precision;
    size_t zeros = wanted > count ? wanted - count : 0u;
    if (base == 8u && form.prefix && zeros == 0u) zeros = 1;
    const size_t taken = signs + zeros + count;
    size_t pad = form.width > taken ? form.width - taken : 0u;
    if (form.zeros && !form.left && form.precision == kNone) {
      zeros += pad;
      pad = 0;
    }
    if (!form.left) put(' ', pad);
    put(sign, signs);
    put('0', zeros);
    while (count > 0u) put(digits[--count]);
    if (form.left) put(' ', pad);
  }

  static const char *sign_of(const Form &form, bool negative) {
    return negative ? "-" : form.sign ? "+" : form.blank ? " " : "";
  }

  void put_signed(const Form &form, int64_t value) {
    const uint64_t size = value < 0 ? 0u - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
    put_number(form, sign_of(form, value < 0), size, 10, kLower);
  }

  void put_real(const Form &form, double value) {
    const bool negative = value < 0;
    const double size = negative ? -value : value;
    if (!(size < 9223372036854775808.0)) {
      const char *const sign = sign_of(form, negative), *const word = size > 0 ? "huge" : "nan";
      char text[6];
      size_t count = 0;
      if (size > 0 && *sign != '\0') text[count++] = *sign;
      for (size_t i = 0; word[i] != '\0'; i++) text[count++] = word[i];
      put_padded(form, text, count);
      return;
    }
    const uint32_t decimals = form.precision < kDecimals ? form.precision : kDecimals;
    uint32_t scale = 1;
    for (uint32_t i = 0; i < decimals; i++) scale *= 10u;
    uint64_t whole = static_cast<uint64_t>(size);
    uint32_t rest = static_cast<uint32_t>((size - static_cast<double>(whole)) * scale + 0.5);
    if (rest >= scale) {
      whole++;
      rest -= scale;
    }
    Form left = form, right = form;
    left.precision = kNone;
    if (decimals > 0u) left.width = form.width > decimals + 1u ? form.width - decimals - 1u : 0u;
    left.left = right.left = false;
    const size_t before = length_;
    if (form.left) left.width = 0;
    put_number(left, sign_of(form, negative), whole, 10, kLower);
    if (decimals > 0u) {
      put('.');
      right.width = 0;
      right.precision = decimals;
      put_number(right, "", rest, 10, kLower);
    }
    const size_t taken = length_ - before;
    if (form.left && form.width > taken) put(' ', form.width - taken);
  }

  void put_words(const Form &form, const char *text) {
    if (text == nullptr) text = "(null)";
    size_t count = 0;
    while (count < form.precision && text[count] != '\0') count++;
    put_padded(form, text, count);
  }

  uint64_t unsigned_argument(int longs) {
    switch (longs) {
      case -2:
        return static_cast<unsigned char>(va_arg(args_, unsigned));
      case -1:
        return static_cast<unsigned short>(va_arg(args_, unsigned));
      case 1:
        return va_arg(args_, unsigned long);
      case 2:
        return va_arg(args_, unsigned long long);
      case 3:
        return va_arg(args_, size_t);
      case 4:
        return va_arg(args_, uintmax_t);
      case 5:
        return static_cast<size_t>(va_arg(args_, ptrdiff_t));
      default:
        return va_arg(args_, unsigned);
    }
  }

  int64_t signed_argument(int longs) {
    const uint64_t bits = unsigned_argument(longs);
    switch (longs) {
      case -2:
        return static_cast<signed char>(bits);
      case -1:
        return static_cast<short>(bits);
      case 1:
        return static_cast<long>(bits);
      case 2:
      case 4:
        return static_cast<int64_t>(bits);
      case 3:
      case 5:
        return static_cast<ptrdiff_t>(bits);
      default:
        return static_cast<int>(bits);
    }
  }

  /* A width or precision: digits, or an argument. */
  int32_t count(const char *&at) {
    int32_t value = 0;
    if (*at == '*') {
      at++;
      value = va_arg(args_, int);
    }
    for (; *at >= '0' && *at <= '9'; at++)
      if (value <= static_cast<int32_t>(kMost)) value = value * 10 + (*at - '0');
    constexpr int32_t most = static_cast<int32_t>(kMost);
    return value > most ? most : value < -most ? -most : value;
  }

  Form read_form(const char *&at) {
    Form form = {false, false, false, false, false, 0, kNone, 0};
    for (;; at++) {
      if (*at == '-') {
        form.left = true;
      } else if (*at == '0') {
        form.zeros = true;
      } else if (*at == '+') {
        form.sign = true;
      } else if (*at == ' ') {
        form.blank = true;
      } else if (*at == '#') {
        form.prefix = true;
      } else {
        break;
      }
    }
    const int32_t width = count(at);
    form.left |= width < 0;
    form.width = static_cast<uint32_t>(width < 0 ? -width : width);
    if (*at == '.') {
      const int32_t precision = count(++at);
      form.precision = precision < 0 ? kNone : static_cast<uint32_t>(precision);
    }
    for (;; at++) {
      if (*at == 'l' && form.longs < 2) {
        form.longs++;
      } else if (*at == 'h' && form.longs > -2) {
        form.longs--;
      } else if (*at == 'z') {
        form.longs = 3;
      } else if (*at == 'j') {
        form.longs = 4;
      } else if (*at == 't') {
        form.longs = 5;
      } else {
        return form;
      }
    }
  }

  /* Writes what the conversion at `percent` asks for; where the format goes on. */
  const char *convert(const char *percent) {
    const char *at = percent + 1;
    const Form form = read_form(at);
    switch (*at) {
      case 'd':
      case 'i':
        put_signed(form, signed_argument(form.longs));
        break;
      case 'u':
        put_number(form, "", unsigned_argument(form.longs), 10, kLower);
        break;
      case 'o':
        put_number(form, "", unsigned_argument(form.longs), 8, kLower);
        break;
      case 'x':
      case 'X': {
        const uint64_t value = unsigned_argument(form.longs);
        const bool upper = *at == 'X';
        put_number(form, form.prefix && value != 0u ? (upper ? "0X" : "0x") : "", value, 16,
                   upper ? kUpper : kLower);
        break;
      }
      case 'p':
        put_number(form, "0x", reinterpret_cast<uintptr_t>(va_arg(args_, void *)), 16, kLower);
        break;
      case 'c': {
        const char c = static_cast<char>(va_arg(args_, int));
        put_padded(form, &c, 1);
        break;
      }
      case 's':
        put_words(form, va_arg(args_, const char *));
        break;
      case 'a':
      case 'A':
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        put_real(form, va_arg(args_, double));
        break;
      case 'n':
        (void)va_arg(args_, void *);
        break;
      case '%':
        put('%');
        break;
      default: /* none that is known, or the end */
        put(percent, static_cast<size_t>(at - percent));
        return at;
    }
    return at + 1;
  }

  static constexpr char kLower[] = "0123456789abcdef";
  static constexpr char kUpper[] = "0123456789ABCDEF";

  char *to_;
  size_t room_; /* with the terminating zero */
  size_t length_ = 0;
  va_list args_;
};

#endif
