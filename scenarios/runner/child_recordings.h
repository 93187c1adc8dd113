// child_recordings: what the target's children left in OUT/processes, one recording each. They are listed
// here, and closed with symbols when the target has ended; how a child ended, nobody but its parent knows.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "lib/recording/host_codec.h"
#include "scenarios/runner/symbolise.h"

namespace leakhunt::runner {

// What is read of very many: a thousand recordings of small programs take some seconds.
inline constexpr size_t kMostChildren = 1000;

struct ChildRecordings {
  std::vector<std::filesystem::path> files;  // in the order of their names
  size_t left_out = 0;                       // the smallest of more than kMostChildren
};

// `directory` may be missing: nobody had a child.
ChildRecordings list_child_recordings(const std::filesystem::path& directory, size_t most = kMostChildren);

// Appends symbols to those that nobody writes any more, and returns the names of the others: their processes
// go on, and so do their recordings. Removes the directory if there is nothing in it.
recording::LeftRunning close_child_recordings(const std::filesystem::path& directory, Symboliser& symboliser);

}  // namespace leakhunt::runner
