// synthetic_run: Runs made by hand, with known truth. A site is given as its live blocks at every iteration's
// end; the fixture turns that into counters.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lib/recording/run.h"

namespace leakhunt::reports {

struct SyntheticSite {
  std::string tag;                                  // "heap" and "mapping" exist already
  std::string function;                             // of the frame that answers
  std::function<int64_t(size_t)> live_bytes;        // at the end of iteration i; never negative
  std::function<int64_t(size_t)> live_blocks = {};  // empty: live_bytes / block_bytes
  int64_t block_bytes = 16;
  recording::SiteKind kind = recording::SiteKind::kBlock;
  uint64_t temporary_blocks = 0;  // allocated and freed in every iteration, besides
};

struct SyntheticOptions {
  size_t iterations = 1000;
  uint64_t warm_up = 100;
  recording::SnapshotKind clock = recording::SnapshotKind::kIteration;
  bool final_frees_all = false;  // at the final snapshot nothing is live any more
};

// A complete Run: scenario "synthetic" (no expected iterations), no budget, 10 ms an iteration, RSS = heap +
// 4 MB, exit status 0. Each site has a stack of three frames: malloc in libleakhunt.so, its function at
// <function>.cpp:10, main.
recording::Run make_run(const std::vector<SyntheticSite>& sites, const SyntheticOptions& options = {});

}  // namespace leakhunt::reports
