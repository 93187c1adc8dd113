// What the sample project is about: it remembers texts, and with SAMPLE_LEAKS=N it also forgets to free every
// Nth that it forgets.
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "instrument/integrations/googletest_listener.h"

const bool kMemoryIsWatched = leakhunt::watch_googletest();

class Cache {
 public:
  void remember(const std::string& text) { texts_.push_back(text); }
  std::size_t size() const { return texts_.size(); }
  // Keeps a copy for ever, as often as the environment says so.
  void forget_one() {
    static int forgotten = 0;
    const char* every = std::getenv("SAMPLE_LEAKS");
    if (every != nullptr && ++forgotten % std::atoi(every) == 0) lost_ = new std::string(texts_.back());
    texts_.pop_back();
  }

 private:
  std::vector<std::string> texts_;
  std::string* volatile lost_ = nullptr;
};

TEST(Cache, Remembers) {
  Cache cache;
  for (int i = 0; i < 10; ++i) cache.remember("a text that is too long for the string itself");
  EXPECT_EQ(cache.size(), 10u);
}

TEST(Cache, Forgets) {
  Cache cache;
  cache.remember("a text that is too long for the string itself");
  cache.forget_one();
  EXPECT_EQ(cache.size(), 0u);
}
