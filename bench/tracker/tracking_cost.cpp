// What tracking costs the trainer: the plain and the instrumented build in turn, and the ratio of each pair.
//
//   tracking_cost [PAIRS] [ITERATIONS]
#include <fmt/core.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bench/tracker/timed_run.h"

int main(int argc, char** argv) {
  using leakhunt::bench::timed_run;
  const long pairs = argc > 1 ? atol(argv[1]) : 5;
  const std::string arguments = " --small --iterations " + std::string(argc > 2 ? argv[2] : "1000");
  const std::string recording = fmt::format("/tmp/leakhunt-tracking-cost-{}.lhr", getpid());
  const std::string plain = LEAKHUNT_BIN "/train_full" + arguments;
  const std::string tracked = "rm -f " + recording +
                              "; LEAKHUNT_INTERVAL_MS=0 LEAKHUNT_RECORDING=" + recording +
                              " " LEAKHUNT_BIN "/train_full_instrumented" + arguments;
  timed_run(plain);  // warms the caches of the machine

  std::vector<double> ratios;
  fmt::print("{:>4} {:>10} {:>10} {:>8}\n", "pair", "plain s", "tracked s", "ratio");
  for (long i = 0; i < pairs; ++i) {
    const auto a = timed_run(plain);
    const auto b = timed_run(tracked);
    if (a.exit_status != 0 || b.exit_status != 0) {
      fmt::print(stderr, "tracking_cost: a run failed ({}, {})\n", a.exit_status, b.exit_status);
      return 1;
    }
    ratios.push_back(b.seconds / a.seconds);
    fmt::print("{:>4} {:>10.3f} {:>10.3f} {:>8.4f}\n", i + 1, a.seconds, b.seconds, ratios.back());
  }
  std::sort(ratios.begin(), ratios.end());
  fmt::print("median ratio {:.4f} (the bar is 1.03)\n", ratios[ratios.size() / 2]);
  unlink(recording.c_str());
  return 0;
}
