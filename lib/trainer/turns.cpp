#include "lib/trainer/turns.h"

#include <cassert>

namespace leakhunt::trainer {

void Turns::restart() {
  for (auto& next : next_) next.store(0, std::memory_order_relaxed);
}

void Turns::wait(Index place, Index sequence) {
  assert(place < next_.size());
  auto& next = next_[place];
  for (std::uint32_t now; ((now = next.load(std::memory_order_acquire)) & ~given_up) != sequence;) {
    if ((now & given_up) != 0) throw TurnsGivenUp();
    next.wait(now, std::memory_order_acquire);
  }
}

void Turns::pass(Index place, Index sequence) {
  auto& next = next_[place];
  [[maybe_unused]] const std::uint32_t before = next.fetch_add(1, std::memory_order_release);
  assert((before & ~given_up) == sequence);
  next.notify_all();
}

void Turns::give_up() {
  for (auto& next : next_) {
    next.fetch_or(given_up, std::memory_order_relaxed);
    next.notify_all();
  }
}

}  // namespace leakhunt::trainer
