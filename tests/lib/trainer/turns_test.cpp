#include "lib/trainer/turns.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace leakhunt::trainer {
namespace {

TEST(Turns, KeepTheOrderOfTheSequencesAtEveryPlace) {
  constexpr Index places = 50;
  constexpr Index sequences = 8;
  Turns turns(places, *std::pmr::new_delete_resource());
  for (int round = 0; round < 20; ++round) {
    turns.restart();
    std::vector<std::vector<Index>> passed(places);  // without a lock: the turns are the order
    std::vector<std::thread> threads;
    for (Index s = 0; s < sequences; ++s) {
      threads.emplace_back([&, sequence = sequences - 1 - s] {  // the last one starts first
        for (Index place = 0; place < places; ++place) {
          turns.wait(place, sequence);
          passed[place].push_back(sequence);
          turns.pass(place, sequence);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& order : passed) EXPECT_EQ(order, (std::vector<Index>{0, 1, 2, 3, 4, 5, 6, 7}));
  }
}

TEST(Turns, GivenUpEndTheWaiting) {
  Turns turns(2, *std::pmr::new_delete_resource());
  turns.restart();
  int refused = 0;
  std::thread waiting([&] {
    try {
      turns.wait(1, 3);
    } catch (const TurnsGivenUp&) {
      ++refused;
    }
  });
  turns.give_up();
  waiting.join();
  EXPECT_EQ(refused, 1);
  EXPECT_THROW(turns.wait(0, 1), TurnsGivenUp);
  turns.wait(0, 0);  // whose turn it is may still go on
  turns.pass(0, 0);
  turns.wait(0, 1);
  turns.restart();
  turns.wait(0, 0);
  turns.pass(0, 0);
  turns.wait(0, 1);
}

}  // namespace
}  // namespace leakhunt::trainer
