#include "edgeq/cortexm.h"
#include "edgeq/dwt.h"

#define DEMCR EDGEQ_REG32(0xE000EDFCu)
#define DEMCR_TRCENA (1u << 24) /* powers the unit */
#define DWT_CTRL EDGEQ_REG32(0xE0001000u)
#define DWT_CTRL_CYCCNTENA 1u
#define DWT_CYCCNT EDGEQ_REG32(0xE0001004u)
#define DWT_LAR EDGEQ_REG32(0xE0001FB0u)
#define LAR_UNLOCK 0xC5ACCE55u /* the Cortex-M7's registers are locked until this is written */

bool edgeq_dwt_start(void) {
  DEMCR |= DEMCR_TRCENA;
  __asm volatile("dsb\n  isb" ::: "memory");
  DWT_LAR = LAR_UNLOCK;
  DWT_CYCCNT = 0;
  DWT_CTRL |= DWT_CTRL_CYCCNTENA;
  __asm volatile("dsb\n  isb" ::: "memory");
  const uint32_t before = DWT_CYCCNT;
  __asm volatile("nop\n  nop\n  nop\n  nop" ::: "memory");
  return DWT_CYCCNT != before;
}

uint32_t edgeq_dwt_cycles(void) {
  return DWT_CYCCNT;
}
