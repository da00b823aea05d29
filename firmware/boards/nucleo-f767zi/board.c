/* NUCLEO-F767ZI: STM32F767ZI at 216 MHz from the 8 MHz of the on-board debugger, caches on; USART3 leads to
 * that debugger's serial port. Registers: RM0410 (chapters 3, 4, 5, 6, 34), Armv7-M ARM (B2.2.7, B3.2). */
#include "edgeq/board.h"

#include "edgeq/cortexm.h"
#include "edgeq/dwt.h"
#include "edgeq/receiver.h"
#include "edgeq/stm32_usart.h"

#define PWR_CR1 EDGEQ_REG32(0x40007000u)
#define PWR_CSR1 EDGEQ_REG32(0x40007004u)
#define RCC_CR EDGEQ_REG32(0x40023800u)
#define RCC_PLLCFGR EDGEQ_REG32(0x40023804u)
#define RCC_CFGR EDGEQ_REG32(0x40023808u)
#define RCC_AHB1ENR EDGEQ_REG32(0x40023830u)
#define RCC_APB1ENR EDGEQ_REG32(0x40023840u)
#define FLASH_ACR EDGEQ_REG32(0x40023C00u)
#define GPIOD_MODER EDGEQ_REG32(0x40020C00u)
#define GPIOD_PUPDR EDGEQ_REG32(0x40020C0Cu)
#define GPIOD_AFRH EDGEQ_REG32(0x40020C24u)
#define USART3 0x40004800u

#define SCB_CCR EDGEQ_REG32(0xE000ED14u)
#define SCB_CCR_DCACHE (1u << 16)
#define SCB_CCR_ICACHE (1u << 17)
#define SCB_CCSIDR EDGEQ_REG32(0xE000ED80u)
#define SCB_CSSELR EDGEQ_REG32(0xE000ED84u)
#define SCB_ICIALLU EDGEQ_REG32(0xE000EF50u)
#define SCB_DCISW EDGEQ_REG32(0xE000EF60u)

#define RCC_CR_HSEON (1u << 16)
#define RCC_CR_HSERDY (1u << 17)
#define RCC_CR_HSEBYP (1u << 18)
#define RCC_CR_PLLON (1u << 24)
#define RCC_CR_PLLRDY (1u << 25)
/* 1 MHz in, * 432 = 432 MHz, / 2 = 216 MHz out; Q = 9, and R = 2, for which 0 is no value (RM0410, 5.3.2). */
#define PLL_216_MHZ ((2u << 28) | (9u << 24) | (432u << 6))
#define PLL_FROM_HSE ((1u << 22) | 8u)
#define PLL_FROM_HSI 16u
#define CFGR_SW_PLL 2u
#define CFGR_SWS (3u << 2)
#define CFGR_SWS_PLL (2u << 2)
#define CFGR_APB1_BY_4 (5u << 10)
#define CFGR_APB2_BY_2 (4u << 13)
#define ACR_WAIT_STATES 15u
#define ACR_7_WAIT_STATES 7u
#define ACR_PREFETCH_AND_ART (3u << 8)
#define PWR_OVERDRIVE (1u << 16)
#define PWR_OVERDRIVE_SWITCH (1u << 17)

#define PLL_HZ 216000000u
#define HSI_HZ 16000000u /* of the start */

const char edgeq_board_name[] = "nucleo-f767zi";
uint32_t edgeq_board_clock_hz = PLL_HZ;
uint32_t edgeq_board_ticks_hz = PLL_HZ;
edgeq_ticks_kind edgeq_board_ticks_kind = EDGEQ_TICKS_CPU;

const edgeq_stm32_usart_map edgeq_stm32_usart = EDGEQ_STM32_USART_V2(USART3, 1u, 39u);
EDGEQ_RECEIVER_VECTOR(39);

static void start_caches(void) {
  if ((SCB_CCR & SCB_CCR_DCACHE) != 0u) return; /* invalidating it now would lose what start-up wrote */
  __asm volatile("dsb\n  isb" ::: "memory");
  SCB_ICIALLU = 0;
  SCB_CSSELR = 0; /* the first data cache; its lines have 32 bytes (Cortex-M7 TRM, 4.3.1) */
  __asm volatile("dsb" ::: "memory");
  const uint32_t sets = (SCB_CCSIDR >> 13) & 0x7FFFu;
  const uint32_t ways = (SCB_CCSIDR >> 3) & 0x3FFu;
  for (uint32_t set = 0; set <= sets; set++) {
    for (uint32_t way = 0; way <= ways; way++) SCB_DCISW = (way << 30) | (set << 5);
  }
  __asm volatile("dsb" ::: "memory");
  SCB_CCR |= SCB_CCR_ICACHE | SCB_CCR_DCACHE;
  __asm volatile("dsb\n  isb" ::: "memory");
}

/* Without the debugger's clock the PLL runs from the internal oscillator (1 %). False without a PLL, or
 * without what it needs: everything stays at 16 MHz. */
static bool start_clock(void) {
  RCC_APB1ENR |= 1u << 28; /* PWR */
  (void)RCC_APB1ENR;
  RCC_CR |= RCC_CR_HSEBYP; /* a clock, not a crystal */
  RCC_CR |= RCC_CR_HSEON;
  const bool external = edgeq_becomes(&RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY);
  RCC_PLLCFGR = PLL_216_MHZ | (external ? PLL_FROM_HSE : PLL_FROM_HSI);
  RCC_CR |= RCC_CR_PLLON;
  /* Above 180 MHz the regulator needs over-drive (RM0410, 4.1.4). */
  PWR_CR1 |= PWR_OVERDRIVE;
  if (!edgeq_becomes(&PWR_CSR1, PWR_OVERDRIVE, PWR_OVERDRIVE)) return false;
  PWR_CR1 |= PWR_OVERDRIVE_SWITCH;
  if (!edgeq_becomes(&PWR_CSR1, PWR_OVERDRIVE_SWITCH, PWR_OVERDRIVE_SWITCH)) return false;
  if (!edgeq_becomes(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) return false;
  FLASH_ACR = ACR_PREFETCH_AND_ART | ACR_7_WAIT_STATES;
  if (!edgeq_becomes(&FLASH_ACR, ACR_WAIT_STATES, ACR_7_WAIT_STATES)) return false;
  RCC_CFGR = CFGR_APB1_BY_4 | CFGR_APB2_BY_2 | CFGR_SW_PLL;
  if (edgeq_becomes(&RCC_CFGR, CFGR_SWS, CFGR_SWS_PLL)) return true;
  RCC_CFGR = 0; /* nor are the buses divided then */
  return false;
}

/* PD8 and PD9, alternate function 7. */
static void start_uart(uint32_t apb1_hz) {
  RCC_AHB1ENR |= 1u << 3;
  RCC_APB1ENR |= 1u << 18;
  (void)RCC_APB1ENR;
  GPIOD_AFRH = (GPIOD_AFRH & 0xFFFFFF00u) | 0x00000077u;
  GPIOD_PUPDR = (GPIOD_PUPDR & ~(3u << 18)) | (1u << 18);
  GPIOD_MODER = (GPIOD_MODER & ~(15u << 16)) | (10u << 16);
  edgeq_stm32_usart_start(apb1_hz);
}

void edgeq_board_init(void) {
  start_caches();
  const bool fast = start_clock();
  if (!fast) edgeq_board_clock_hz = edgeq_board_ticks_hz = HSI_HZ;
  start_uart(fast ? PLL_HZ / 4u : HSI_HZ);
  if (!edgeq_dwt_start()) edgeq_board_ticks_kind = EDGEQ_TICKS_NONE;
}

uint32_t edgeq_board_ticks(void) {
  return edgeq_dwt_cycles();
}
