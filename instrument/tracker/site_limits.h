// How many call sites there can be. A number has to fit into a slot beside an address (live_blocks.h) and
// beside a hash (call_sites.h).
#pragma once

#include <stdint.h>

namespace leakhunt::tracker {

inline constexpr unsigned kSiteBits = 20;
inline constexpr uint32_t kMaxSites = 1u << kSiteBits;

}  // namespace leakhunt::tracker
