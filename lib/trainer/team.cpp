#include "lib/trainer/team.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace leakhunt::trainer {
namespace {

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// Returns when `value` is no longer `old`.
void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old, unsigned spins) {
  for (unsigned i = 0; i < spins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    relax();
  }
  value.wait(old, std::memory_order_acquire);
}

unsigned spins_for(unsigned threads) {
  constexpr unsigned some_microseconds = 2000;
  const unsigned processors = std::thread::hardware_concurrency();
  return processors >= threads ? some_microseconds : 0;
}

}  // namespace

Team::Team(unsigned threads) : size_(threads), spins_(spins_for(threads)) {
  helpers_.reserve(threads - 1);
  try {
    for (unsigned index = 1; index < threads; ++index) {
      helpers_.emplace_back([this, index] { help(index); });
    }
  } catch (...) {
    end();
    throw;
  }
}

Team::~Team() {
  end();
}

void Team::end() {
  over_ = true;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void Team::run_all(Call call, const void* work) {
  call_ = call;
  work_ = work;
  at_work_.store(size() - 1, std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  call(work, {0, size()});
  for (std::uint32_t left = at_work_.load(std::memory_order_acquire); left != 0;
       left = at_work_.load(std::memory_order_acquire)) {
    wait_for_change(at_work_, left, spins_);
  }
}

void Team::help(unsigned index) {
  for (std::uint32_t round = 0;;) {
    wait_for_change(round_, round, spins_);
    ++round;  // rounds come one at a time: the caller waits for all
    if (over_) return;
    call_(work_, {index, size()});
    if (at_work_.fetch_sub(1, std::memory_order_acq_rel) == 1) at_work_.notify_one();
  }
}

Team& alone() {
  static Team team(1);
  return team;
}

}  // namespace leakhunt::trainer
