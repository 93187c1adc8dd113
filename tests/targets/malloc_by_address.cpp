// Claim: an executable at a fixed address that takes the address of malloc, and so has an entry of that name,
// has no malloc of its own: its heap is seen.
#include <stdlib.h>

int main() {
  void* (*volatile allocate)(size_t) = malloc;
  return allocate(12'345) == nullptr ? 1 : 0;
}
