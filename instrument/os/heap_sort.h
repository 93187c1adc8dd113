// heap_sort: in place and without recursion, since it runs on the target's stack.
#pragma once

#include <stddef.h>

namespace leakhunt::tracker {

template <typename T, typename Before>
void sift_down(T* items, size_t root, size_t count, Before before) {
  for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
    if (child + 1 < count && before(items[child], items[child + 1])) ++child;
    if (!before(items[root], items[child])) return;
    const T kept = items[root];
    items[root] = items[child];
    items[child] = kept;
    root = child;
  }
}

// Ascending. Equal items may change places.
template <typename T, typename Before>
void heap_sort(T* items, size_t count, Before before) {
  for (size_t root = count / 2; root-- > 0;) sift_down(items, root, count, before);
  for (size_t last = count; last-- > 1;) {
    const T kept = items[0];
    items[0] = items[last];
    items[last] = kept;
    sift_down(items, 0, last, before);
  }
}

}  // namespace leakhunt::tracker
