/* What C++ and the C library ask of a machine that has no operating system: nothing is allocated, nothing is
 * destroyed, and whoever cannot go on ends in the fault handler, which tells the host where. */
#include <stddef.h>
#include <stdint.h>

extern "C" {

void abort(void) __attribute__((noreturn));
void abort(void) {
  __asm volatile("udf #0");
  for (;;) {
  }
}

void __cxa_pure_virtual(void) {
  abort();
}

/* Destructors of static objects would run when main returns, which it never does. */
int __aeabi_atexit(void *, void (*)(void *), void *) {
  return 0;
}

int __cxa_atexit(void (*)(void *), void *, void *) {
  return 0;
}

void *__dso_handle = nullptr;

typedef void (*edgeq_constructor)(void);
extern edgeq_constructor edgeq_constructors_start[], edgeq_constructors_end[];

/* Constructors of static objects. In the place of the C library's, which start-up code calls elsewhere. */
void edgeq_tflm_construct(void) {
  for (edgeq_constructor *one = edgeq_constructors_start; one < edgeq_constructors_end; one++) (*one)();
}

}  // extern "C"

void operator delete(void *) noexcept {
  abort();
}

void operator delete(void *, size_t) noexcept {
  abort();
}
