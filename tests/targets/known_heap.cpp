// Claim: allocations, requested bytes and the peak of the heap are what Valgrind massif and heaptrack find as
// well.
//
// One thread; containers that grow and shrink, two rising peaks and a lower one, reallocation, zero-filled
// and aligned blocks. What is live at the end is freed.
#include <stdlib.h>

#include <list>
#include <map>
#include <string>
#include <vector>

namespace {

size_t build_and_drop(size_t scale) {
  std::map<size_t, std::string> words;
  std::list<std::vector<int>> lists;
  for (size_t i = 0; i < 400 * scale; ++i) {
    words[i * 7919 % 10'007] = std::string(20 + i % 90, 'w');
    if (i % 3 == 0) lists.emplace_back(i % 200 + 1);
    if (i % 5 == 0 && !lists.empty()) lists.pop_front();
  }
  return words.size() + lists.size();
}

}  // namespace

int main() {
  size_t sum = build_and_drop(5);
  char* text = nullptr;
  for (size_t size = 10; size < 300'000; size += size / 3) text = static_cast<char*>(realloc(text, size));
  void* zeroed = calloc(1000, 33);
  void* aligned = nullptr;
  if (posix_memalign(&aligned, 4096, 10'000) != 0) return 1;
  sum += build_and_drop(12);
  free(text);
  sum += build_and_drop(3);
  free(zeroed);
  free(aligned);
  return sum == 0 ? 1 : 0;
}
