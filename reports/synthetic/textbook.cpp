// The textbook: each shape alone, and leaks under each innocent one.
#include <algorithm>
#include <cmath>

#include "reports/synthetic/families.h"

namespace leakhunt::reports::synthetic {

namespace {

constexpr size_t kLong = 10'000;

double as_double(auto value) {
  return static_cast<double>(value);
}

int64_t block_size(Dice& dice) {
  return dice.log_whole(16, 1 << 20);
}

size_t share_of(const Model& model, double share) {
  return static_cast<size_t>(share * as_double(model.length));
}

// --- innocent -------------------------------------------------------------------------------------

void constant(Model& model) {
  model.add(block_size(model.dice), model.dice.whole(0, 1000));
  model.play([](size_t) {});
}

void linear_fill_to_capacity(Model& model) {
  const int64_t size = block_size(model.dice);
  const int64_t rate = model.dice.log_whole(1, 20);
  const size_t full = share_of(model, model.dice.between(0.05, 0.85));
  model.play([&](size_t i) { model.add(size, i < full ? rate : 0); });
  model.is(truth_of_rises(model));
}

// Asked for random keys until long after it is full.
void random_keys(Model& model, double constants_of_time) {
  const int64_t size = block_size(model.dice);
  const auto keys = static_cast<size_t>(model.dice.log_whole(40, 5000));
  std::vector<bool> present(keys, false);
  const double misses_at_first = constants_of_time * as_double(keys) / as_double(model.length);
  double owed = 0;
  model.play([&](size_t) {
    for (owed += misses_at_first; owed >= 1; --owed) {
      const size_t key = model.dice.index(keys);
      if (!present[key]) model.add(size);
      present[key] = true;
    }
  });
  model.is(truth_of_rises(model));
}

void full_cache(Model& model) {
  random_keys(model, model.dice.between(8, 30));
}

void filling_cache(Model& model) {
  random_keys(model, model.dice.between(2, 5));
}

void singletons(Model& model) {
  std::vector<size_t> made(static_cast<size_t>(model.dice.whole(1, 6)));
  for (size_t& at : made) at = model.dice.index(model.length);
  std::vector<int64_t> sizes;
  for (size_t k = 0; k < made.size(); ++k) sizes.push_back(block_size(model.dice));
  model.play([&](size_t i) {
    for (size_t k = 0; k < made.size(); ++k) model.add(sizes[k], made[k] == i ? 1 : 0);
  });
  model.is(truth_of_rises(model));
}

void doubling_container(Model& model) {
  const double factors[] = {1.5, 1.618, 2, 2, 2};
  const double factor = factors[model.dice.index(5)];
  const int64_t element = model.dice.log_whole(8, 256);
  const double per_iteration = model.dice.log_between(0.3, 50);
  auto capacity = static_cast<int64_t>(model.dice.whole(2, 40));
  model.add(capacity * element);
  size_t rises = 0;
  model.play([&](size_t i) {
    while (as_double(capacity) < per_iteration * as_double(i + 1)) {
      const auto larger = static_cast<int64_t>(std::ceil(as_double(capacity) * factor));
      model.resize(capacity * element, larger * element);
      capacity = larger;
      rises += i > model.warm_up ? 1 : 0;
    }
  });
  model.is(rises == 0 ? GrowthClass::kFlat : rises == 1 ? GrowthClass::kStep : GrowthClass::kDoubling);
}

void highest_mark(Model& model) {
  const int64_t size = block_size(model.dice);
  const double mean = model.dice.log_between(50, 1000);
  int64_t highest = 0;
  model.play([&](size_t) {
    const auto load = static_cast<int64_t>(mean + model.dice.normal() * std::sqrt(mean));
    model.add(size, std::max<int64_t>(0, load - highest));
    highest = std::max(highest, load);
  });
  model.is(truth_of_rises(model));
}

void sawtooth(Model& model) {
  const int64_t size = block_size(model.dice);
  const int64_t rate = model.dice.log_whole(1, 50);
  const size_t period = static_cast<size_t>(model.dice.log_whole(2, static_cast<int64_t>(model.length / 4)));
  const size_t phase = model.dice.index(period);
  int64_t live = 0;
  model.play([&](size_t i) {
    live = (i + phase) % period == 0 ? 0 : live + rate;
    model.remove(size, model.blocks().empty() ? 0 : model.blocks().back());
    model.add(size, live);
  });
  model.is(GrowthClass::kSawtooth);
}

void uneven_sawtooth(Model& model) {
  const int64_t size = block_size(model.dice);
  const double tooth = model.dice.log_between(8, as_double(model.length) / 12);
  int64_t live = 0;
  double next = tooth * model.dice.unit();
  model.play([&](size_t i) {
    if (as_double(i) >= next) {
      model.remove(size, live);
      live = 0;
      next += tooth * model.dice.between(0.4, 1.6);
    }
    model.add(size);
    ++live;
  });
  model.is(GrowthClass::kSawtooth);
}

void checkpoints(Model& model) {
  const int64_t size = block_size(model.dice);
  const int64_t blocks = model.dice.log_whole(1, 100);
  const size_t period = static_cast<size_t>(model.dice.log_whole(5, static_cast<int64_t>(model.length / 12)));
  const size_t lasts = static_cast<size_t>(model.dice.whole(1, static_cast<int64_t>(period / 3 + 1)));
  const size_t phase = model.dice.index(period);
  bool live = false;
  model.play([&](size_t i) {
    const bool wanted = (i + phase) % period < lasts;
    if (wanted != live) model.add(size, wanted ? blocks : -blocks);
    live = wanted;
  });
  model.is(GrowthClass::kSawtooth);
}

void noise(Model& model) {
  const int64_t size = block_size(model.dice);
  const int64_t amplitude = model.dice.log_whole(1, 2000);
  const int64_t level = model.dice.log_whole(1, 5000);
  int64_t live = 0;
  model.play([&](size_t) {
    const int64_t wanted = level + model.dice.whole(0, amplitude);
    model.add(size, wanted - live);
    live = wanted;
  });
  model.is(GrowthClass::kVarying);
}

void noise_with_memory(Model& model) {
  const int64_t size = block_size(model.dice);
  // The level forgets in a twentieth of the run at most: otherwise it has not been seen to come back.
  const double forgets = model.dice.log_between(1, as_double(model.length) / 20);
  const double memory = std::exp(-1 / forgets);
  double level = 0;
  int64_t live = 0;
  model.play([&](size_t) {
    level = level * memory + model.dice.normal() * std::sqrt(1 - memory * memory);
    const auto wanted = std::max<int64_t>(0, static_cast<int64_t>(1000 + 100 * level));
    model.add(size, wanted - live);
    live = wanted;
  });
  model.is(GrowthClass::kVarying);
}

// Resident pages: noise on a level that rises with a phase, and is trimmed now and then.
void allocator_trimming(Model& model) {
  const size_t period = static_cast<size_t>(model.dice.whole(static_cast<int64_t>(model.length / 40 + 4),
                                                             static_cast<int64_t>(model.length / 8 + 4)));
  const int64_t per_step = model.dice.log_whole(1, 64);
  int64_t above = 0;
  int64_t live = 0;
  model.play([&](size_t i) {
    above = i % period == 0 ? model.dice.whole(0, per_step) : above + model.dice.whole(0, per_step);
    const int64_t wanted = 4000 + above;
    model.add(4096, wanted - live);
    live = wanted;
  });
  model.is(GrowthClass::kSawtooth);
}

void warm_up_under_noise(Model& model) {
  const int64_t size = block_size(model.dice);
  const double full = as_double(model.warm_up) + as_double(model.length) * model.dice.between(0.1, 0.3);
  const int64_t amplitude = model.dice.log_whole(2, 100);
  const double height = as_double(amplitude) * model.dice.log_between(10, 100);
  int64_t live = 0;
  model.play([&](size_t i) {
    const auto filled = static_cast<int64_t>(height * std::min(1.0, as_double(i) / full));
    const int64_t wanted = filled + model.dice.whole(0, amplitude);
    model.add(size, wanted - live);
    live = wanted;
  });
  model.is(GrowthClass::kWarmUp);
}

void shrinking(Model& model) {
  const int64_t size = block_size(model.dice);
  const int64_t rate = model.dice.log_whole(1, 10);
  const size_t every = static_cast<size_t>(model.dice.log_whole(1, static_cast<int64_t>(model.length / 20)));
  model.add(size, rate * static_cast<int64_t>(model.length + 1));
  model.play([&](size_t i) { model.remove(size, i % every == 0 ? rate : 0); });
  model.is(GrowthClass::kShrinking);
}

void shrinking_under_noise(Model& model) {
  const int64_t size = block_size(model.dice);
  const double height = model.dice.log_between(500, 20000);
  const auto amplitude = static_cast<int64_t>(height * model.dice.between(0.005, 0.1)) + 1;
  int64_t live = 0;
  model.play([&](size_t i) {
    const double left = 1 - as_double(i) / as_double(model.length);
    const int64_t wanted = static_cast<int64_t>(height * left) + model.dice.whole(0, amplitude);
    model.add(size, wanted - live);
    live = wanted;
  });
  model.is(GrowthClass::kShrinking);
}

// --- leaks ----------------------------------------------------------------------------------------

// What is lost: blocks of one size or of many, every iteration or every so many.
class Leak {
 public:
  explicit Leak(Model& model, bool fixed_size = false)
      : model_(model),
        size_(model.dice.log_whole(16, 1 << 16)),
        varies_(!fixed_size && model.dice.chance(0.3)),
        blocks_(model.dice.chance(0.6) ? 1 : model.dice.whole(2, 8)) {}

  void every(size_t steps) { every_ = steps; }
  void one_block() { blocks_ = 1; }
  void starts_at(size_t iteration) { start_ = iteration; }
  void step(size_t i) {
    if (i < start_ || (i - start_) % every_ != 0) return;
    for (int64_t k = 0; k < blocks_; ++k)
      model_.add(varies_ ? model_.dice.whole(size_ / 2, size_ + size_ / 2) : size_);
  }
  double blocks_per_step() const { return as_double(blocks_) / as_double(every_); }
  double bytes_per_step() const { return as_double(size_) * blocks_per_step(); }
  void tell() { model_.leaks(bytes_per_step(), blocks_per_step(), start_); }

 private:
  Model& model_;
  int64_t size_;
  bool varies_;
  int64_t blocks_;
  size_t every_ = 1;
  size_t start_ = 0;
};

void leak_of_every_iteration(Model& model) {
  Leak leak(model);
  model.play([&](size_t i) { leak.step(i); });
  leak.tell();
}

void leak_of_every_kth(Model& model) {
  Leak leak(model);
  leak.one_block();
  leak.every(static_cast<size_t>(model.dice.log_whole(2, static_cast<int64_t>(model.length / 15))));
  model.play([&](size_t i) { leak.step(i); });
  leak.tell();
}

void sixteen_bytes_in_ten(Model& model) {
  const size_t phase = model.dice.index(10);
  model.play([&](size_t i) { model.add(16, (i + phase) % 10 == 0 ? 1 : 0); });
  model.leaks(1.6, 0.1);
}

void one_block_at_uneven_distances(Model& model) {
  const double mean = model.dice.log_between(2, as_double(model.length) / 40);
  const int64_t size = model.dice.log_whole(16, 1 << 16);
  double next = mean * model.dice.unit();
  model.play([&](size_t i) {
    for (; as_double(i) >= next; next += mean * model.dice.between(0.75, 1.25)) model.add(size);
  });
  model.leaks(as_double(size) / mean, 1 / mean);
}

void at_random_iterations(Model& model) {
  const double probability = model.dice.between(0.1, 0.6);
  const int64_t size = model.dice.log_whole(16, 1 << 16);
  model.play([&](size_t) { model.add(size, model.dice.chance(probability) ? 1 : 0); });
  model.leaks(probability * as_double(size), probability);
}

void leak_that_starts_late(Model& model) {
  Leak leak(model, true);
  leak.starts_at(share_of(model, model.dice.between(0.15, 0.8)));
  model.add(64, 100);
  model.play([&](size_t i) { leak.step(i); });
  leak.tell();
}

void leak_after_filling(Model& model) {
  Leak leak(model, true);
  const int64_t size = block_size(model.dice);
  const size_t full = share_of(model, model.dice.between(0.05, 0.6));
  model.play([&](size_t i) {
    if (i < full) model.add(size);
    leak.step(i);
  });
  leak.tell();
}

void leak_under_sawtooth(Model& model) {
  Leak leak(model, true);
  const size_t period = static_cast<size_t>(model.dice.log_whole(2, static_cast<int64_t>(model.length / 12)));
  const int64_t size = model.dice.log_whole(16, 1 << 12);
  int64_t live = 0;
  model.play([&](size_t i) {
    if (i % period == 0) {
      model.remove(size, live);
      live = 0;
    }
    model.add(size);
    ++live;
    leak.step(i);
  });
  leak.tell();
}

void leak_under_uneven_sawtooth(Model& model) {
  const int64_t size = model.dice.log_whole(16, 1 << 12);
  const double tooth = as_double(model.length) / model.dice.log_between(100, 500);
  const auto every = static_cast<size_t>(model.dice.whole(2, 10));
  int64_t live = 0;
  double next = tooth;
  model.play([&](size_t i) {
    if (as_double(i) >= next) {
      model.remove(size, live);
      live = 0;
      next += tooth * model.dice.between(0.4, 1.6);
    }
    model.add(size, 1 + (i % every == 0 ? 1 : 0));
    ++live;
  });
  model.leaks(as_double(size) / as_double(every), 1 / as_double(every));
}

void leak_under_noise(Model& model) {
  const int64_t size = model.dice.log_whole(16, 1 << 16);
  const auto every = static_cast<size_t>(model.dice.whole(2, 10));
  const auto whole_rise = static_cast<int64_t>(model.length / every);
  const int64_t amplitude = model.dice.log_whole(2, whole_rise);
  int64_t noisy = 0;
  model.play([&](size_t i) {
    const int64_t wanted = model.dice.whole(0, amplitude);
    model.add(size, wanted - noisy + (i % every == 0 ? 1 : 0));
    noisy = wanted;
  });
  model.leaks(as_double(size) / as_double(every), 1 / as_double(every));
}

void leak_under_noise_that_starts_late(Model& model) {
  const int64_t size = model.dice.log_whole(16, 1 << 16);
  const size_t start = share_of(model, model.dice.between(0.2, 0.5));
  const int64_t amplitude = model.dice.log_whole(2, static_cast<int64_t>(model.length / 10));
  const int64_t rate = model.dice.whole(1, 3);
  int64_t noisy = 0;
  model.play([&](size_t i) {
    const int64_t wanted = model.dice.whole(0, amplitude);
    model.add(size, wanted - noisy + (i >= start ? rate : 0));
    noisy = wanted;
  });
  model.leaks(as_double(size * rate), as_double(rate), start);
}

void growing_buffer(Model& model) {
  const int64_t step = model.dice.log_whole(16, 4096);
  int64_t bytes = 4096;
  model.add(bytes);
  model.play([&](size_t) {
    model.resize(bytes, bytes + step);
    bytes += step;
  });
  model.leaks(as_double(step), 0);
}

void power_of_time(Model& model) {
  const double power = model.dice.between(1.8, 3);
  const double scale = model.dice.between(2, 10);
  const int64_t size = block_size(model.dice);
  const double length = as_double(model.length);
  int64_t live = 0;
  model.play([&](size_t i) {
    const auto wanted = static_cast<int64_t>(scale * length * std::pow(as_double(i) / length, power));
    model.add(size, wanted - live);
    live = wanted;
  });
  model.leaks_faster_and_faster();
}

void power_of_time_under_noise(Model& model) {
  const double power = model.dice.between(1.8, 3);
  const double length = as_double(model.length);
  const auto amplitude = static_cast<int64_t>(length * model.dice.between(0.002, 0.05)) + 1;
  int64_t live = 0;
  model.play([&](size_t i) {
    const auto risen = static_cast<int64_t>(4 * length * std::pow(as_double(i) / length, power));
    const int64_t wanted = risen + model.dice.whole(0, amplitude);
    model.add(64, wanted - live);
    live = wanted;
  });
  model.leaks_faster_and_faster();
}

}  // namespace

const std::vector<Recipe>& textbook() {
  static const std::vector<Recipe> recipes = {
      {"constant", 60, kLong, constant},
      {"linear fill to capacity", 60, kLong, linear_fill_to_capacity},
      {"cache of random keys, full", 60, kLong, full_cache},
      {"cache of random keys, filling", 60, kLong, filling_cache},
      {"lazily made singletons", 60, kLong, singletons},
      {"doubling container", 60, kLong, doubling_container},
      {"highest mark of a pool", 60, kLong, highest_mark},
      {"sawtooth", 60, kLong, sawtooth},
      {"uneven sawtooth", 120, kLong, uneven_sawtooth},
      {"checkpoints", 120, kLong, checkpoints},
      {"noise", 60, kLong, noise},
      {"noise with memory", 200, kLong, noise_with_memory},
      {"allocator trimming", 200, kLong, allocator_trimming},
      {"warm-up under noise", 200, kLong, warm_up_under_noise, 0.1},
      {"shrinking", 60, kLong, shrinking},
      {"shrinking under noise", 200, kLong, shrinking_under_noise},
      {"leak in every iteration", 60, kLong, leak_of_every_iteration},
      {"leak in every k-th iteration", 60, kLong, leak_of_every_kth},
      {"16 bytes in 10 iterations", 100, kLong, sixteen_bytes_in_ten},
      {"leak at uneven distances", 120, kLong, one_block_at_uneven_distances},
      {"leak at random iterations", 5000, kLong, at_random_iterations},
      {"leak that starts late", 200, kLong, leak_that_starts_late, 0.15},
      {"leak after a cache has filled", 200, kLong, leak_after_filling},
      {"leak under a sawtooth", 120, kLong, leak_under_sawtooth},
      {"leak under an uneven sawtooth", 1000, kLong, leak_under_uneven_sawtooth},
      {"leak under noise", 2000, kLong, leak_under_noise},
      {"leak under noise that starts late", 2000, kLong, leak_under_noise_that_starts_late, 0.15},
      {"growing buffer", 60, kLong, growing_buffer},
      {"leak as a power of time", 200, kLong, power_of_time, 0.15},
      {"leak as a power of time under noise", 1000, kLong, power_of_time_under_noise, 0.15},
  };
  return recipes;
}

}  // namespace leakhunt::reports::synthetic
