/* The agent's command line. */
#ifndef EDGEQ_AGENT_OPTIONS_H
#define EDGEQ_AGENT_OPTIONS_H

#include <stdint.h>

namespace edgeq {

struct Options {
  const char *model = nullptr;     /* path of the .tflite */
  const char *litert = nullptr;    /* path of LiteRT's library; null: where the system looks for it */
  const char *tcp = "127.0.0.1:0"; /* where to listen */
  const char *serial = nullptr;    /* a tty, in place of TCP */
  const char *cpu = nullptr;       /* list as of taskset: 4-7 or 0,2; null: all */
  uint32_t threads = 1;
  uint32_t warmup = 5;            /* inferences before the first one that counts */
  uint32_t idle_seconds = 30;     /* of silence, after which a host makes room for one that waits */
  bool builtin_kernels = false;   /* in place of XNNPACK */
  const char *emulated = nullptr; /* the processor that an emulator plays: tell no times; null: it is real */
  bool end_with_stdin = false;
};

/* Reads the command line. What is wrong with it is said on stderr, and false returned. */
bool parse_options(int count, char **words, Options *to);

/* How to use the program. */
extern const char kUsage[];

}  // namespace edgeq

#endif
