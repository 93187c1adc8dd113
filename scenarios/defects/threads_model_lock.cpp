// threads-model-lock: one lock around the forward and the backward pass of every worker.
//
// No bytes: any number of workers is as fast as one. The lock is handed on in the order of the sequences,
// since a sequence that held it before its turn would wait for ever for those before it.
#include <condition_variable>
#include <mutex>

#include "scenarios/defects/defect.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

class ModelLock final : public trainer::SequenceObserver {
 public:
  void sequence_begins(trainer::Index number) override {
    std::unique_lock lock(mutex_);
    if (number == 0) next_ = 0;  // of a new step: nobody else is at work
    free_.wait(lock, [&] { return next_ == number; });
  }
  void sequence_ended(trainer::Index number) override {
    {
      const std::lock_guard lock(mutex_);
      next_ = number + 1;
    }
    free_.notify_all();
  }
  const char* lock_name() const override { return "model"; }

 private:
  std::mutex mutex_;
  std::condition_variable free_;
  trainer::Index next_ = 0;
};

}  // namespace

void apply_threads_model_lock(trainer::Seams& seams, std::uint64_t) {
  static ModelLock lock;
  seams.threads.sequence_observer = &lock;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
