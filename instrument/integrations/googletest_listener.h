// googletest_listener: memory of GoogleTest programs. In one file of the program:
//
//   #include "instrument/integrations/googletest_listener.h"
//   const bool kMemoryIsWatched = leakhunt::watch_googletest();
//
// and then   leakhunt run -- ./tests --gtest_repeat=30
//
// Under leakhunt every repetition of the program is an iteration and every test a tag ("test Suite.Name"), so
// the report names the test that leaks. Besides, a test fails when it kept blocks in each of its last
// repetitions (see kRepetitions). Without leakhunt, nothing happens. Like GoogleTest's own events: one
// thread.
#pragma once

#include <gtest/gtest.h>
#include <stdint.h>
#include <stdio.h>

#include "instrument/leakhunt.h"

namespace leakhunt {

class GoogleTestListener : public testing::EmptyTestEventListener {
 public:
  // The first repetitions of a test may fill caches; growth in so many after them, one after the other, is a
  // leak.
  static constexpr int kWarmUp = 2;
  static constexpr int kRepetitions = 5;

  ~GoogleTestListener() override {
    while (memories_ != nullptr) {
      Memory* next = memories_->next;
      delete memories_;
      memories_ = next;
    }
  }

  void OnTestStart(const testing::TestInfo& test) override {
    if (!leakhunt_heap_use) return;
    char name[64];
    snprintf(name, sizeof name, "test %s.%s", test.test_suite_name(), test.name());
    current_ = memory_of(&test);
    outer_tag_ = leakhunt_tag_switch(leakhunt_tag(name));
    measuring_ = leakhunt_heap_use(&before_, 0) != 0;
  }

  void OnTestEnd(const testing::TestInfo& test) override {
    if (!leakhunt_heap_use) return;
    leakhunt_heap_counters after;
    const bool measured = measuring_ && leakhunt_heap_use(&after, 0) != 0;
    leakhunt_tag_switch(outer_tag_);
    if (!measured || !test.result()->Passed()) return;  // the messages of a failed test are kept
    const int64_t blocks = net(after.allocations, after.frees) - net(before_.allocations, before_.frees);
    const int64_t bytes =
        net(after.allocated_bytes, after.freed_bytes) - net(before_.allocated_bytes, before_.freed_bytes);
    Memory& memory = *current_;
    ++memory.repetitions;
    memory.growing = blocks > 0 && bytes > 0 && memory.repetitions > kWarmUp ? memory.growing + 1 : 0;
    if (memory.growing < kRepetitions) return;
    memory.growing = 0;
    ADD_FAILURE() << "leakhunt: " << test.test_suite_name() << '.' << test.name()
                  << " kept memory in each of its last " << kRepetitions << " repetitions: " << bytes
                  << " bytes in " << blocks
                  << " blocks in this one; leakhunt report shows who allocated them";
  }

  void OnTestIterationEnd(const testing::UnitTest&, int iteration) override {
    if (leakhunt_iteration) leakhunt_iteration(static_cast<uint64_t>(iteration));
  }

 private:
  // Of one test; in a list, since a container would allocate while it measures.
  struct Memory {
    const testing::TestInfo* test;
    int repetitions;
    int growing;  // in so many of the last ones
    Memory* next;
  };

  static int64_t net(uint64_t more, uint64_t less) { return static_cast<int64_t>(more - less); }

  Memory* memory_of(const testing::TestInfo* test) {
    for (Memory* memory = memories_; memory != nullptr; memory = memory->next) {
      if (memory->test == test) return memory;
    }
    return memories_ = new Memory{test, 0, 0, memories_};
  }

  Memory* memories_ = nullptr;
  Memory* current_ = nullptr;
  leakhunt_heap_counters before_{};
  leakhunt_tag_id outer_tag_ = 0;
  bool measuring_ = false;
};

// Adds the listener. Call it once, before RUN_ALL_TESTS.
inline bool watch_googletest() {
  testing::UnitTest::GetInstance()->listeners().Append(new GoogleTestListener);  // which takes ownership
  return true;
}

}  // namespace leakhunt
