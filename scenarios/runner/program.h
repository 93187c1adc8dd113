// program: where a program is, and whether the tracker can get into it. Says no before anything is started,
// because a preload that did not take would look like a program without allocations.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "scenarios/runner/elf_header.h"

namespace leakhunt::runner {

// As a shell looks: a name with a / is a path, seen from the last of `directories` (from here when there are
// none). Any other name is looked for in the first of `directories`, on PATH, and in the others. Absolute.
// The error is a phrase: "the program X was not found in A, in B, or on PATH".
tl::expected<std::filesystem::path, std::string> find_program(
    std::string_view name, const std::vector<std::filesystem::path>& directories);

struct ProgramKind {
  bool is_script = false;      // begins with #!; what was judged is its interpreter
  bool needs_tracker = false;  // is linked with libleakhunt.so: an instrumented build
};

// Reads the program's first bytes and its dynamic section. The error is a sentence: why nothing could be
// recorded in it (missing, no permission, statically linked, setuid, for another machine or C library, not a
// program), and the mend.
tl::expected<ProgramKind, std::string> inspect_program(const std::filesystem::path& program);

// Why the tracker cannot get into such a program, beginning with a verb; absent when it can.
std::optional<std::string> why_not_trackable(const ElfHeader& elf);

}  // namespace leakhunt::runner
