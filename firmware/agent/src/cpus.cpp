#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* cpu_set_t */
#endif
#include "cpus.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

namespace edgeq {
namespace {

constexpr unsigned long kMostCpus = CPU_SETSIZE;

bool parse_list(const char *list, cpu_set_t *to) {
  CPU_ZERO(to);
  const char *at = list;
  for (;;) {
    char *end = nullptr;
    if (*at < '0' || *at > '9') return false;
    const unsigned long first = strtoul(at, &end, 10);
    unsigned long last = first;
    if (*end == '-') {
      at = end + 1;
      if (*at < '0' || *at > '9') return false;
      last = strtoul(at, &end, 10);
    }
    if (first > last || last >= kMostCpus) return false;
    for (unsigned long cpu = first; cpu <= last; cpu++) CPU_SET(cpu, to);
    if (*end == '\0') return true;
    if (*end != ',') return false;
    at = end + 1;
  }
}

/* The first line of a file of the processor's clock; empty if there is none. */
void read_cpufreq(unsigned long cpu, const char *what, char *to, size_t room) {
  char path[96];
  (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%lu/cpufreq/%s", cpu, what);
  to[0] = '\0';
  FILE *file = fopen(path, "re");
  if (file == nullptr) return;
  if (fgets(to, static_cast<int>(room), file) == nullptr) to[0] = '\0';
  to[strcspn(to, "\n")] = '\0';
  (void)fclose(file);
}

cpu_set_t allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  (void)sched_getaffinity(0, sizeof set, &set);
  return set;
}

}  // namespace

bool pin_to(const char *list) {
  cpu_set_t set;
  if (!parse_list(list, &set)) {
    say("--cpu is a list like 0-3,6, not %s.", list);
    return false;
  }
  if (sched_setaffinity(0, sizeof set, &set) != 0) {
    say("the agent cannot run on processors %s: %s.", list, strerror(errno));
    return false;
  }
  return true;
}

void clock_governor(char *to, size_t room) {
  const cpu_set_t set = allowed();
  to[0] = '\0';
  for (unsigned long cpu = 0; cpu < kMostCpus; cpu++) {
    if (!CPU_ISSET(cpu, &set)) continue;
    char governor[32], least[32], most[32], found[112];
    read_cpufreq(cpu, "scaling_governor", governor, sizeof governor);
    if (governor[0] == '\0') continue;
    read_cpufreq(cpu, "scaling_min_freq", least, sizeof least);
    read_cpufreq(cpu, "scaling_max_freq", most, sizeof most);
    (void)snprintf(found, sizeof found, "%s, %lu to %lu MHz", governor, strtoul(least, nullptr, 10) / 1000,
                   strtoul(most, nullptr, 10) / 1000);
    if (strstr(to, found) != nullptr) continue;
    const size_t end = strlen(to);
    (void)snprintf(to + end, room - end, "%s%s", end > 0 ? "; " : "", found);
  }
  if (to[0] == '\0')
    (void)snprintf(to, room, "unknown: the kernel shows none (a virtual machine, or no cpufreq)");
}

void allowed_cpus(char *to, size_t room) {
  const cpu_set_t set = allowed();
  to[0] = '\0';
  for (unsigned long cpu = 0; cpu < kMostCpus; cpu++) {
    if (!CPU_ISSET(cpu, &set)) continue;
    unsigned long last = cpu;
    while (last + 1 < kMostCpus && CPU_ISSET(last + 1, &set)) last++;
    const size_t end = strlen(to);
    const char *comma = end > 0 ? "," : "";
    if (last > cpu) {
      (void)snprintf(to + end, room - end, "%s%lu-%lu", comma, cpu, last);
    } else {
      (void)snprintf(to + end, room - end, "%s%lu", comma, cpu);
    }
    cpu = last;
  }
}

uint32_t fastest_clock_hz() {
  const cpu_set_t set = allowed();
  unsigned long fastest = 0;
  for (unsigned long cpu = 0; cpu < kMostCpus; cpu++) {
    if (!CPU_ISSET(cpu, &set)) continue;
    char found[32];
    read_cpufreq(cpu, "cpuinfo_max_freq", found, sizeof found);
    const unsigned long khz = strtoul(found, nullptr, 10);
    if (khz > fastest && khz <= UINT32_MAX / 1000) fastest = khz;
  }
  return static_cast<uint32_t>(fastest * 1000);
}

}  // namespace edgeq
