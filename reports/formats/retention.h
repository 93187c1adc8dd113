// retention: what the heap graphs say of a finding, in words. One line each, as labels.h says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reports/report.h"

namespace leakhunt::reports {

// "data", "thread-local data", "unclaimed memory", "stack", "register".
std::string_view to_string(recording::RootKind kind);

// "global 'g_tape' + 16", "the stack of thread 3", "member Chunk::next (+0x0) of a block from arena.cpp:57".
std::string holder_words(const Report& report, const Holder& holder);
// The variable alone, whatever slot in it: "global 'g_tape'", "the stack of thread 3".
std::string root_words(const Report& report, const Holder& holder);
// "global 'g_tape' + 16 -> 57 blocks from tape.cpp:81, each by +0x40 of the one before -> ..."; "" for none.
std::string way_words(const Report& report, const Retention& retention);
// What became of the slot: "it points to a newer block from arena.cpp:57 now".
std::string now_words(const Report& report, const LastHolder& last);

// For a person: reachability, who holds them or who did, what grows, where to look. Without a graph nothing,
// or why there is none.
std::vector<std::string> retention_sentences(const Report& report, const Finding& finding);

}  // namespace leakhunt::reports
