// samples: resident memory over time, as seen from outside, in bounded space.
#pragma once

#include <cstdint>
#include <vector>

#include "lib/recording/run.h"

namespace leakhunt::runner {

// At most kMost samples, evenly spaced whatever the run's length: when they are full, every two neighbours
// become one (the higher), and from then on twice as much time goes into a sample. So no maximum is lost.
class Samples {
 public:
  static constexpr size_t kMost = 2'000;

  // `time_ns` grows from call to call.
  void add(uint64_t time_ns, uint64_t rss_bytes);

  const std::vector<recording::HostSample>& all() const { return samples_; }

 private:
  void halve();

  std::vector<recording::HostSample> samples_;
  uint64_t spacing_ns_ = 100'000'000;
  uint64_t next_ns_ = 0;  // where the next sample begins
};

}  // namespace leakhunt::runner
