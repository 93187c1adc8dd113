#include "lib/trainer/worker_pool.h"

#include <algorithm>
#include <cassert>
#include <csignal>
#include <system_error>
#include <utility>

namespace leakhunt::trainer {
namespace {

// While it lives, this thread and those it starts take no signals.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

WorkerPool::WorkerPool(Index workers, std::size_t stack_bytes, std::pmr::memory_resource& stacks,
                       std::pmr::memory_resource& records)
    : stack_bytes_(stack_bytes), stacks_(stacks), threads_(&records), free_lanes_(&records) {
  assert(workers > 0);
  threads_.reserve(workers);
  free_lanes_.reserve(workers);
  const SignalsBlocked blocked;
  try {
    while (threads_.size() < workers) start_thread();
  } catch (...) {
    end_threads();
    throw;
  }
}

WorkerPool::~WorkerPool() {
  end_threads();
}

void WorkerPool::start_thread() {
  void* stack = stacks_.allocate(stack_bytes_);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  int error = pthread_attr_setstack(&attributes, stack, stack_bytes_);
  Thread thread{.handle = {}, .stack = stack};
  const auto serve = [](void* pool) -> void* {
    static_cast<WorkerPool*>(pool)->serve();
    return nullptr;
  };
  if (error == 0) error = pthread_create(&thread.handle, &attributes, serve, this);
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    stacks_.deallocate(stack, stack_bytes_);
    throw std::system_error(error, std::generic_category(),
                            "worker " + std::to_string(threads_.size() + 1) + " cannot be started");
  }
  threads_.push_back(thread);
}

void WorkerPool::end_threads() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  for (const Thread& thread : threads_) {
    pthread_join(thread.handle, nullptr);
    stacks_.deallocate(thread.stack, stack_bytes_);
  }
  threads_.clear();
}

void WorkerPool::run_calls(Index tasks, Index lanes, Call call) {
  assert(lanes > 0);
  if (tasks == 0) return;
  std::unique_lock lock(mutex_);
  call_ = call;
  tasks_ = tasks;
  next_task_ = 0;
  lanes_ = std::min({lanes, threads_.size(), tasks});
  for (Index lane = lanes_; lane > 0; --lane) free_lanes_.push_back(lane - 1);
  for (Index lane = 0; lane < lanes_; ++lane) wake_.notify_one();
  done_.wait(lock, [this] { return next_task_ >= tasks_ && free_lanes_.size() == lanes_; });
  free_lanes_.clear();
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void WorkerPool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return ending_ || (next_task_ < tasks_ && !free_lanes_.empty()); });
    if (ending_) return;
    work_off(lock);
  }
}

void WorkerPool::work_off(std::unique_lock<std::mutex>& lock) {
  const Index lane = free_lanes_.back();
  free_lanes_.pop_back();
  while (next_task_ < tasks_) {
    const Index task = next_task_++;
    const Call call = call_;
    lock.unlock();
    std::exception_ptr failure = attempt(call, task, lane);
    lock.lock();
    if (failure == nullptr) continue;
    next_task_ = tasks_;
    if (failure_ == nullptr || task < failed_task_) {
      failure_ = std::move(failure);
      failed_task_ = task;
    }
  }
  free_lanes_.push_back(lane);
  if (free_lanes_.size() == lanes_) done_.notify_one();
}

std::exception_ptr WorkerPool::attempt(Call call, Index task, Index lane) {
  try {
    call.function(call.work, task, lane);
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace leakhunt::trainer
