// model: the live memory of one call site, an iteration at a time, and the truth about it.
//
//   Recipe      a kind of program: name, range of lengths, a function that plays it
//   Model       what that function fills: levels at the end of every iteration, and the truth
//   KnownSeries the judged part of it, as the analysis gets it
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "reports/analysis/growth_class.h"
#include "reports/synthetic/dice.h"

namespace leakhunt::reports::synthetic {

class Model {
 public:
  Model(Dice& chance, size_t iterations, size_t not_judged)
      : dice(chance), length(iterations), warm_up(not_judged) {}

  Dice& dice;
  const size_t length;   // iterations
  const size_t warm_up;  // of them are not judged

  void add(int64_t block_bytes, int64_t blocks = 1) {
    bytes_ += block_bytes * blocks;
    blocks_ += blocks;
  }
  void remove(int64_t block_bytes, int64_t blocks = 1) { add(block_bytes, -blocks); }
  void resize(int64_t from_bytes, int64_t to_bytes) { bytes_ += to_bytes - from_bytes; }
  void end_iteration() {
    bytes_at_.push_back(bytes_);
    blocks_at_.push_back(blocks_);
  }
  // Plays every iteration: `step` is called with its number before it ends.
  void play(const std::function<void(size_t)>& step) {
    for (size_t i = 0; i < length; ++i) {
      step(i);
      end_iteration();
    }
  }

  // --- the truth -----------------------------------------------------------------------------------
  void is(GrowthClass truth) { truth_ = truth; }
  // In the long run, from iteration `since` on. The class follows from the blocks.
  void leaks(double bytes_per_step, double blocks_per_step, size_t since = 0) {
    truth_ = class_of_steady_growth(blocks_per_step);
    slope_ = bytes_per_step;
    since_ = since;
  }
  void leaks_faster_and_faster() { truth_ = GrowthClass::kSuperLinear; }

  GrowthClass truth() const { return truth_; }
  double slope() const { return slope_; }  // bytes per iteration; 0 unless it is steady
  size_t since() const { return since_; }
  const std::vector<int64_t>& bytes() const { return bytes_at_; }
  const std::vector<int64_t>& blocks() const { return blocks_at_; }

 private:
  int64_t bytes_ = 0;
  int64_t blocks_ = 0;
  std::vector<int64_t> bytes_at_;
  std::vector<int64_t> blocks_at_;
  GrowthClass truth_ = GrowthClass::kFlat;
  double slope_ = 0;
  size_t since_ = 0;
};

struct Recipe {
  std::string name;
  size_t shortest;  // iterations
  size_t longest;
  std::function<void(Model&)> play;
  double latest_warm_up = 0.3;  // share of the iterations that may not be judged
};

struct KnownSeries {
  std::string recipe;
  GrowthClass truth = GrowthClass::kFlat;
  double slope = 0;  // bytes per iteration; 0 unless it is steady
  uint64_t since = 0;
  size_t iterations = 0;  // warm-up included
  std::vector<uint64_t> numbers;
  std::vector<int64_t> bytes;
  std::vector<int64_t> blocks;

  bool leaks() const { return is_growth(truth); }
};

// One program of this kind: the same for the same seed.
KnownSeries make_series(const Recipe& recipe, uint64_t seed);

// For truths that a schedule alone does not tell: what the rises after warm-up, of a series that never falls
// and stands still in the end or dies away, come to by the definitions of docs/verdicts.md.
GrowthClass truth_of_rises(const Model& model);

}  // namespace leakhunt::reports::synthetic
