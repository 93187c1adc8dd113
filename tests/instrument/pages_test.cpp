#include "instrument/os/pages.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

namespace leakhunt::tracker {
namespace {

// Runs `work` in a forked child; true if it returned true there.
template <typename Work>
bool in_child(Work work) {
  const pid_t child = fork();
  if (child == 0) _exit(work() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool is_mapped(void* page) {
  unsigned char there = 0;
  return mincore(page, kPage, &there) == 0;
}

TEST(Pages, ReadAsZerosInAChildUnlessTheyLast) {
  char* wiped = static_cast<char*>(map_pages(kPage));
  char* lasting = static_cast<char*>(map_lasting_pages(kPage));
  wiped[5] = 'w';
  lasting[5] = 'l';
  EXPECT_TRUE(in_child([&] { return wiped[5] == 0 && lasting[5] == 'l'; }));
  EXPECT_EQ(wiped[5], 'w');
  unmap_pages(wiped, kPage);
  unmap_pages(lasting, kPage);
}

TEST(Pages, OfTheParentAreGivenBackInAChild) {
  const size_t before = mapped_bytes();
  std::vector<void*> pages;
  for (int i = 0; i < 1000; ++i) pages.push_back(map_pages(kPage));
  for (int i = 0; i < 1000; i += 2) unmap_pages(pages[static_cast<size_t>(i)], kPage);
  void* lasting = map_lasting_pages(kPage);
  void* again = map_pages(3 * kPage);
  EXPECT_TRUE(in_child([&] {
    unmap_pages_of_parent();
    for (int i = 1; i < 1000; i += 2) {
      if (is_mapped(pages[static_cast<size_t>(i)])) return false;
    }
    return !is_mapped(again) && is_mapped(lasting) && mapped_bytes() < 100 * kPage;
  }));
  EXPECT_TRUE(is_mapped(again));
  for (int i = 1; i < 1000; i += 2) unmap_pages(pages[static_cast<size_t>(i)], kPage);
  unmap_pages(again, 3 * kPage);
  unmap_pages(lasting, kPage);
  EXPECT_LE(mapped_bytes(), before + 8 * kPage);  // what the list of a thousand areas takes stays
}

TEST(Pages, AreListedFromManyThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 300; ++round) {
        void* a = map_pages(kPage);
        void* b = map_pages(kPage);
        unmap_pages(a, kPage);
        unmap_pages(b, kPage);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  void* left = map_pages(kPage);
  EXPECT_TRUE(in_child([&] {
    unmap_pages_of_parent();
    return !is_mapped(left);
  }));
  unmap_pages(left, kPage);
}

}  // namespace
}  // namespace leakhunt::tracker
