/* Registers and symbols that start-up and fault handling of Cortex-M share. Addresses: Armv7-M ARM, B3.2. */
#ifndef EDGEQ_CORTEXM_H
#define EDGEQ_CORTEXM_H

#include <stdbool.h>
#include <stdint.h>

#ifndef EDGEQ_REG32 /* tests have registers of their own */
#define EDGEQ_REG32(address) (*(volatile uint32_t *)(uintptr_t)(address))
#endif

#define EDGEQ_SYST_CSR EDGEQ_REG32(0xE000E010u)
#define EDGEQ_SYST_RVR EDGEQ_REG32(0xE000E014u)
#define EDGEQ_SYST_CVR EDGEQ_REG32(0xE000E018u)
#define EDGEQ_NVIC_ISER(irq) EDGEQ_REG32(0xE000E100u + 4u * ((irq) / 32u))
#define EDGEQ_NVIC_ICER(irq) EDGEQ_REG32(0xE000E180u + 4u * ((irq) / 32u))
#define EDGEQ_NVIC_ICPR(irq) EDGEQ_REG32(0xE000E280u + 4u * ((irq) / 32u))
#define EDGEQ_SCB_ICSR EDGEQ_REG32(0xE000ED04u)
#define EDGEQ_SCB_ICSR_PENDSTCLR (1u << 25)
#define EDGEQ_SCB_ICSR_PENDSVCLR (1u << 27)
#define EDGEQ_SCB_VTOR EDGEQ_REG32(0xE000ED08u)
#define EDGEQ_SCB_AIRCR EDGEQ_REG32(0xE000ED0Cu)
#define EDGEQ_SCB_SHCSR EDGEQ_REG32(0xE000ED24u)
#define EDGEQ_SCB_CFSR EDGEQ_REG32(0xE000ED28u)
#define EDGEQ_SCB_HFSR EDGEQ_REG32(0xE000ED2Cu)
#define EDGEQ_SCB_MMFAR EDGEQ_REG32(0xE000ED34u)
#define EDGEQ_SCB_BFAR EDGEQ_REG32(0xE000ED38u)

/* Armv6-M has one fault handler and no fault status registers. */
#if defined(__ARM_ARCH) && __ARM_ARCH >= 7 && !defined(__ARM_ARCH_8M_BASE__)
#define EDGEQ_HAS_FAULT_STATUS 1
#else
#define EDGEQ_HAS_FAULT_STATUS 0
#endif

/* Stack pointers have limits: Armv8-M with the main extension (Armv8-M ARM, B3.21). */
#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
#define EDGEQ_HAS_STACK_LIMITS 1
#else
#define EDGEQ_HAS_STACK_LIMITS 0
#endif

/* Armv6-M's vector table is at 0; it may have a register to move it, or not. */
#if defined(__ARM_ARCH) && __ARM_ARCH >= 7
#define EDGEQ_HAS_VTOR 1
#else
#define EDGEQ_HAS_VTOR 0
#endif

/* The most interrupts that an NVIC has (Armv6-M ARM, B3.4; Armv7-M ARM, B3.4; Armv8-M ARM, B11). */
#if !defined(__ARM_ARCH) || __ARM_ARCH < 7
#define EDGEQ_NVIC_IRQS 32u
#elif __ARM_ARCH < 8
#define EDGEQ_NVIC_IRQS 256u
#else
#define EDGEQ_NVIC_IRQS 512u
#endif

/* The memory protection unit of Armv7-M (optional there); Armv8-M's has other registers. */
#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__)
#define EDGEQ_HAS_MPU_V7 1
#else
#define EDGEQ_HAS_MPU_V7 0
#endif
#define EDGEQ_MPU_TYPE EDGEQ_REG32(0xE000ED90u)
#define EDGEQ_MPU_CTRL EDGEQ_REG32(0xE000ED94u)
#define EDGEQ_MPU_RNR EDGEQ_REG32(0xE000ED98u)
#define EDGEQ_MPU_RBAR EDGEQ_REG32(0xE000ED9Cu)
#define EDGEQ_MPU_RASR EDGEQ_REG32(0xE000EDA0u)
/* Access bits: no access, never executed; read-only, of normal memory. */
#define EDGEQ_MPU_NO_ACCESS (1u << 28)
#define EDGEQ_MPU_READ_ONLY ((6u << 24) | (1u << 17) | (1u << 16))

/* From the linker script; the addresses of the last two are the numbers. */
extern uint32_t edgeq_data_load[], edgeq_data_start[], edgeq_data_end[];
extern uint32_t edgeq_bss_start[], edgeq_bss_end[];
extern uint32_t edgeq_stack_bottom[], edgeq_stack_top[]; /* main's; the handlers' is above it */
extern uint32_t edgeq_stack_end[];                       /* of both */
extern uint32_t edgeq_code_start[], edgeq_code_end[];
extern uint8_t edgeq_flash_origin[], edgeq_flash_bytes[];

/* The entry of every fault vector. */
void edgeq_fault_entry(void);

/* The handler of SysTick's interrupt: src/systick_cortexm.c's, or else that of faults. */
void edgeq_systick_entry(void);

/* The number of the exception that is being handled; 0: none. */
static inline uint32_t edgeq_exception(void) {
  uint32_t number;
  __asm volatile("mrs %0, ipsr" : "=r"(number));
  return number;
}

/* Whether the bits `mask` of a register become `value`: asked 100,000 times, for 15 ms at least at 50 MHz.
 * Clocks that do not start are no reason to wait forever. */
static inline bool edgeq_becomes(const volatile uint32_t *place, uint32_t mask, uint32_t value) {
  for (uint32_t i = 0; i < 100000u; i++) {
    if ((*place & mask) == value) return true;
  }
  return false;
}

/* Sleeps until interrupt `irq` is pending, or at once returns if it is. `ready` says whether waiting is
 * needed at all; it is asked with interrupts off, so that nothing is missed. The interrupt is never taken: a
 * sleeping core wakes up for a pending one although PRIMASK is set (Armv7-M ARM, B1.5.18), and outside of
 * here it is disabled. */
void edgeq_sleep_until(uint32_t irq, int (*ready)(void), void (*clear)(void));

/* Resets the whole chip. Does not return. */
void edgeq_system_reset(void);

#endif
