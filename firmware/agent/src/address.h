/* TCP addresses: numbers only, no look-up of names. */
#ifndef EDGEQ_AGENT_ADDRESS_H
#define EDGEQ_AGENT_ADDRESS_H

#include <stddef.h>

namespace edgeq {

constexpr size_t kAddressText = 80;

/* A listening socket at an address like 127.0.0.1:0 or [::1]:7777, where `waiting` connections may wait. Says
 * on stderr what is wrong, and returns -1. */
int listen_on(const char *address, int waiting);

/* The next connection, which never blocks, and ends when its other side is silently gone; -1 if there is
 * none. */
int accept_from(int listener);

/* "socket://ADDRESS:PORT" of a listening socket. Likewise with false. */
bool describe_address(int listener, char *to, size_t room);

}  // namespace edgeq

#endif
