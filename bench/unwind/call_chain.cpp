#include "bench/unwind/call_chain.h"

namespace leakhunt::bench::CALL_CHAIN {

namespace {

// Three functions with frames of different shapes, so that more than one rule takes part.
size_t small(unsigned depth, Leaf leaf, void* argument);

__attribute__((noinline)) size_t medium(unsigned depth, Leaf leaf, void* argument) {
  volatile size_t local[9] = {depth};
  return depth == 0 ? leaf(argument) : small(depth - 1, leaf, argument) + local[depth % 9];
}

__attribute__((noinline)) size_t large(unsigned depth, Leaf leaf, void* argument) {
  volatile size_t local[40] = {depth};
  return depth == 0 ? leaf(argument) : medium(depth - 1, leaf, argument) + local[depth % 40];
}

__attribute__((noinline)) size_t small(unsigned depth, Leaf leaf, void* argument) {
  return depth == 0 ? leaf(argument) : large(depth - 1, leaf, argument) + depth;
}

}  // namespace

size_t descend(unsigned depth, Leaf leaf, void* argument) {
  return small(depth, leaf, argument) + 1;
}

}  // namespace leakhunt::bench::CALL_CHAIN
