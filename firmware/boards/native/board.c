/* A board that is a POSIX process. Its UART is a pseudo-terminal, whose name it prints on stdout at the
 * start.
 *
 * It ends when its stdin is closed: whoever started it holds the other end, and takes it along when it dies.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "edgeq/board.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "edgeq/runtime.h"

const char edgeq_board_name[] = "native";
uint32_t edgeq_board_clock_hz = 0;
edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_NONE;
uint32_t edgeq_board_ticks_hz = 0;

/* Hands the pseudo-terminal over a reset, so that the host keeps its connection. */
#define EDGEQ_INHERITED "EDGEQ_NATIVE_PTY"

#define EDGEQ_SETTLING_MS 20

static int edgeq_pty = -1;
static uint8_t edgeq_rx[4096];
static size_t edgeq_rx_at, edgeq_rx_end;
static uint8_t edgeq_tx[4096];
static size_t edgeq_tx_end;

static void edgeq_give_up(const char *what) {
  perror(what);
  exit(3);
}

static speed_t edgeq_speed(uint32_t baud) {
  switch (baud) {
    case 230400u:
      return B230400;
    case 460800u:
      return B460800;
    case 921600u:
      return B921600;
    default:
      return B115200;
  }
}

/* A pseudo-terminal's speed slows nothing down, but a proxy that plays a line looks at it. */
static void edgeq_set_speed(uint32_t baud) {
  struct termios mode;
  if (tcgetattr(edgeq_pty, &mode) != 0 || cfsetispeed(&mode, edgeq_speed(baud)) != 0 ||
      cfsetospeed(&mode, edgeq_speed(baud)) != 0 || tcsetattr(edgeq_pty, TCSANOW, &mode) != 0) {
    edgeq_give_up("pseudo-terminal");
  }
}

static void edgeq_open_pty(void) {
  edgeq_pty = posix_openpt(O_RDWR | O_NOCTTY);
  if (edgeq_pty < 0 || grantpt(edgeq_pty) != 0 || unlockpt(edgeq_pty) != 0) edgeq_give_up("pseudo-terminal");
  const char *name = ptsname(edgeq_pty);
  if (name == NULL) edgeq_give_up("pseudo-terminal");
  /* The other end stays open here too: otherwise reading fails whenever no host is connected. */
  const int slave = open(name, O_RDWR | O_NOCTTY);
  struct termios mode;
  if (slave < 0 || tcgetattr(slave, &mode) != 0) edgeq_give_up(name);
  cfmakeraw(&mode);
  if (tcsetattr(slave, TCSANOW, &mode) != 0 || fcntl(edgeq_pty, F_SETFL, O_NONBLOCK) != 0)
    edgeq_give_up(name);
  printf("%s\n", name);
  if (fflush(stdout) != 0) edgeq_give_up("stdout");
}

void edgeq_board_init(void) {
  const char *inherited = getenv(EDGEQ_INHERITED);
  if (inherited != NULL) {
    edgeq_pty = atoi(inherited);
  } else {
    edgeq_open_pty();
  }
  edgeq_set_speed(EDGEQ_BOARD_BAUD);
}

/* Waits until the pseudo-terminal is ready for `events`; ends the process when stdin is closed. */
static void edgeq_await(short events) {
  struct pollfd watched[2] = {{edgeq_pty, events, 0}, {STDIN_FILENO, POLLIN, 0}};
  if (poll(watched, 2, -1) < 0 && errno != EINTR) edgeq_give_up("poll");
  uint8_t ignored[64];
  if (watched[1].revents != 0 && read(STDIN_FILENO, ignored, sizeof ignored) <= 0) exit(0);
}

static void edgeq_flush(void) {
  size_t at = 0;
  while (at < edgeq_tx_end) {
    const ssize_t written = write(edgeq_pty, edgeq_tx + at, edgeq_tx_end - at);
    if (written > 0) {
      at += (size_t)written;
    } else if (errno == EAGAIN || errno == EINTR) {
      edgeq_await(POLLOUT);
    } else {
      edgeq_give_up("pseudo-terminal");
    }
  }
  edgeq_tx_end = 0;
}

/* The operating system keeps what arrives, and lets the host wait when it is more. */
uint32_t edgeq_board_rx_window(void) {
  return sizeof edgeq_rx;
}

uint32_t edgeq_board_max_baud(void) {
  return 921600u;
}

/* A pseudo-terminal does not tell whether the other side has read everything: it is given the time for it. */
void edgeq_board_set_baud(uint32_t baud) {
  edgeq_flush();
  (void)poll(NULL, 0, EDGEQ_SETTLING_MS);
  edgeq_set_speed(baud);
}

int edgeq_board_read(void) {
  if (edgeq_rx_at == edgeq_rx_end) {
    edgeq_flush();
    const ssize_t got = read(edgeq_pty, edgeq_rx, sizeof edgeq_rx);
    if (got <= 0) return -1;
    edgeq_rx_at = 0;
    edgeq_rx_end = (size_t)got;
  }
  return edgeq_rx[edgeq_rx_at++];
}

uint32_t edgeq_board_read_many(uint8_t *to, uint32_t room) {
  const int byte = room > 0u ? edgeq_board_read() : -1;
  if (byte < 0) return 0;
  const size_t there = edgeq_rx_end - edgeq_rx_at;
  const size_t more = there < room - 1u ? there : room - 1u;
  to[0] = (uint8_t)byte;
  memcpy(to + 1, edgeq_rx + edgeq_rx_at, more);
  edgeq_rx_at += more;
  return 1u + (uint32_t)more;
}

void edgeq_board_wait(void) {
  edgeq_flush();
  edgeq_await(POLLIN);
}

/* Bytes are collected up to a delimiter, which ends a frame: a system call for each would be slow. */
void edgeq_board_write(uint8_t byte) {
  edgeq_tx[edgeq_tx_end++] = byte;
  if ((byte == 0u && edgeq_tx_end > 1u) || edgeq_tx_end == sizeof edgeq_tx) edgeq_flush();
}

uint32_t edgeq_board_ticks(void) {
  return 0;
}

/* The process starts itself anew on the same pseudo-terminal: all variables are as after a start. */
void edgeq_board_reset(void) {
  char number[16];
  edgeq_flush();
  (void)snprintf(number, sizeof number, "%d", edgeq_pty);
  if (setenv(EDGEQ_INHERITED, number, 1) == 0) execl("/proc/self/exe", edgeq_board_name, (char *)NULL);
  edgeq_give_up("restart");
}

/* The operating system's stack is not ours to measure. */
uint32_t edgeq_stack_high_water(void) {
  return 0;
}
