/* NUCLEO-L4R5ZI: STM32L4R5ZI at 120 MHz from its 16 MHz oscillator; LPUART1 leads to the on-board debugger's
 * serial port. Registers: RM0432 (chapters 3, 5, 6, 8, 45). */
#include "edgeq/board.h"

#include "edgeq/cortexm.h"
#include "edgeq/dwt.h"
#include "edgeq/stm32_usart.h"

#define PWR_CR2 EDGEQ_REG32(0x40007004u)
#define PWR_CR2_IOSV (1u << 9)
#define PWR_CR5 EDGEQ_REG32(0x40007080u)
#define PWR_CR5_R1MODE (1u << 8)
#define RCC_CR EDGEQ_REG32(0x40021000u)
#define RCC_CFGR EDGEQ_REG32(0x40021008u)
#define RCC_PLLCFGR EDGEQ_REG32(0x4002100Cu)
#define RCC_AHB2ENR EDGEQ_REG32(0x4002104Cu)
#define RCC_APB1ENR1 EDGEQ_REG32(0x40021058u)
#define RCC_APB1ENR2 EDGEQ_REG32(0x4002105Cu)
#define FLASH_ACR EDGEQ_REG32(0x40022000u)
#define GPIOG_MODER EDGEQ_REG32(0x48001800u)
#define GPIOG_PUPDR EDGEQ_REG32(0x4800180Cu)
#define GPIOG_AFRL EDGEQ_REG32(0x48001820u)
#define GPIOG_AFRH EDGEQ_REG32(0x48001824u)
#define LPUART1 0x40008000u
#define LPUART1_CR1 EDGEQ_REG32(LPUART1)
#define LPUART1_CR3 EDGEQ_REG32(LPUART1 + 0x08u)
#define LPUART1_BRR EDGEQ_REG32(LPUART1 + 0x0Cu)
#define CR1_UE 1u
#define CR3_OVRDIS (1u << 12)

#define RCC_CR_HSION (1u << 8)
#define RCC_CR_HSIRDY (1u << 10)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
/* HSI16 / 2 = 8 MHz in, * 30 = 240 MHz, / 2 = 120 MHz out of R, which is on. */
#define PLL_120_MHZ ((1u << 24) | (30u << 8) | (1u << 4) | 2u)
#define CFGR_SW_PLL 3u
#define CFGR_SWS (3u << 2)
#define CFGR_HPRE_BY_2 (8u << 4)
#define ACR_5_WAIT_STATES 5u
#define ACR_PREFETCH_AND_CACHES (7u << 8)

#define CLOCK_HZ 120000000u
#define BAUD 115200u

const char edgeq_board_name[] = "nucleo-l4r5zi";
uint32_t edgeq_board_clock_hz = 120000000u;
uint32_t edgeq_board_ticks_hz = 120000000u;
edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_CPU;

const edgeq_stm32_usart_map edgeq_stm32_usart = {
    .status = LPUART1 + 0x1Cu, .receive = LPUART1 + 0x24u, .transmit = LPUART1 + 0x28u, .irq = 70u};

static void start_clock(void) {
  RCC_APB1ENR1 |= 1u << 28; /* PWR */
  (void)RCC_APB1ENR1;
  PWR_CR5 &= ~PWR_CR5_R1MODE; /* range 1 boost: above 80 MHz */
  RCC_CR |= RCC_CR_HSION;
  while ((RCC_CR & RCC_CR_HSIRDY) == 0u) {
  }
  RCC_PLLCFGR = PLL_120_MHZ;
  RCC_CR |= RCC_CR_PLLON;
  while ((RCC_CR & RCC_CR_PLLRDY) == 0u) {
  }
  FLASH_ACR = ACR_PREFETCH_AND_CACHES | ACR_5_WAIT_STATES;
  while ((FLASH_ACR & 15u) != ACR_5_WAIT_STATES) {
  }
  /* In two steps, with 1 us at half speed (RM0432, 6.2.7). */
  RCC_CFGR = CFGR_HPRE_BY_2 | CFGR_SW_PLL;
  while ((RCC_CFGR & CFGR_SWS) != CFGR_SWS) {
  }
  for (uint32_t i = 0; i < 60u; i++) __asm volatile("");
  RCC_CFGR = CFGR_SW_PLL;
}

/* PG7 and PG8, alternate function 8. The upper half of port G has a supply of its own. */
static void start_uart(void) {
  PWR_CR2 |= PWR_CR2_IOSV;
  RCC_AHB2ENR |= 1u << 6;
  RCC_APB1ENR2 |= 1u;
  (void)RCC_APB1ENR2;
  GPIOG_AFRL = (GPIOG_AFRL & 0x0FFFFFFFu) | 0x80000000u;
  GPIOG_AFRH = (GPIOG_AFRH & 0xFFFFFFF0u) | 0x00000008u;
  GPIOG_PUPDR = (GPIOG_PUPDR & ~(3u << 16)) | (1u << 16);
  GPIOG_MODER = (GPIOG_MODER & ~(15u << 14)) | (10u << 14);
  LPUART1_BRR = (uint32_t)((256ull * CLOCK_HZ + BAUD / 2u) / BAUD);
  LPUART1_CR3 = CR3_OVRDIS; /* an overrun loses a byte, and does not stop the receiver */
  LPUART1_CR1 = CR1_UE | EDGEQ_STM32_CR1_RE | EDGEQ_STM32_CR1_TE | EDGEQ_STM32_CR1_RXNEIE;
}

void edgeq_board_init(void) {
  start_clock();
  start_uart();
  if (!edgeq_dwt_start()) edgeq_board_ticks_kind = EDGEQ_TICKS_NONE;
}

uint32_t edgeq_board_ticks(void) {
  return edgeq_dwt_cycles();
}
