#include "board.h"

#include "clock.h"
#include "cpus.h"
#include "edgeq/board.h"
#include "edgeq/runtime.h"
#include "engine.h"
#include "ticks.h"

#if defined(__ANDROID__)
#define EDGEQ_SYSTEM "android"
#else
#define EDGEQ_SYSTEM "linux"
#endif

#if defined(__aarch64__)
#define EDGEQ_MACHINE "arm64"
#elif defined(__x86_64__)
#define EDGEQ_MACHINE "x86_64"
#else
#define EDGEQ_MACHINE "other"
#endif

const char edgeq_board_name[] = EDGEQ_SYSTEM "-" EDGEQ_MACHINE;
uint32_t edgeq_board_clock_hz = 0;
uint32_t edgeq_board_ticks_hz = 1000000u;
edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_TIMER;

namespace edgeq {
namespace {

constexpr uint32_t kTtyWindow = 4096; /* what a Linux tty keeps */
constexpr uint32_t kTcpWindow = 32768;

Line *g_line = nullptr;
Ticks g_ticks;
bool g_restart = false;

}  // namespace

void use_line(Line *line) {
  g_line = line;
}

void choose_ticks(uint64_t expected_nanoseconds) {
  g_ticks.choose(expected_nanoseconds);
  edgeq_board_ticks_hz = g_ticks.hz();
}

void stop_ticks() {
  edgeq_board_ticks_kind = EDGEQ_TICKS_NONE;
  edgeq_board_ticks_hz = edgeq_board_clock_hz = 0;
}

bool take_restart() {
  const bool before = g_restart;
  g_restart = false;
  return before;
}

}  // namespace edgeq

void edgeq_board_init(void) {
  edgeq_board_clock_hz = edgeq::fastest_clock_hz();
}

uint32_t edgeq_board_ticks(void) {
  if (edgeq_board_ticks_kind == EDGEQ_TICKS_NONE) return 0;
  return edgeq::g_ticks.at(edgeq::nanoseconds());
}

uint32_t edgeq_board_rx_window(void) {
  return edgeq::g_line->is_tty() ? edgeq::kTtyWindow : edgeq::kTcpWindow;
}

uint32_t edgeq_board_max_baud(void) {
  return edgeq::g_line->is_tty() ? 921600u : 0u;
}

void edgeq_board_set_baud(uint32_t baud) {
  edgeq::g_line->set_baud(baud);
}

int edgeq_board_read(void) {
  return edgeq::g_line->read();
}

void edgeq_board_wait(void) {
  edgeq::g_line->wait();
}

void edgeq_board_write(uint8_t byte) {
  edgeq::g_line->write(byte);
}

/* Returns, unlike a board's: the loop in main.cpp starts anew as soon as the link has returned to it. */
void edgeq_board_reset(void) {
  edgeq::g_line->flush();
  edgeq::g_restart = true;
}

bool edgeq_board_profile(const void **rows, uint32_t *bytes) {
  return edgeq::profile_engine(rows, bytes) == EDGEQ_OK;
}

/* The operating system's stack is not ours to measure. */
uint32_t edgeq_stack_high_water(void) {
  return 0;
}
