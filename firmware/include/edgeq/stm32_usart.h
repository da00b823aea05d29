/* An STM32's USART or LPUART; boards/common/stm32_usart.c makes edgeq/board.h of it. */
#ifndef EDGEQ_STM32_USART_H
#define EDGEQ_STM32_USART_H

#include <stdint.h>

/* Addresses of the three registers that a byte passes. The status is SR of older series (RM0090, 30.6), ISR
 * of newer ones (RM0410, 34.8), with the same bits. The board's own init sets clock, pins, BRR and CR1. */
typedef struct edgeq_stm32_usart_map {
  uint32_t status, receive, transmit;
  uint32_t irq; /* as the NVIC counts */
} edgeq_stm32_usart_map;

extern const edgeq_stm32_usart_map edgeq_stm32_usart;

/* Bits of CR1 in all of them. RXNEIE makes the NVIC wake the core up. */
#define EDGEQ_STM32_CR1_RE (1u << 2)
#define EDGEQ_STM32_CR1_TE (1u << 3)
#define EDGEQ_STM32_CR1_RXNEIE (1u << 5)

#endif
