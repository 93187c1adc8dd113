#include "lib/trainer/thread_seams.h"

#include <algorithm>
#include <thread>

namespace leakhunt::trainer {

Index contexts_at_work(Index workers, Index wanted) {
  const Index processors = std::max(1U, std::thread::hardware_concurrency());
  return std::min(workers, wanted != 0 ? wanted : std::min(processors, most_contexts));
}

}  // namespace leakhunt::trainer
