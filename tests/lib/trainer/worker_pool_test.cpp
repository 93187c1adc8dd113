#include "lib/trainer/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <system_error>

#include "lib/trainer/thread_stacks.h"
#include "tests/lib/trainer/counting_resource.h"

namespace leakhunt::trainer {
namespace {

struct Pool {
  explicit Pool(Index workers) : pool(workers, worker_stack_bytes, mapped_stacks(), records) {}
  CountingResource records;
  WorkerPool pool;
};

TEST(WorkerPool, DoesEveryTaskOnceInALaneOfItsOwn) {
  for (const Index workers : {1, 2, 7, 64}) {
    Pool many(workers);
    constexpr Index tasks = 1000;
    std::vector<std::atomic<int>> done(tasks);
    std::vector<std::atomic<int>> in_lane(3);
    std::atomic<bool> alone = true;
    many.pool.run(tasks, 3, [&](Index task, Index lane) {
      if (in_lane.at(lane).fetch_add(1) != 0) alone = false;
      ++done.at(task);
      --in_lane.at(lane);
    });
    for (const auto& times : done) EXPECT_EQ(times, 1);
    EXPECT_TRUE(alone);
  }
}

TEST(WorkerPool, BeginsTasksInAscendingOrder) {
  Pool one(4);
  std::vector<Index> order;
  one.pool.run(100, 1, [&](Index task, Index) { order.push_back(task); });
  for (Index i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], i);
  EXPECT_EQ(order.size(), 100u);
}

TEST(WorkerPool, HasMoreWorkersThanTasksAndMoreLanesThanWorkers) {
  Pool many(16);
  std::atomic<int> done = 0;
  for (int round = 0; round < 200; ++round) many.pool.run(2, 64, [&](Index, Index) { ++done; });
  EXPECT_EQ(done, 400);
}

TEST(WorkerPool, DoesNothingWhenThereIsNothingToDo) {
  Pool some(3);
  some.pool.run(0, 3, [](Index, Index) { FAIL(); });
}

TEST(WorkerPool, EndsWhileIdle) {
  for (int i = 0; i < 50; ++i) Pool(8);
}

TEST(WorkerPool, ThrowsTheExceptionOfTheLowestTaskAndBeginsNoOther) {
  Pool some(4);
  std::atomic<int> begun = 0;
  std::atomic<bool> second_has_thrown = false;
  try {
    some.pool.run(1000, 2, [&](Index task, Index) {
      ++begun;
      if (task == 1) {
        second_has_thrown = true;
        throw std::runtime_error("the second");
      }
      while (!second_has_thrown) sched_yield();
      throw std::runtime_error("the first");
    });
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "the first");
  }
  EXPECT_EQ(begun, 2);
  std::atomic<int> done = 0;
  some.pool.run(10, 4, [&](Index, Index) { ++done; });
  EXPECT_EQ(done, 10);
}

TEST(WorkerPool, GivesEveryStackBack) {
  CountingResource stacks;
  CountingResource records;
  {
    const WorkerPool pool(5, worker_stack_bytes, stacks, records);
    EXPECT_EQ(stacks.live_bytes(), 5 * worker_stack_bytes);
  }
  EXPECT_EQ(stacks.live_bytes(), 0u);
  EXPECT_EQ(records.live_bytes(), 0u);
}

TEST(WorkerPool, TakesNothingWhileItWorks) {
  Pool some(4);
  const auto before = some.records.allocations();
  for (int round = 0; round < 100; ++round) some.pool.run(8, 4, [](Index, Index) {});
  EXPECT_EQ(some.records.allocations(), before);
}

TEST(WorkerPool, SaysThatAThreadCannotBeStarted) {
  CountingResource stacks;
  constexpr std::size_t too_small = 1024;
  try {
    const WorkerPool pool(2, too_small, stacks, *std::pmr::new_delete_resource());
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("worker 1 cannot be started"), std::string::npos);
  }
  EXPECT_EQ(stacks.live_bytes(), 0u);
}

TEST(WorkerPool, LeavesSignalsToTheProgram) {
  Pool some(2);
  some.pool.run(2, 2, [](Index, Index) {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    EXPECT_EQ(sigismember(&blocked, SIGINT), 1);
  });
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  EXPECT_EQ(sigismember(&blocked, SIGINT), 0);
}

TEST(ThreadStacks, HaveAGuardPageBelow) {
  auto* stack = static_cast<char*>(mapped_stacks().allocate(worker_stack_bytes));
  stack[0] = 1;
  stack[worker_stack_bytes - 1] = 1;
  EXPECT_DEATH(*static_cast<volatile char*>(stack - 1) = 1, "");
  mapped_stacks().deallocate(stack, worker_stack_bytes);
}

}  // namespace
}  // namespace leakhunt::trainer
