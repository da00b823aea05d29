/* What differs between boards with an nRF52840; boards/common/nrf52840.c does the rest. */
#ifndef EDGEQ_NRF52840_H
#define EDGEQ_NRF52840_H

#include <stdint.h>

/* A pin is 32 * port + number. */
typedef struct edgeq_nrf52840_pins {
  uint32_t tx, rx;
} edgeq_nrf52840_pins;

extern const edgeq_nrf52840_pins edgeq_nrf52840;

#endif
