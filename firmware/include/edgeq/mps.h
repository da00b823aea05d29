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

/* An emulator for which a register is costly moves bytes in pieces: it reads and writes this when the UART's
 * DATA is read or written. On hardware, and in QEMU, `given` and `collects` stay 0. The model may write
 * anywhere: `room` is 0 but for reads that can take more, fault handlers do not use it at all, and `collects`
 * is a word that no stray write leaves, without which nothing is given or taken. */
#define EDGEQ_MPS_COLLECTS 0x53454345u
typedef struct edgeq_mps_pieces {
  volatile uint32_t place;    /* where it may put received bytes behind the one that DATA gives, */
  volatile uint32_t room;     /* how many at most, */
  volatile uint32_t given;    /* and how many it has put there */
  volatile uint32_t collects; /* EDGEQ_MPS_COLLECTS: writing DATA sends what is in `bytes` instead */
  volatile uint32_t count;    /* bytes that are in there; the emulator takes them out */
  volatile uint8_t bytes[64];
} edgeq_mps_pieces;

extern edgeq_mps_pieces edgeq_mps_line;

#endif
