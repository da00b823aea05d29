#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4 */
#endif
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "say.h"

namespace edgeq {
namespace {

/* A host that has not acknowledged anything for so long is gone: 15 s + 3 · 5 s. */
constexpr int kIdleSeconds = 15;
constexpr int kProbeSeconds = 5;
constexpr int kProbes = 3;

union Address {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

/* The address's bytes; 0 if the text is none. */
socklen_t parse_address(const char *text, Address *to) {
  memset(to, 0, sizeof *to);
  const char *colon = strrchr(text, ':');
  if (colon == nullptr) return 0;
  char *end = nullptr;
  const unsigned long port = strtoul(colon + 1, &end, 10);
  if (colon[1] < '0' || colon[1] > '9' || *end != '\0' || port > 65535) return 0;
  char host[64];
  size_t length = static_cast<size_t>(colon - text);
  const bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
  if (bracketed) {
    text++;
    length -= 2;
  }
  if (length >= sizeof host) return 0;
  memcpy(host, text, length);
  host[length] = '\0';
  if (bracketed) {
    to->v6.sin6_family = AF_INET6;
    to->v6.sin6_port = htons(static_cast<uint16_t>(port));
    return inet_pton(AF_INET6, host, &to->v6.sin6_addr) == 1 ? sizeof to->v6 : 0;
  }
  to->v4.sin_family = AF_INET;
  to->v4.sin_port = htons(static_cast<uint16_t>(port));
  return inet_pton(AF_INET, host, &to->v4.sin_addr) == 1 ? sizeof to->v4 : 0;
}

void set_option(int socket, int level, int name, int value) {
  (void)setsockopt(socket, level, name, &value, sizeof value);
}

}  // namespace

int listen_on(const char *address, int waiting) {
  Address where;
  const socklen_t bytes = parse_address(address, &where);
  if (bytes == 0) {
    say("--tcp is a numeric address and a port, like 127.0.0.1:7777 or [::1]:7777, not %s.", address);
    return -1;
  }
  const int listener = socket(where.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener >= 0) set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
  if (listener < 0 || bind(listener, &where.any, bytes) != 0 || listen(listener, waiting) != 0) {
    say("%s cannot be listened at: %s.", address, strerror(errno));
    if (listener >= 0) (void)close(listener);
    return -1;
  }
  return listener;
}

int accept_from(int listener) {
  const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection < 0) return -1;
  set_option(connection, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(connection, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(connection, IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds);
  set_option(connection, IPPROTO_TCP, TCP_KEEPINTVL, kProbeSeconds);
  set_option(connection, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
  return connection;
}

bool describe_address(int listener, char *to, size_t room) {
  Address where;
  socklen_t bytes = sizeof where;
  char host[INET6_ADDRSTRLEN] = "";
  if (getsockname(listener, &where.any, &bytes) != 0) {
    say("the port is not known: %s.", strerror(errno));
    return false;
  }
  if (where.any.sa_family == AF_INET6) {
    (void)inet_ntop(AF_INET6, &where.v6.sin6_addr, host, sizeof host);
    (void)snprintf(to, room, "socket://[%s]:%u", host, static_cast<unsigned>(ntohs(where.v6.sin6_port)));
  } else {
    (void)inet_ntop(AF_INET, &where.v4.sin_addr, host, sizeof host);
    (void)snprintf(to, room, "socket://%s:%u", host, static_cast<unsigned>(ntohs(where.v4.sin_port)));
  }
  return true;
}

}  // namespace edgeq
