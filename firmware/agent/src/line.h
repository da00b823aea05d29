/* The line to the host: a TCP port that serves one connection after the other, or a serial tty. */
#ifndef EDGEQ_AGENT_LINE_H
#define EDGEQ_AGENT_LINE_H

#include <stddef.h>
#include <stdint.h>

namespace edgeq {

class Line {
 public:
  Line() = default;
  Line(const Line &) = delete;
  Line &operator=(const Line &) = delete;
  ~Line();

  /* Listens at an address like 127.0.0.1:0 or [::1]:7777, and prints "socket://ADDRESS:PORT" on stdout. Says
   * on stderr what is wrong, and returns false. */
  bool listen_at(const char *address);

  /* Opens a tty at its first speed, and prints its path on stdout. Likewise. */
  bool open_tty(const char *path);

  /* Whether closing stdin ends the line. */
  void end_with_stdin(bool on) { watches_stdin_ = on; }
  /* How long a host may ask nothing while another one waits; then it is the other one's turn. */
  void give_way_after(uint32_t seconds) { idle_milliseconds_ = static_cast<int>(seconds * 1000); }
  /* The host has asked something. Bytes that are no request do not count. */
  void heard();
  bool ended() const { return ended_; }

  /* The next received byte, or -1 if none is there yet. Never waits. */
  int read();

  /* The received bytes that are there, but none behind the end of a frame; 0: none are there yet. They are
   * valid until this or read() is called again. Never waits. */
  size_t take(const uint8_t **bytes);

  /* Waits until something has arrived, another host has connected or its turn has come, or the line has
   * ended. */
  void wait();

  /* Sends a byte. It is kept until its frame is whole. What a host does not take is dropped. */
  void write(uint8_t byte);
  void flush();

  bool is_tty() const { return tty_ >= 0; }
  void set_baud(uint32_t baud);

  /* Whether a connection has ended since this was asked last: a frame that had begun will not go on. */
  bool take_disconnected();

 private:
  static constexpr size_t kRoom = 65536;

  bool has_received();
  int peer() const { return tty_ >= 0 ? tty_ : connection_; }
  void accept_next();
  void disconnect();
  int patience() const;
  bool is_wanted() const;
  bool await(short events, int milliseconds, bool others = false);

  int listener_ = -1;
  int connection_ = -1;
  int tty_ = -1;
  int idle_milliseconds_ = -1; /* for ever */
  uint64_t heard_at_ = 0;      /* nanoseconds */
  bool has_arrived_ = false;   /* what has is read before another host's turn comes */
  bool watches_stdin_ = false;
  bool ended_ = false;
  bool disconnected_ = false;
  size_t received_at_ = 0, received_end_ = 0, sent_end_ = 0;
  uint8_t received_[kRoom];
  uint8_t sent_[kRoom];
};

}  // namespace edgeq

#endif
