// rules: what DESIGN says about arrows between rooms, and the habits of the house, as functions of a source
// tree.
//
// Each returns what is wrong, and for every violation the mend. Called by house_rules_test (this checkout)
// and rules_test (made-up trees).
#pragma once

#include <string>
#include <vector>

#include "tests/style/source_tree.h"

namespace leakhunt::style {

struct Violation {
  std::string file;
  size_t line = 1;  // from 1
  std::string message;
};
std::string describe(const std::vector<Violation>& violations);  // "file:line: message", one a line

// Includes are written from the root, name a file of the tree, and follow the table of allowed arrows.
std::vector<Violation> check_arrows(const SourceTree& tree);
// Inside the target there is libc only.
std::vector<Violation> check_tracker_headers(const SourceTree& tree);
// Every folder with sources says in a README.md of at most thirty lines what it is for. A folder of tests
// that mirrors one of the tree is explained there.
std::vector<Violation> check_readmes(const SourceTree& tree);
// At most 500 lines a source.
std::vector<Violation> check_lengths(const SourceTree& tree);
// A header starts with a comment that says what lives there, and has #pragma once.
std::vector<Violation> check_headers(const SourceTree& tree);
// No file or folder is named after nothing.
std::vector<Violation> check_names(const SourceTree& tree);
// What runs at every malloc calls nothing that could allocate, lock or throw.
std::vector<Violation> check_hot_path(const SourceTree& tree);
// Unfinished work stands in an issue, not in the source.
std::vector<Violation> check_marks(const SourceTree& tree);
// Every source is built by some CMakeLists.txt.
std::vector<Violation> check_dead_files(const SourceTree& tree);

}  // namespace leakhunt::style
