/* The agent: a "board" whose engine is LiteRT and whose UART is a TCP port or a serial tty.
 *
 * Frames, requests and runs are the firmware's own C code (firmware/src), so that what is tested and fuzzed
 * there holds here.
 */
#include <stdio.h>
#include <string.h>

#include "board.h"
#include "cpus.h"
#include "edgeq/board.h"
#include "edgeq/link.h"
#include "engine.h"
#include "facts.h"
#include "line.h"
#include "litert.h"
#include "options.h"
#include "say.h"

namespace {

constexpr int kUsageStatus = 64; /* EX_USAGE of sysexits.h */
constexpr int kFailed = 2;
constexpr uint8_t kDelimiter = 0; /* of frames */

edgeq::Line g_line;
edgeq_link g_link;

/* As after power-on: the engine begins anew, and so does what the link keeps. */
void start_link() {
  edgeq_link_init(&g_link, edgeq::engine());
}

void serve() {
  while (!g_line.ended()) {
    const uint8_t *bytes = nullptr;
    const size_t count = g_line.take(&bytes);
    /* The next host's first frame must not continue the last one's. */
    if (g_line.take_disconnected()) edgeq_link_receive(&g_link, &kDelimiter, 1);
    if (count > 0) {
      const uint32_t known = g_link.stats.frames_good;
      edgeq_link_receive(&g_link, bytes, static_cast<uint32_t>(count));
      if (g_link.stats.frames_good != known) g_line.heard();
    } else {
      edgeq_board_wait();
    }
    if (edgeq::take_restart()) start_link();
  }
}

}  // namespace

const edgeq_model *edgeq_app_model(void) {
  return edgeq::engine();
}

int main(int count, char **words) {
  edgeq::Options options;
  if (count >= 2 && strcmp(words[1], "--help") == 0) return fputs(edgeq::kUsage, stdout) < 0 ? kFailed : 0;
  if (!edgeq::parse_options(count, words, &options)) {
    (void)fputs(edgeq::kUsage, stderr);
    return kUsageStatus;
  }
  /* Before LiteRT starts threads, which inherit it. */
  if (options.cpu != nullptr && !edgeq::pin_to(options.cpu)) return kUsageStatus;

  edgeq::LiteRt litert;
  if (!edgeq::load_litert(options.litert, &litert) || !edgeq::load_engine(litert, options)) return kFailed;
  edgeq::use_line(&g_line);
  g_line.end_with_stdin(options.end_with_stdin);
  g_line.give_way_after(options.idle_seconds);
  edgeq_board_init();
  start_link();
  if (g_link.engine != EDGEQ_OK) {
    edgeq::unload_engine();
    return kFailed;
  }
  edgeq::collect_facts(litert, options);
  if (options.emulated != nullptr) {
    edgeq::stop_ticks();
  } else {
    edgeq::choose_ticks(edgeq::warm_nanoseconds());
  }
  const bool open =
      options.serial != nullptr ? g_line.open_tty(options.serial) : g_line.listen_at(options.tcp);
  if (open) serve();
  edgeq::unload_engine();
  return open ? 0 : kFailed;
}
