#include "scenarios/runner/samples.h"

namespace leakhunt::runner {

void Samples::add(uint64_t time_ns, uint64_t rss_bytes) {
  if (!samples_.empty() && time_ns < next_ns_) {
    if (rss_bytes > samples_.back().rss_bytes) samples_.back() = {time_ns, rss_bytes};
    return;
  }
  if (samples_.size() == kMost) halve();
  samples_.push_back({time_ns, rss_bytes});
  next_ns_ = time_ns + spacing_ns_;
}

void Samples::halve() {
  size_t kept = 0;
  for (size_t i = 0; i + 1 < samples_.size(); i += 2) {
    samples_[kept++] = samples_[i].rss_bytes >= samples_[i + 1].rss_bytes ? samples_[i] : samples_[i + 1];
  }
  samples_.resize(kept);
  spacing_ns_ *= 2;
}

}  // namespace leakhunt::runner
