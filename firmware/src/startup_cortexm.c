/* Start-up of any Cortex-M: vectors, memory, floating point, and main on a stack of its own.
 *
 * main runs on the process stack, handlers on the main stack: when main's stack overflows, the fault handler
 * still has one, and the overflow is reported.
 */
#include "edgeq/cortexm.h"
#include "edgeq/runtime.h"

#define EDGEQ_HANDLER_STACK_BYTES 1024
#define EDGEQ_STACK_PAINT 0xE5D6E5D6u
#define EDGEQ_STACK_GUARD_LOG2 15u /* the most bytes that one stack frame could skip */

int main(void);
void edgeq_reset(void);
void edgeq_prepare_memory(void);

__attribute__((section(".edgeq_stack"), used, aligned(8))) static uint8_t edgeq_main_stack[EDGEQ_STACK_BYTES];
__attribute__((section(".edgeq_handler_stack"), used,
               aligned(8))) static uint8_t edgeq_handler_stack[EDGEQ_HANDLER_STACK_BYTES];

typedef void (*edgeq_vector)(void);

/* Faults, and SysTick where it is the cycle counter. Vectors of interrupts follow where a board has a
 * receiver (edgeq/receiver.h); no other one is ever enabled where it could be taken. */
__attribute__((section(".edgeq_vectors"), used)) static const edgeq_vector edgeq_vectors[16] = {
    (edgeq_vector)(uintptr_t)(edgeq_handler_stack + EDGEQ_HANDLER_STACK_BYTES),
    edgeq_reset,
    edgeq_fault_entry, /* NMI */
    edgeq_fault_entry, /* HardFault */
    edgeq_fault_entry, /* MemManage */
    edgeq_fault_entry, /* BusFault */
    edgeq_fault_entry, /* UsageFault */
    edgeq_fault_entry, /* SecureFault */
    0,
    0,
    0,
    edgeq_fault_entry, /* SVCall */
    edgeq_fault_entry, /* DebugMonitor */
    0,
    edgeq_fault_entry, /* PendSV */
    edgeq_systick_entry,
};

__attribute__((naked, noreturn, used)) void edgeq_reset(void) {
  __asm volatile(
      ".syntax unified\n"
      "  cpsid i\n" /* a bootloader's interrupts, until edgeq_prepare_memory has turned them off */
      "  movs r0, #0\n"
#if EDGEQ_HAS_FAULT_STATUS
      "  msr basepri, r0\n" /* its masks */
      "  msr faultmask, r0\n"
      "  ldr r1, =0xE000ED94\n" /* MPU_CTRL: its protection off, before anything is pushed */
      "  str r0, [r1]\n"
      "  dsb\n"
#endif
#if EDGEQ_HAS_STACK_LIMITS
      "  msr msplim, r0\n" /* and the limits of its stacks */
      "  msr psplim, r0\n"
#endif
      "  msr control, r0\n" /* and its stack */
      "  isb\n"
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
      "  ldr r1, =0xE000ED88\n" /* CPACR: full access to CP10 and CP11, before any C may use them */
      "  ldr r0, [r1]\n"
      "  ldr r2, =0x00F00000\n"
      "  orrs r0, r2\n"
      "  str r0, [r1]\n"
      "  dsb\n"
      "  isb\n"
#endif
      "  ldr r0, =edgeq_stack_end\n"
      "  msr msp, r0\n"
      "  bl edgeq_prepare_memory\n"
      "  ldr r0, =edgeq_stack_top\n"
      "  msr psp, r0\n"
#if EDGEQ_HAS_STACK_LIMITS
      "  ldr r0, =edgeq_stack_bottom\n"
      "  msr psplim, r0\n"
#endif
      "  movs r0, #2\n"
      "  msr control, r0\n"
      "  isb\n"
      "  cpsie i\n"
      "  bl main\n"
      "1: b 1b\n"
      "  .ltorg\n");
}

#if EDGEQ_HAS_MPU_V7
/* One region of the memory protection unit. `base` is a multiple of 2^log2_bytes. */
static void protect(uint32_t region, uint32_t base, uint32_t log2_bytes, uint32_t access) {
  EDGEQ_MPU_RNR = region;
  EDGEQ_MPU_RBAR = base;
  EDGEQ_MPU_RASR = access | ((log2_bytes - 1u) << 1) | 1u;
}

/* Writes to flash (through null pointers, most often) fault, and so does everything below the stack. On some
 * boards the addresses below RAM are reserved and ignore writes, and an overflow would not be noticed. */
static void protect_memory(void) {
  const uint32_t flash = (uint32_t)(uintptr_t)edgeq_flash_origin;
  const uint32_t flash_bytes = (uint32_t)(uintptr_t)edgeq_flash_bytes;
  const uint32_t stack = (uint32_t)(uintptr_t)edgeq_stack_bottom;
  uint32_t size = 5;
  const uint32_t regions = (EDGEQ_MPU_TYPE >> 8) & 0xFFu;
  if (regions == 0u) return;
  for (uint32_t region = 0; region < regions; region++) { /* a bootloader's */
    EDGEQ_MPU_RNR = region;
    EDGEQ_MPU_RASR = 0;
  }
  while (size < 31u && (1u << size) < flash_bytes) size++;
  if ((flash & ((1u << size) - 1u)) == 0u) protect(0, flash, size, EDGEQ_MPU_READ_ONLY);
  size = EDGEQ_STACK_GUARD_LOG2;
  while ((stack & ((1u << size) - 1u)) != 0u) size--;
  if (size >= 5u) protect(1, stack - (1u << size), size, EDGEQ_MPU_NO_ACCESS);
  EDGEQ_MPU_CTRL = 5u; /* on, with the default map for everything else */
  __asm volatile("dsb\n  isb" ::: "memory");
}
#endif

/* What a bootloader has turned on has no handlers here. */
static void turn_interrupts_off(void) {
  EDGEQ_SYST_CSR = 0;
  for (uint32_t irq = 0; irq < EDGEQ_NVIC_IRQS; irq += 32u) {
    EDGEQ_NVIC_ICER(irq) = 0xFFFFFFFFu;
    EDGEQ_NVIC_ICPR(irq) = 0xFFFFFFFFu;
  }
  EDGEQ_SCB_ICSR = EDGEQ_SCB_ICSR_PENDSTCLR | EDGEQ_SCB_ICSR_PENDSVCLR;
  __asm volatile("dsb\n  isb" ::: "memory");
}

/* The empty asm in the loops keeps compilers from turning them into calls of memcpy and memset. */
__attribute__((used)) void edgeq_prepare_memory(void) {
  turn_interrupts_off();
#if EDGEQ_HAS_VTOR
  EDGEQ_SCB_VTOR =
      (uint32_t)(uintptr_t)edgeq_vectors; /* the core's first table is a bootloader's, if there is one */
  __asm volatile("dsb" ::: "memory");
#endif
  const uint32_t *from = edgeq_data_load;
  for (uint32_t *to = edgeq_data_start; to < edgeq_data_end; to++) {
    *to = *from++;
    __asm volatile("");
  }
  for (uint32_t *to = edgeq_bss_start; to < edgeq_bss_end; to++) {
    *to = 0;
    __asm volatile("");
  }
  for (uint32_t *to = edgeq_stack_bottom; to < edgeq_stack_top; to++) {
    *to = EDGEQ_STACK_PAINT;
    __asm volatile("");
  }
#if EDGEQ_HAS_FAULT_STATUS
  EDGEQ_SCB_SHCSR |= 7u << 16; /* MemManage, BusFault and UsageFault have handlers of their own */
#endif
#if EDGEQ_HAS_MPU_V7
  protect_memory();
#endif
}

uint32_t edgeq_stack_high_water(void) {
  const uint32_t *lowest = edgeq_stack_bottom;
  while (lowest < edgeq_stack_top && *lowest == EDGEQ_STACK_PAINT) lowest++;
  return (uint32_t)((uintptr_t)edgeq_stack_top - (uintptr_t)lowest);
}

void edgeq_sleep_until(uint32_t irq, int (*ready)(void), void (*clear)(void)) {
  const uint32_t bit = 1u << (irq % 32u);
  if (edgeq_exception() != 0u) return; /* no interrupt would wake up a fault handler */
  __asm volatile("cpsid i" ::: "memory");
  EDGEQ_NVIC_ISER(irq) = bit;
  if (!ready()) __asm volatile("dsb\n  wfi" ::: "memory");
  EDGEQ_NVIC_ICER(irq) = bit;
  __asm volatile("dsb\n  isb" ::: "memory");
  clear();
  EDGEQ_NVIC_ICPR(irq) = bit;
  __asm volatile("cpsie i" ::: "memory");
}

void edgeq_system_reset(void) {
  __asm volatile("dsb" ::: "memory");
  EDGEQ_SCB_AIRCR = 0x05FA0004u;
  for (;;) __asm volatile("dsb");
}
