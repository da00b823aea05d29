/* NUCLEO-L4R5ZI: STM32L4R5ZI at 120 MHz from its 16 MHz oscillator; LPUART1 leads to the on-board debugger's
 * serial port. Registers: RM0432 (chapters 3, 5, 6, 8, 45). */
#include "edgeq/board.h"

#include "edgeq/cortexm.h"
#include "edgeq/dwt.h"
#include "edgeq/receiver.h"
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

#define RCC_CR_HSION (1u << 8)
#define RCC_CR_HSIRDY (1u << 10)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
/* HSI16 / 2 = 8 MHz in, * 30 = 240 MHz, / 2 = 120 MHz out of R, which is on. */
#define PLL_120_MHZ ((1u << 24) | (30u << 8) | (1u << 4) | 2u)
#define CFGR_SW_HSI 1u
#define CFGR_SW_PLL 3u
#define CFGR_SWS (3u << 2)
#define CFGR_HPRE_BY_2 (8u << 4)
#define ACR_WAIT_STATES 15u
#define ACR_5_WAIT_STATES 5u
#define ACR_PREFETCH_AND_CACHES (7u << 8)

#define PLL_HZ 120000000u
#define HSI_HZ 16000000u
#define MSI_HZ 4000000u /* of the start */

const char edgeq_board_name[] = "nucleo-l4r5zi";
uint32_t edgeq_board_clock_hz = PLL_HZ;
uint32_t edgeq_board_ticks_hz = PLL_HZ;
edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_CPU;

const edgeq_stm32_usart_map edgeq_stm32_usart = EDGEQ_STM32_USART_V2(LPUART1, 256u, 70u);
EDGEQ_RECEIVER_VECTOR(70);

static bool switch_to(uint32_t source, uint32_t divider) {
  RCC_CFGR = divider | source;
  return edgeq_becomes(&RCC_CFGR, CFGR_SWS, source << 2);
}

/* From the PLL, or without one from its source, or without that one from the oscillator of the start. The
 * clock in Hz.
 */
static uint32_t start_clock(void) {
  RCC_APB1ENR1 |= 1u << 28; /* PWR */
  (void)RCC_APB1ENR1;
  PWR_CR5 &= ~PWR_CR5_R1MODE; /* range 1 boost: above 80 MHz */
  RCC_CR |= RCC_CR_HSION;
  if (!edgeq_becomes(&RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY)) return MSI_HZ;
  RCC_PLLCFGR = PLL_120_MHZ;
  RCC_CR |= RCC_CR_PLLON;
  const bool locked = edgeq_becomes(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY);
  FLASH_ACR = ACR_PREFETCH_AND_CACHES | ACR_5_WAIT_STATES;
  const bool slow_enough = edgeq_becomes(&FLASH_ACR, ACR_WAIT_STATES, ACR_5_WAIT_STATES);
  /* In two steps, with 1 us at half speed (RM0432, 6.2.7). */
  if (locked && slow_enough && switch_to(CFGR_SW_PLL, CFGR_HPRE_BY_2)) {
    for (uint32_t i = 0; i < 60u; i++) __asm volatile("");
    RCC_CFGR = CFGR_SW_PLL;
    return PLL_HZ;
  }
  return switch_to(CFGR_SW_HSI, 0) ? HSI_HZ : MSI_HZ;
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
  edgeq_stm32_usart_start(edgeq_board_clock_hz);
}

void edgeq_board_init(void) {
  edgeq_board_clock_hz = edgeq_board_ticks_hz = start_clock();
  start_uart();
  if (!edgeq_dwt_start()) edgeq_board_ticks_kind = EDGEQ_TICKS_NONE;
}

uint32_t edgeq_board_ticks(void) {
  return edgeq_dwt_cycles();
}
