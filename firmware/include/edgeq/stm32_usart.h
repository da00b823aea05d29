/* An STM32's USART or LPUART; boards/common/stm32_usart.c makes the line of edgeq/board.h of it. */
#ifndef EDGEQ_STM32_USART_H
#define EDGEQ_STM32_USART_H

#include <stdint.h>

/* Addresses of the registers that it needs. The status is SR of older series (RM0090, 30.6), ISR of newer
 * ones (RM0410, 34.8), with the same bits; what else differs between them are values. */
typedef struct edgeq_stm32_usart_map {
  uint32_t status, receive, transmit;
  uint32_t control_1, control_3, divisor; /* CR1, CR3, BRR */
  uint32_t control_1_enable;              /* the bit UE of CR1 */
  uint32_t control_3_value;
  uint32_t divisor_scale; /* of BRR: 1, or 256 of an LPUART */
  uint32_t irq;           /* as the NVIC counts */
} edgeq_stm32_usart_map;

extern const edgeq_stm32_usart_map edgeq_stm32_usart;

/* Bit of CR3 in newer ones: an overrun loses a byte, and does not stop the receiver. */
#define EDGEQ_STM32_CR3_OVRDIS (1u << 12)

/* The registers of newer ones at `base`; `scale` is divisor_scale. */
#define EDGEQ_STM32_USART_V2(base, scale, number) \
  {.status = (base) + 0x1Cu,                      \
   .receive = (base) + 0x24u,                     \
   .transmit = (base) + 0x28u,                    \
   .control_1 = (base),                           \
   .control_3 = (base) + 0x08u,                   \
   .divisor = (base) + 0x0Cu,                     \
   .control_1_enable = 1u,                        \
   .control_3_value = EDGEQ_STM32_CR3_OVRDIS,     \
   .divisor_scale = (scale),                      \
   .irq = (number)}

/* Turns it on, at EDGEQ_BOARD_BAUD, when its clock of `hz` and its pins are on; then the interrupt. */
void edgeq_stm32_usart_start(uint32_t hz);

#endif
