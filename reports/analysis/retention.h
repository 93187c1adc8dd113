// retention: why the blocks of a finding stay, from the heap graphs of the run (docs/heap-graph.md).
//
//   reachability      how many of them are reachable, possibly, indirectly or definitely lost
//   way               the shortest chain of pointers from a root to one of them
//   last holder       the slot that pointed to a block in one graph, and does not in the next, in which the
//                     block is lost
//   circle            that lost blocks form: nothing but themselves points to them
//   container         whose number of pointers to such blocks rises from graph to graph
//
// The figures are those of the last graph before the program ended, since at its end main's variables are
// gone; where there is no other, of the one at the end.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/recording/run.h"

namespace leakhunt::reports {

// Where a pointer lies: in a root or in a block.
struct Holder {
  std::optional<recording::SiteId> site;  // of the block; none: a root
  recording::RootKind root{};
  uint64_t thread = 0;  // of a root in a thread
  uint64_t slot = 0;    // bytes into the block; of a root its address, of a register its number

  bool operator==(const Holder&) const = default;
};

struct WayStep {
  Holder holder;
  uint64_t blocks = 1;        // that hold one another in this very way, one after the other: a list
  uint64_t bytes_inside = 0;  // the pointer points so far behind the next block's beginning
};

struct LastHolder {
  Holder holder;
  uint64_t seen = 0;  // iteration at whose end it was seen
  uint64_t gone = 0;
  // What the slot holds now.
  enum class Now : uint8_t {
    kSomethingElse,
    kOtherBlock,
    kHolderIsGone,
    kHolderIsLost
  } now = Now::kSomethingElse;
  std::optional<recording::SiteId> other;  // kOtherBlock: its site
  uint64_t blocks = 0;                     // that were lost so
  uint64_t compared = 0;                   // of so many that were held in the one graph and lost in the next
  // The blocks of the finding are held by blocks of this site, which were lost so.
  std::optional<recording::SiteId> through;
};

struct Container {
  Holder holder;        // its slot means nothing
  uint64_t before = 0;  // pointers to such blocks, at `before_iteration`
  uint64_t after = 0;
  uint64_t before_iteration = 0;
  uint64_t after_iteration = 0;
};

struct Retention {
  uint64_t iteration = 0;  // completed, when the graph was taken
  bool at_end = false;     // of the process
  recording::ReachCount held[recording::kReaches] = {};
  recording::Reach mostly{};     // the largest of them, in bytes
  uint64_t threads_unknown = 0;  // that ran on: pointers in their registers were not seen
  std::vector<WayStep> way;      // empty: none was found
  recording::SiteId way_to{};
  std::optional<uint64_t> retained_bytes;  // by the first block of the way: what would go with it
  std::optional<LastHolder> last_holder;
  std::optional<Holder> circle;  // by which slot one of it points to another
  std::optional<Container> container;

  uint64_t lost_bytes() const { return held[0].bytes + held[1].bytes; }
};

const char* to_string(recording::Reach reach);

// Of the blocks of these sites. Absent where no graph saw one.
std::optional<Retention> find_retention(const recording::Run& run,
                                        const std::vector<recording::SiteId>& sites);

}  // namespace leakhunt::reports
