#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "address.h"
#include "clock.h"
#include "say.h"

namespace edgeq {
namespace {

constexpr int kSendMilliseconds = 30000; /* after which a host that reads nothing is gone */
constexpr int kWaiting = 16;             /* hosts that may wait for their turn */

speed_t speed_of(uint32_t baud) {
  switch (baud) {
    case 230400:
      return B230400;
    case 460800:
      return B460800;
    case 921600:
      return B921600;
    default:
      return B115200;
  }
}

bool set_speed(int tty, uint32_t baud) {
  termios mode = {};
  if (tcgetattr(tty, &mode) != 0) return false;
  cfmakeraw(&mode);
  mode.c_cflag |= static_cast<tcflag_t>(CLOCAL | CREAD);
  return cfsetispeed(&mode, speed_of(baud)) == 0 && cfsetospeed(&mode, speed_of(baud)) == 0 &&
         tcsetattr(tty, TCSADRAIN, &mode) == 0;
}

bool announce(const char *url) {
  return printf("%s\n", url) > 0 && fflush(stdout) == 0;
}

}  // namespace

Line::~Line() {
  disconnect();
  if (listener_ >= 0) (void)close(listener_);
  if (tty_ >= 0) (void)close(tty_);
}

bool Line::listen_at(const char *address) {
  listener_ = listen_on(address, kWaiting);
  if (listener_ < 0) return false;
  char url[kAddressText];
  return describe_address(listener_, url, sizeof url) && announce(url);
}

bool Line::open_tty(const char *path) {
  tty_ = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (tty_ < 0 || !set_speed(tty_, 115200)) {
    say("%s: %s.", path, errno == ENOTTY ? "no serial line" : strerror(errno));
    return false;
  }
  (void)tcflush(tty_, TCIOFLUSH);
  return announce(path);
}

void Line::set_baud(uint32_t baud) {
  flush();
  if (tty_ >= 0 && !set_speed(tty_, baud)) say("the line does not take %u baud: %s.", baud, strerror(errno));
}

int Line::read() {
  return has_received() ? received_[received_at_++] : -1;
}

size_t Line::take(const uint8_t **bytes) {
  if (!has_received()) return 0;
  const size_t there = received_end_ - received_at_;
  *bytes = received_ + received_at_;
  const void *const delimiter = memchr(*bytes, 0, there);
  const size_t count = delimiter == nullptr
                           ? there
                           : static_cast<size_t>(static_cast<const uint8_t *>(delimiter) - *bytes) + 1;
  received_at_ += count;
  return count;
}

bool Line::has_received() {
  if (received_at_ != received_end_) return true;
  flush();
  if (peer() < 0) return false;
  if (!has_arrived_ && patience() == 0 && is_wanted()) {
    disconnect();
    return false;
  }
  has_arrived_ = false;
  const ssize_t got = ::read(peer(), received_, sizeof received_);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got <= 0) {
    disconnect();
    return false;
  }
  received_at_ = 0;
  received_end_ = static_cast<size_t>(got);
  return true;
}

void Line::wait() {
  flush();
  const int left = patience();
  if (left == 0) {
    (void)await(POLLIN, -1, true);
  } else {
    (void)await(POLLIN, left);
  }
}

void Line::heard() {
  heard_at_ = nanoseconds();
}

/* Milliseconds until the host must make room for one that waits; -1: for ever. */
int Line::patience() const {
  if (connection_ < 0 || idle_milliseconds_ < 0) return -1;
  const uint64_t silent = (nanoseconds() - heard_at_) / 1000000u;
  const uint64_t allowed = static_cast<uint64_t>(idle_milliseconds_);
  return silent < allowed ? static_cast<int>(allowed - silent) : 0;
}

/* Whether another host waits. */
bool Line::is_wanted() const {
  pollfd waiting = {listener_, POLLIN, 0};
  return poll(&waiting, 1, 0) > 0;
}

void Line::write(uint8_t byte) {
  if (sent_end_ == sizeof sent_) flush();
  sent_[sent_end_++] = byte;
  if (byte == 0 && sent_end_ > 1) flush();
}

void Line::flush() {
  size_t at = 0;
  while (at < sent_end_ && peer() >= 0) {
    const ssize_t taken = connection_ >= 0 ? send(connection_, sent_ + at, sent_end_ - at, MSG_NOSIGNAL)
                                           : ::write(tty_, sent_ + at, sent_end_ - at);
    if (taken > 0) {
      at += static_cast<size_t>(taken);
    } else if (taken < 0 && errno == EINTR) {
      continue;
    } else if (taken >= 0 || errno != EAGAIN || !await(POLLOUT, kSendMilliseconds)) {
      disconnect();
    }
  }
  sent_end_ = 0;
}

/* Waits for `events` of the host's side, or a new host where there is none; with `others`, for one beside it,
 * too. False if time runs out or the line ends. */
bool Line::await(short events, int milliseconds, bool others) {
  pollfd watched[3] = {{peer() >= 0 ? peer() : listener_, events, 0},
                       {watches_stdin_ ? STDIN_FILENO : -1, POLLIN, 0},
                       {others ? listener_ : -1, POLLIN, 0}};
  const int ready = poll(watched, 3, milliseconds);
  if (ready < 0) return errno == EINTR;
  char ignored[256];
  if (watched[1].revents != 0 && ::read(STDIN_FILENO, ignored, sizeof ignored) <= 0) {
    ended_ = true;
    return false;
  }
  if (peer() < 0) {
    if (watched[0].revents != 0) accept_next();
  } else {
    has_arrived_ = (watched[0].revents & POLLIN) != 0;
  }
  return ready > 0;
}

void Line::accept_next() {
  const int connection = accept_from(listener_);
  if (connection < 0) return;
  connection_ = connection;
  has_arrived_ = false;
  heard();
  received_at_ = received_end_ = 0;
}

void Line::disconnect() {
  if (tty_ >= 0) {
    ended_ = true; /* the adapter was pulled out */
    return;
  }
  if (connection_ >= 0) (void)close(connection_);
  connection_ = -1;
  disconnected_ = true;
  received_at_ = received_end_ = sent_end_ = 0;
}

bool Line::take_disconnected() {
  const bool before = disconnected_;
  disconnected_ = false;
  return before;
}

}  // namespace edgeq
