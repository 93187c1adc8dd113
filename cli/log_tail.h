// log_tail: the last words of a scenario's program, for the person who has to find out why it failed.
#pragma once

#include <filesystem>
#include <string>

namespace leakhunt::cli {

// At most the last ten lines, without control characters; nothing when there are none.
std::string log_tail(const std::filesystem::path& log);

// On stderr, each line indented, below one that says whose they are.
void print_log_tail(const std::filesystem::path& log);

}  // namespace leakhunt::cli
