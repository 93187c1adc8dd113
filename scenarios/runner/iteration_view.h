// iteration_view: where a running program is, from its growing recording.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/recording/reader.h"

namespace leakhunt::runner {

class IterationView {
 public:
  IterationView(std::string recording, uint64_t warm_up) : reader_(std::move(recording)), warm_up_(warm_up) {}

  // Reads what was appended. An unreadable recording changes nothing: whoever reads it at the end says so.
  void refresh();

  const recording::Run& run() const { return reader_.run(); }  // as of the last refresh()
  uint64_t iterations() const { return iterations_; }          // completed
  // Over the last few seconds.
  std::optional<double> per_second() const { return per_second_; }
  // Bytes of live heap per iteration, since the first look after warm-up.
  std::optional<double> growth() const { return growth_; }

 private:
  void measure_speed();
  void measure_growth();

  recording::Reader reader_;
  uint64_t warm_up_;
  uint64_t iterations_ = 0;
  std::optional<double> per_second_;
  std::optional<double> growth_;

  struct Level {
    uint64_t iterations;
    int64_t live_bytes;
  };
  std::optional<Level> base_;
};

}  // namespace leakhunt::runner
