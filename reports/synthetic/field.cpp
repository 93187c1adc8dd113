// The field: programs as they are met. Objects come and go by their own rules; the truth is what the program
// does with them, not the shape that results.
#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "reports/synthetic/families.h"

namespace leakhunt::reports::synthetic {

namespace {

constexpr size_t kLong = 10'000;

double as_double(auto value) {
  return static_cast<double>(value);
}

// Objects that die at an iteration that is known when they are born.
class Mortals {
 public:
  explicit Mortals(Model& model) : model_(model) {}

  void born(size_t now, double lifetime, int64_t bytes) {
    model_.add(bytes);
    deaths_.emplace(now + 1 + static_cast<size_t>(lifetime), bytes);
  }
  void bury(size_t now) {
    for (auto dead = deaths_.begin(); dead != deaths_.end() && dead->first <= now; dead = deaths_.erase(dead))
      model_.remove(dead->second);
  }

 private:
  Model& model_;
  std::multimap<size_t, int64_t> deaths_;
};

double exponential(Dice& dice, double mean) {
  return -mean * std::log(1 - dice.unit());
}

// Rank of a word: frequent ones are few (Zipf's law, by inversion of the continuous distribution).
size_t zipf(Dice& dice, size_t count) {
  return std::min(count - 1, static_cast<size_t>(std::pow(as_double(count) + 1, dice.unit()) - 1));
}

// --- innocent -------------------------------------------------------------------------------------

// Entries of all sizes; a new one takes the place of the oldest.
void full_lru_cache(Model& model) {
  std::vector<int64_t> entries(static_cast<size_t>(model.dice.log_whole(20, 2000)));
  for (int64_t& entry : entries) {
    entry = model.dice.log_whole(32, 8192);
    model.add(entry);
  }
  size_t oldest = 0;
  model.play([&](size_t) {
    for (int64_t new_ones = model.dice.poisson(as_double(entries.size()) / 20); new_ones > 0; --new_ones) {
      model.remove(entries[oldest]);
      entries[oldest] = model.dice.log_whole(32, 8192);
      model.add(entries[oldest]);
      oldest = (oldest + 1) % entries.size();
    }
  });
  model.is(GrowthClass::kVarying);
}

void sessions(Model& model) {
  Mortals sessions(model);
  const double lifetime = model.dice.log_between(3, as_double(model.length) / 40);
  const double per_iteration = model.dice.log_between(0.5, 10);
  const int64_t size = model.dice.log_whole(64, 4096);
  for (double live = per_iteration * lifetime; live >= 1; --live)
    sessions.born(0, exponential(model.dice, lifetime), size);
  model.play([&](size_t i) {
    sessions.bury(i);
    for (int64_t k = model.dice.poisson(per_iteration); k > 0; --k)
      sessions.born(i, exponential(model.dice, lifetime), size);
  });
  model.is(GrowthClass::kVarying);
}

// Connections are kept for the next peak.
void connection_pool(Model& model) {
  double load = 20;
  int64_t pooled = 0;
  const double memory = 1 - 40 / as_double(model.length);
  model.play([&](size_t) {
    load = 20 + (load - 20) * std::max(0.0, memory) + model.dice.normal();
    const auto needed = static_cast<int64_t>(load);
    model.add(9000, std::max<int64_t>(0, needed - pooled));
    pooled = std::max(pooled, needed);
  });
  model.is(truth_of_rises(model));
}

void buckets_of_a_hash_map(Model& model) {
  const auto keys = static_cast<size_t>(model.dice.log_whole(500, 20000));
  std::vector<bool> present(keys, false);
  size_t entries = 0;
  size_t buckets = 13;
  size_t rises = 0;
  const double per_iteration = 3 * as_double(keys) / as_double(model.length);
  double owed = 0;
  model.add(static_cast<int64_t>(buckets) * 8);
  model.play([&](size_t i) {
    for (owed += per_iteration; owed >= 1; --owed) {
      const size_t key = model.dice.index(keys);
      entries += present[key] ? 0 : 1;
      present[key] = true;
    }
    while (entries > buckets) {
      model.resize(static_cast<int64_t>(buckets) * 8, static_cast<int64_t>(2 * buckets + 3) * 8);
      buckets = 2 * buckets + 3;
      rises += i > model.warm_up ? 1 : 0;
    }
  });
  model.is(rises == 0 ? GrowthClass::kFlat : rises == 1 ? GrowthClass::kStep : GrowthClass::kDoubling);
}

void log_buffer(Model& model) {
  const int64_t limit = model.dice.log_whole(20, static_cast<int64_t>(model.length / 6)) * 100;
  int64_t bytes = 0;
  model.add(0, 0);
  model.play([&](size_t) {
    const int64_t message = model.dice.whole(40, 160);
    if (bytes + message > limit) {
      model.resize(bytes, 0);
      bytes = 0;
    }
    model.resize(bytes, bytes + message);
    bytes += message;
  });
  model.is(GrowthClass::kSawtooth);
}

void garbage_collected_heap(Model& model) {
  const auto threshold = model.dice.log_whole(50, static_cast<int64_t>(model.length / 3));
  int64_t live = 0;
  int64_t survivors = threshold / 5;
  model.play([&](size_t) {
    const int64_t garbage = model.dice.whole(1, 6);
    model.add(48, garbage);
    live += garbage;
    if (live < threshold + survivors) return;
    survivors = threshold / 5 + model.dice.whole(0, threshold / 20);
    model.remove(48, live - survivors);
    live = survivors;
  });
  model.is(GrowthClass::kSawtooth);
}

void day_and_night(Model& model) {
  const double period = as_double(model.length) / model.dice.between(7, 40);
  const double load = model.dice.log_between(50, 3000);
  int64_t live = 0;
  model.play([&](size_t i) {
    const double sun = 1 + 0.8 * std::sin(6.2831853 * as_double(i) / period);
    const int64_t wanted = static_cast<int64_t>(load * sun + std::sqrt(load) * 0.5 * model.dice.normal());
    model.add(256, std::max<int64_t>(0, wanted) - live);
    live = std::max<int64_t>(0, wanted);
  });
  model.is(GrowthClass::kSawtooth);
}

void interned_words(Model& model) {
  const auto words = static_cast<size_t>(model.dice.log_whole(200, 5000));
  std::vector<bool> known(words, false);
  const double per_iteration = 10 * as_double(words) / as_double(model.length);
  double owed = 0;
  model.play([&](size_t) {
    for (owed += per_iteration; owed >= 1; --owed) {
      const size_t word = zipf(model.dice, words);
      if (!known[word]) model.add(static_cast<int64_t>(24 + word % 17));
      known[word] = true;
    }
  });
  model.is(truth_of_rises(model));
}

void modules_loaded_when_needed(Model& model) {
  std::vector<size_t> when(static_cast<size_t>(model.dice.whole(1, 6)));
  for (size_t& at : when)
    at = static_cast<size_t>(as_double(model.length) * model.dice.unit() * model.dice.unit());
  model.add(1000, 5);
  model.play([&](size_t i) {
    for (const size_t at : when) {
      if (at == i) model.add(model.dice.log_whole(100, 100'000), model.dice.whole(1, 300));
    }
  });
  model.is(truth_of_rises(model));
}

void worker_threads_start_up(Model& model) {
  const int64_t threads = model.dice.whole(12, 64);
  const double started = as_double(model.warm_up) + as_double(model.length) * model.dice.between(0.1, 0.4);
  int64_t running = 0;
  model.play([&](size_t i) {
    const auto wanted = static_cast<int64_t>(as_double(threads) * std::min(1.0, as_double(i) / started));
    model.add(132'000, wanted - running);
    running = wanted;
  });
  model.is(truth_of_rises(model));
}

void index_that_is_rebuilt(Model& model) {
  const auto period = static_cast<size_t>(
      model.dice.whole(static_cast<int64_t>(model.length / 20), static_cast<int64_t>(model.length / 7)));
  const size_t build = period / 3 + 1;
  int64_t index = 200;
  int64_t built = 0;
  model.add(512, index);
  model.play([&](size_t i) {
    if (i % period >= build) return;
    model.add(512, 5);
    built += 5;
    if (i % period != build - 1) return;
    model.remove(512, index);
    index = built;
    built = 0;
  });
  model.is(GrowthClass::kSawtooth);
}

void reused_buffer(Model& model) {
  model.add(65536);
  model.play([&](size_t) {
    model.add(100, 3);
    model.remove(100, 3);
  });
}

// --- leaks ----------------------------------------------------------------------------------------

void sessions_that_are_never_closed(Model& model) {
  Mortals sessions(model);
  const double lifetime = model.dice.log_between(3, 60);
  const double per_iteration = model.dice.between(2, 8);
  const double forgotten = model.dice.between(0.1, 0.3) / 2;
  model.play([&](size_t i) {
    sessions.bury(i);
    for (int64_t k = model.dice.poisson(per_iteration); k > 0; --k) {
      if (model.dice.chance(forgotten)) {
        model.add(320);
      } else {
        sessions.born(i, exponential(model.dice, lifetime), 320);
      }
    }
  });
  model.leaks(320 * per_iteration * forgotten, per_iteration * forgotten);
}

void error_path(Model& model) {
  const double probability = model.dice.between(0.1, 0.4);
  model.play([&](size_t) {
    if (model.dice.chance(probability)) model.add(model.dice.whole(24, 200));
  });
  model.leaks(112 * probability, probability);
}

void cache_that_never_evicts(Model& model) {
  const double per_iteration = model.dice.between(1.5, 6);
  model.play([&](size_t) {
    for (int64_t k = model.dice.poisson(per_iteration); k > 0; --k) model.add(model.dice.whole(100, 900));
  });
  model.leaks(500 * per_iteration, per_iteration);
}

void history_in_one_string(Model& model) {
  int64_t bytes = 0;
  model.add(0);
  model.play([&](size_t) {
    const int64_t more = model.dice.whole(20, 80);
    model.resize(bytes, bytes + more);
    bytes += more;
  });
  model.leaks(50, 0);
}

void listeners_of_every_request(Model& model) {
  const int64_t requests = model.dice.whole(1, 12);
  model.play([&](size_t) { model.add(56, requests); });
  model.leaks(56 * as_double(requests), as_double(requests));
}

void copies_of_a_growing_list(Model& model) {
  int64_t elements = 0;
  model.play([&](size_t) {
    elements += 4;
    model.add(elements * 8);
  });
  model.leaks_faster_and_faster();
}

void leak_since_a_reload(Model& model) {
  const auto reload = static_cast<size_t>(as_double(model.length) * model.dice.between(0.2, 0.75));
  const auto every = static_cast<size_t>(model.dice.whole(1, 4));
  model.add(4096, 30);
  model.play([&](size_t i) {
    if (i == reload) model.add(4096, 10);
    if (i >= reload && i % every == 0) model.add(208);
  });
  model.leaks(208 / as_double(every), 1 / as_double(every), reload);
}

void checkpoint_keeps_a_buffer(Model& model) {
  const auto period = static_cast<size_t>(model.dice.log_whole(5, static_cast<int64_t>(model.length / 15)));
  model.play([&](size_t i) {
    if (i % period == 0) model.add(1 << 16, 3);
    if (i % period == 2) model.remove(1 << 16, 2);
  });
  model.leaks(65536 / as_double(period), 1 / as_double(period));
}

void slabs_of_64_objects(Model& model) {
  const double per_iteration = model.dice.between(0.5, 20);
  int64_t room = 0;
  model.play([&](size_t) {
    for (room -= model.dice.poisson(per_iteration); room < 0; room += 64) model.add(4096);
  });
  model.leaks(4096 * per_iteration / 64, per_iteration / 64);
}

void leak_by_day_and_night(Model& model) {
  const double period = as_double(model.length) / model.dice.between(20, 100);
  const double load = model.dice.log_between(20, 300);
  int64_t live = 0;
  int64_t lost = 0;
  model.play([&](size_t i) {
    lost += i % 2 == 0 ? 1 : 0;
    const double sun = 1 + 0.8 * std::sin(6.2831853 * as_double(i) / period);
    const auto wanted = static_cast<int64_t>(load * sun) + lost;
    model.add(96, wanted - live);
    live = wanted;
  });
  model.leaks(48, 0.5);
}

void timers_never_cancelled(Model& model) {
  const auto every = static_cast<size_t>(model.dice.log_whole(2, static_cast<int64_t>(model.length / 20)));
  int64_t waiting = 0;
  model.play([&](size_t i) {
    model.add(128, waiting == 0 ? 4 : -waiting);
    waiting = waiting == 0 ? 4 : 0;
    if (i % every == every - 1) model.add(128);
  });
  model.leaks(128 / as_double(every), 1 / as_double(every));
}

void queue_that_is_not_drained(Model& model) {
  Mortals jobs(model);
  model.play([&](size_t i) {
    jobs.bury(i);
    for (int64_t k = model.dice.poisson(4); k > 0; --k) {
      if (model.dice.chance(0.5)) {
        model.add(700);
      } else {
        jobs.born(i, model.dice.between(0, 30), 700);
      }
    }
  });
  model.leaks(1400, 2);
}

}  // namespace

const std::vector<Recipe>& field() {
  static const std::vector<Recipe> recipes = {
      {"full LRU cache", 200, kLong, full_lru_cache},
      {"sessions", 300, kLong, sessions},
      {"connection pool", 300, kLong, connection_pool},
      {"buckets of a hash map", 60, kLong, buckets_of_a_hash_map},
      {"log buffer", 200, kLong, log_buffer},
      {"garbage-collected heap", 200, kLong, garbage_collected_heap},
      {"day and night", 300, kLong, day_and_night},
      {"interned words", 100, kLong, interned_words},
      {"modules loaded when needed", 60, kLong, modules_loaded_when_needed},
      {"worker threads start up", 300, kLong, worker_threads_start_up},
      {"index that is rebuilt", 200, kLong, index_that_is_rebuilt},
      {"reused buffer", 60, kLong, reused_buffer},
      {"sessions that are never closed", 5000, kLong, sessions_that_are_never_closed},
      {"error path", 5000, kLong, error_path},
      {"cache that never evicts", 300, kLong, cache_that_never_evicts},
      {"history in one string", 60, kLong, history_in_one_string},
      {"listeners of every request", 60, kLong, listeners_of_every_request},
      {"copies of a growing list", 100, kLong, copies_of_a_growing_list},
      {"leak since a reload", 200, kLong, leak_since_a_reload, 0.15},
      {"checkpoint keeps a buffer", 120, kLong, checkpoint_keeps_a_buffer},
      {"slabs of 64 objects", 10000, kLong, slabs_of_64_objects},
      {"leak by day and night", 2000, kLong, leak_by_day_and_night},
      {"timers never cancelled", 100, kLong, timers_never_cancelled},
      {"queue that is not drained", 1000, kLong, queue_that_is_not_drained},
  };
  return recipes;
}

}  // namespace leakhunt::reports::synthetic
