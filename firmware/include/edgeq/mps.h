/* What differs between Arm's MPS2 and MPS3 FPGA images; boards/common/mps.c does the rest. */
#ifndef EDGEQ_MPS_H
#define EDGEQ_MPS_H

#include <stdint.h>

typedef struct edgeq_mps_map {
  uint32_t uart;        /* base of the CMSDK APB UART */
  uint32_t uart_rx_irq; /* its receive interrupt, as the NVIC counts */
  uint32_t counter;     /* the COUNTER register of the FPGA's system registers: up, at the CPU's clock */
} edgeq_mps_map;

extern const edgeq_mps_map edgeq_mps;

#endif
