#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "say.h"

namespace edgeq {

const char kUsage[] =
    "usage: edgeq-agent MODEL.tflite [options]\n"
    "Runs the model with LiteRT, for edgeq on another computer: --device socket://THIS:PORT\n"
    "  --tcp ADDRESS:PORT    listen there; numbers only, port 0 is any free one (127.0.0.1:0).\n"
    "                        Who reaches the port can run the model: 0.0.0.0 is for networks you trust\n"
    "  --serial TTY          a serial line instead, at 115200 baud until the host raises it\n"
    "  --litert PATH         LiteRT's shared library (libLiteRt.so, where the system finds it)\n"
    "  --threads N           threads of an inference (1)\n"
    "  --cpu LIST            run on these only: 0-3,6 (all)\n"
    "  --warmup N            inferences before the first one that is measured (5)\n"
    "  --kernels KIND        default: what apps get (XNNPACK); builtin: LiteRT's own alone\n"
    "  --idle SECONDS        of silence, after which a host makes room for one that waits (30)\n"
    "  --emulated NAME       the processor is, and is called so: tell no times\n"
    "  --end-with-stdin      end when stdin is closed\n"
    "Whole outputs only: for a comparison layer by layer, use `edgeq agent` of the Python package.\n";

namespace {

constexpr uint32_t kMostThreads = 256;
constexpr uint32_t kMostWarmups = 100000;
constexpr uint32_t kMostSeconds = 86400;

bool parse_number(const char *name, const char *text, uint32_t least, uint32_t most, uint32_t *to) {
  char *end = nullptr;
  const unsigned long value = strtoul(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || value < least || value > most) {
    say("%s is a number from %u to %u, not %s.", name, least, most, text);
    return false;
  }
  *to = static_cast<uint32_t>(value);
  return true;
}

bool parse_kernels(const char *text, bool *builtin) {
  *builtin = strcmp(text, "builtin") == 0;
  if (*builtin || strcmp(text, "default") == 0) return true;
  say("--kernels is default or builtin, not %s.", text);
  return false;
}

bool take_option(const char *name, const char *value, Options *to) {
  if (strcmp(name, "--kernels") == 0) return parse_kernels(value, &to->builtin_kernels);
  const struct {
    const char *name;
    uint32_t least, most;
    uint32_t *to;
  } numbers[] = {
      {"--threads", 1, kMostThreads, &to->threads},
      {"--warmup", 0, kMostWarmups, &to->warmup},
      {"--idle", 1, kMostSeconds, &to->idle_seconds},
  };
  for (const auto &number : numbers) {
    if (strcmp(name, number.name) == 0)
      return parse_number(name, value, number.least, number.most, number.to);
  }
  const struct {
    const char *name;
    const char **to;
  } texts[] = {{"--tcp", &to->tcp},
               {"--serial", &to->serial},
               {"--litert", &to->litert},
               {"--cpu", &to->cpu},
               {"--emulated", &to->emulated}};
  for (const auto &text : texts) {
    if (strcmp(name, text.name) == 0) {
      *text.to = value;
      return true;
    }
  }
  say("there is no option %s.", name);
  return false;
}

}  // namespace

bool parse_options(int count, char **words, Options *to) {
  for (int i = 1; i < count; i++) {
    const char *word = words[i];
    if (strcmp(word, "--end-with-stdin") == 0) {
      to->end_with_stdin = true;
    } else if (word[0] == '-') {
      if (i + 1 == count) {
        say("%s: no such option, or its value is missing.", word);
        return false;
      }
      if (!take_option(word, words[++i], to)) return false;
    } else if (to->model == nullptr) {
      to->model = word;
    } else {
      say("one model at a time; what is %s?", word);
      return false;
    }
  }
  if (to->model == nullptr) say("which model? Give the path of a .tflite file.");
  return to->model != nullptr;
}

}  // namespace edgeq
