/* edgeq/tflm_text.h against the C library's snprintf, on random formats and values. Argument: a seed. */
#include "edgeq/tflm_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace {

uint64_t state;

uint32_t draw(uint32_t below) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<uint32_t>(state >> 33) % below;
}

int ours(char *to, size_t room, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const size_t length = edgeq_tflm_text(to, room).format(format, args);
  va_end(args);
  return static_cast<int>(length);
}

[[noreturn]] void differ(const char *format, const char *own, const char *libc) {
  fprintf(stderr, "format \"%s\": \"%s\" instead of \"%s\"\n", format, own, libc);
  exit(1);
}

char text[256]; /* the format */
size_t length;

void add(const char *piece) {
  const size_t count = strlen(piece);
  memcpy(text + length, piece, count + 1);
  length += count;
}

void add(char c) {
  const char piece[2] = {c, '\0'};
  add(piece);
}

uint64_t value() {
  const uint64_t bits = (static_cast<uint64_t>(draw(1u << 31)) << 33) ^
                        (static_cast<uint64_t>(draw(1u << 31)) << 8) ^ draw(256);
  return draw(4) == 0 ? draw(3) : bits >> draw(64);
}

template <class... A>
void compare(A... arguments) {
  char libc[700];
  const int expected = snprintf(libc, sizeof libc, text, arguments...);
  const size_t room = draw(3) == 0 ? draw(40) : sizeof libc;
  char *const own = static_cast<char *>(malloc(room));
  const int found = ours(own, room, text, arguments...);
  if (room > 0 && static_cast<size_t>(expected) >= room) libc[room - 1] = '\0';
  if (found != expected || (room > 0 && strcmp(own, libc) != 0)) differ(text, room > 0 ? own : "", libc);
  free(own);
}

void words() {
  for (uint32_t i = draw(4); i > 0; i--) add("abc xyz 0.9*-"[draw(13)]);
  if (draw(8) == 0) add("%%");
}

void add_number(uint32_t below) {
  char digits[12];
  snprintf(digits, sizeof digits, "%u", static_cast<unsigned>(draw(below)));
  add(digits);
}

int star() {
  return static_cast<int>(draw(40)) - 10;
}

/* Kinds of conversions, by what they take. */
enum Kind { kInt, kLong, kLongLong, kSize, kWords, kCharacter, kPointer, kKinds };

template <int kDepth, class... A>
void finish(Kind kind, A... before);

template <int kDepth, class... A>
void conversions(A... before) {
  words();
  if constexpr (kDepth == 0) {
    compare(before...);
  } else {
    const Kind kind = static_cast<Kind>(draw(kKinds));
    add('%');
    for (uint32_t i = draw(3); i > 0; i--) add(kind <= kSize ? "-0+ "[draw(4)] : '-');
    const bool precise = kind != kCharacter && kind != kPointer && draw(2) == 0;
    if constexpr (kDepth == 2) {
      if (draw(3) == 0) {
        add('*');
        if (precise && draw(2) == 0) {
          add(".*");
          const int width = star();
          finish<kDepth>(kind, before..., width, star());
          return;
        }
        if (precise) add('.');
        finish<kDepth>(kind, before..., star());
        return;
      }
    }
    if (draw(2) == 0) add_number(30);
    if (precise) {
      add('.');
      if (draw(3) != 0) add_number(30);
    }
    finish<kDepth>(kind, before...);
  }
}

template <int kDepth, class... A>
void finish(Kind kind, A... before) {
  static const char *const shorts[] = {"", "h", "hh"}, *const sizes[] = {"z", "j", "t"};
  static const char *const texts[] = {"", "tensor", "Failed to resize buffer", "%d"};
  const bool number = kind <= kSize;
  if (number)
    add(kind == kInt ? shorts[draw(3)] : kind == kLong ? "l" : kind == kLongLong ? "ll" : sizes[draw(3)]);
  if (number) add("diuxXo"[draw(6)]);
  switch (kind) {
    case kInt:
      return conversions<kDepth - 1>(before..., static_cast<int>(value()));
    case kLong:
      return conversions<kDepth - 1>(before..., static_cast<long>(value()));
    case kLongLong:
      return conversions<kDepth - 1>(before..., static_cast<long long>(value()));
    case kSize:
      return conversions<kDepth - 1>(before..., static_cast<size_t>(value()));
    case kWords:
      add('s');
      return conversions<kDepth - 1>(before..., texts[draw(4)]);
    case kCharacter:
      add('c');
      return conversions<kDepth - 1>(before..., static_cast<int>('a' + draw(26)));
    default:
      add('p');
      return conversions<kDepth - 1>(before...,
                                     reinterpret_cast<const void *>(static_cast<uintptr_t>(value() | 1u)));
  }
}

/* What C leaves open, and what is only like snprintf's. */
void expect(const char *expected, const char *own) {
  if (strcmp(expected, own) != 0) differ("(fixed)", own, expected);
}

void fixed() {
  char own[64];
  const char *const null = nullptr;
  const char unterminated[] = {'a', 'b', 'c'};
  ours(own, sizeof own, "%y %d %", 5);
  expect("%y 5 %", own);
  ours(own, sizeof own, "%-5 ?%ld%%%s", 7l, "x");
  expect("%-5 ?7%x", own);
  ours(own, sizeof own, "%s|%.3s|%n%d", null, unterminated, own, 3);
  expect("(null)|abc|3", own);
  ours(own, sizeof own, "%f|%.0f|%e|%d", 1.0, 2.5000001, 0.5, 4);
  expect("1.000000|3|0.500000|4", own);
  ours(own, sizeof own, "%+f|%7g|%-6f|", 1e300, static_cast<double>(NAN), -static_cast<double>(INFINITY));
  expect("+huge|    nan|-huge |", own);
  if (ours(own, sizeof own, "%2000000000d", 1) != 9999) differ("%2000000000d", own, "9999 characters");
  if (ours(nullptr, 0, "%s", "four") != 4) differ("%s", "", "4 characters and no room");
  for (int i = 0; i < 4000; i++) {
    char libc[64], format[16];
    snprintf(format, sizeof format, "%%%s%u.%uf",
             draw(2) == 0   ? "-"
             : draw(2) == 0 ? "0"
                            : "+",
             draw(20), draw(7));
    const double real = (static_cast<double>(draw(1u << 30)) - (1 << 29)) / (1 << draw(20)) + 1e-9;
    snprintf(libc, sizeof libc, format, real);
    ours(own, sizeof own, format, real);
    if (strlen(own) != strlen(libc) ||
        fabs(atof(own) - atof(libc)) > pow(10, -(format[strlen(format) - 2] - '0')) * 1.001)
      differ(format, own, libc);
  }
}

/* Formats of nonsense: whatever they are, nothing is written outside. */
void nonsense() {
  static const char letters[] = "%%%%%diuxXocpnfegaqy*.-+0 #hlzjt59";
  length = 0;
  text[0] = '\0';
  for (uint32_t i = draw(24); i > 0; i--) add(letters[draw(sizeof letters - 1)]);
  const size_t room = draw(30);
  char *const own = static_cast<char *>(malloc(room));
  (void)ours(own, room, text, 1l, 2l, 3l, 4l, 5l, 6l, 7l, 8l, 9l, 10l, 11l, 12l, 13l, 14l, 15l, 16l, 17l, 18l,
             19l, 20l, 21l, 22l, 23l, 24l);
  free(own);
}

}  // namespace

int main(int count, char **arguments) {
  state = count > 1 ? strtoull(arguments[1], nullptr, 10) : 1;
  fixed();
  for (int i = 0; i < 200000; i++) {
    length = 0;
    text[0] = '\0';
    conversions<2>();
    if (i % 4 == 0) nonsense();
  }
  return 0;
}
