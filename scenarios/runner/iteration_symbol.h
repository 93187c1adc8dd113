// iteration_symbol: finds the function of --iteration-symbol in the program's files, before anything is
// started, and works out how the tracker is to watch its entry.
//
// Looked through are the executable and the libraries it needs, as its own loader finds them (ld.so --list,
// which runs nothing of the program). A name may carry a file: "libsqlite3.so.0:sqlite3_step", also of one
// that will only be loaded by dlopen.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace leakhunt::runner {

// Texts for the tracker: EntryPatch in instrument/os/entry_patch.h reads them.
struct EntryWatch {
  std::string function;
  std::string
      loader;  // the loader's own call at every change of its list of modules; empty: cannot be watched
};

// `program` was inspected already. The error is a sentence: no such function and which are near, several of
// them and how to choose, or why its entry cannot be watched.
tl::expected<EntryWatch, std::string> find_iteration_symbol(const std::filesystem::path& program,
                                                            std::string_view symbol);

}  // namespace leakhunt::runner
