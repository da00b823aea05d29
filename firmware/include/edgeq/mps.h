/* What differs between Arm's MPS2 and MPS3 FPGA images; boards/common/mps.c does the rest. */
#ifndef EDGEQ_MPS_H
#define EDGEQ_MPS_H

#include <stdint.h>

typedef struct edgeq_mps_map {
  uint32_t uart;        /* base of the CMSDK APB UART */
  uint32_t uart_hz;     /* the clock of the peripherals: not the CPU's on every image */
  uint32_t uart_rx_irq; /* its receive interrupt, as the NVIC counts */
  uint32_t counter;     /* the COUNTER register of the FPGA's system registers: up, at the CPU's clock */
} edgeq_mps_map;

extern const edgeq_mps_map edgeq_mps;

/* What an emulator has received: `count` bytes, `taken` of them read. */
typedef struct edgeq_mps_received_bytes {
  volatile uint32_t count;
  volatile uint32_t taken;
  volatile uint8_t bytes[256];
} edgeq_mps_received_bytes;

extern edgeq_mps_received_bytes edgeq_mps_received;

#endif
