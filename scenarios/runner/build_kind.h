// build_kind: how a program was built, as far as its debug information says so. A baseline of one build says
// nothing about another.
#pragma once

#include <filesystem>
#include <string>

namespace leakhunt::runner {

// "x86_64", "x86_64 -O2", "x86_64 -O0 -fsanitize=address": the machine, and of the first translation unit in
// C or C++ whose compiler wrote down its switches (GCC's do) how it optimised. Empty: no ELF file. Never
// fails.
std::string build_of(const std::filesystem::path& program);

}  // namespace leakhunt::runner
