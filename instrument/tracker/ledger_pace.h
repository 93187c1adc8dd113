// LedgerPace: when a ledger is worth its cost, which may be a hundredth of the run's time: after a while, and
// when more is resident than in any before. The end of the recording is always worth one.
//
// Thread-safety: the recorder's lock is held.
#pragma once

#include <stdint.h>

namespace leakhunt::tracker {

class LedgerPace {
 public:
  bool is_due(uint64_t now_ns, uint64_t rss_bytes) const {
    if (spent_ns_ + expected_ns(rss_bytes) > kHeadStart_ns + now_ns / kShareOfTime) return false;
    return taken_ == 0 || rss_bytes > most_rss_bytes_ + most_rss_bytes_ / kShareOfPeak ||
           now_ns - last_ns_ > now_ns / kShareOfRun;
  }

  void taken(uint64_t now_ns, uint64_t rss_bytes, uint64_t cost_ns) {
    ++taken_;
    spent_ns_ += cost_ns;
    last_ns_ = now_ns;
    last_cost_ns_ = cost_ns;
    last_rss_bytes_ = rss_bytes;
    if (rss_bytes > most_rss_bytes_) most_rss_bytes_ = rss_bytes;
  }

 private:
  static constexpr uint64_t kShareOfTime = 100;
  static constexpr uint64_t kHeadStart_ns = 2'000'000;  // so that short runs have some, too
  static constexpr uint64_t kFirstGuess_ns = 500'000;
  static constexpr uint64_t kEachPage_ns = 50;
  static constexpr uint64_t kPageBytes = 4096;
  static constexpr uint64_t kShareOfPeak = 32;
  static constexpr uint64_t kShareOfRun = 16;

  // The cost grows with what is resident. A guess that was too low makes the next wait longer.
  uint64_t expected_ns(uint64_t rss_bytes) const {
    if (taken_ == 0) return kFirstGuess_ns;
    if (rss_bytes <= last_rss_bytes_) return last_cost_ns_;
    return last_cost_ns_ + (rss_bytes - last_rss_bytes_) / kPageBytes * kEachPage_ns;
  }

  uint64_t taken_ = 0;
  uint64_t spent_ns_ = 0;
  uint64_t last_ns_ = 0;
  uint64_t last_cost_ns_ = 0;
  uint64_t last_rss_bytes_ = 0;
  uint64_t most_rss_bytes_ = 0;
};

}  // namespace leakhunt::tracker
