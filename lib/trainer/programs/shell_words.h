// shell_words: command lines that are shown to people, who paste them into a shell.
#pragma once

#include <string>
#include <string_view>

namespace leakhunt::trainer {

// A word as a shell reads it back.
std::string shell_quoted(std::string_view word);

// The command line without `flag` and its value, be that the next word or behind a `=`.
std::string command_without(std::string_view flag, int argc, char** argv);

}  // namespace leakhunt::trainer
