// worker_pool: threads that work off numbered tasks, and wait in between.
//
//   run(tasks, lanes, work)     work(task, lane) for every task from 0, claimed in ascending order
//
// At most `lanes` tasks are at work at a time, and a running task has its lane for itself: what a task needs
// for its work is kept once per lane, not once per worker. A worker that has finished a task goes on with the
// next in the same lane, so workers beyond the number of lanes sleep and cost only the stack they have
// touched. The pool's lock is held for claiming, never while a task is at work. After the start nothing is
// taken from the heap.
#pragma once

#include <pthread.h>

#include <condition_variable>
#include <exception>
#include <memory_resource>
#include <mutex>
#include <type_traits>
#include <vector>

#include "lib/trainer/index.h"

namespace leakhunt::trainer {

class WorkerPool {
 public:
  // Starts `workers` threads (at least one) with stacks of `stack_bytes` from `stacks`, which must outlive
  // the pool; what else is kept comes from `records`. The threads take no signals: those go to the threads of
  // the program. Throws std::system_error when a thread cannot be started.
  WorkerPool(Index workers, std::size_t stack_bytes, std::pmr::memory_resource& stacks,
             std::pmr::memory_resource& records);
  // Ends the threads. No run() may be under way.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  Index workers() const { return threads_.size(); }

  // Calls work(task, lane) for each task in [0, tasks), with lane in [0, min(lanes, workers())), and returns
  // when all are done. After an exception in a task no further one is begun; when those at work have ended,
  // the exception of the lowest task is thrown here, and the pool is ready for another run. One run at a
  // time.
  template <typename Work>
  void run(Index tasks, Index lanes, Work&& work) {
    using Plain = std::remove_reference_t<Work>;
    const auto call = [](void* plain, Index task, Index lane) { (*static_cast<Plain*>(plain))(task, lane); };
    run_calls(tasks, lanes, {call, &work});
  }

 private:
  struct Call {
    void (*function)(void* work, Index task, Index lane) = nullptr;
    void* work = nullptr;
  };
  struct Thread {
    pthread_t handle;
    void* stack;
  };

  void run_calls(Index tasks, Index lanes, Call call);
  void start_thread();
  void end_threads();
  void serve();
  void work_off(std::unique_lock<std::mutex>& lock);
  static std::exception_ptr attempt(Call call, Index task, Index lane);

  std::size_t stack_bytes_;
  std::pmr::memory_resource& stacks_;
  std::pmr::vector<Thread> threads_;

  std::mutex mutex_;  // of everything below
  std::condition_variable wake_;
  std::condition_variable done_;
  bool ending_ = false;
  Call call_;
  Index tasks_ = 0;
  Index next_task_ = 0;
  Index lanes_ = 0;
  std::pmr::vector<Index> free_lanes_;
  std::exception_ptr failure_;
  Index failed_task_ = 0;
};

}  // namespace leakhunt::trainer
