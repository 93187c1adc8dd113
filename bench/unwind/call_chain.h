// A chain of calls of a given depth, compiled twice: as our code is (frame pointers) and as distributions
// compile (without).
#pragma once

#include <stddef.h>

namespace leakhunt::bench {

// Called at the end of the chain.
using Leaf = size_t (*)(void* argument);

namespace with_frame_pointers {
size_t descend(unsigned depth, Leaf leaf, void* argument);
}
namespace without_frame_pointers {
size_t descend(unsigned depth, Leaf leaf, void* argument);
}

}  // namespace leakhunt::bench
