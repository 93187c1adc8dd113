// symbolizer: module + offset -> function, file, line, and what was inlined. The door of lib/symbols.
//
// Called on the host after a run, by whoever writes the symbols into a recording, on the machine that has the
// modules. Looks at files only: never at a process, never at a network.
//
//   Symbolizer symbolizer;
//   for (const auto& frames = symbolizer.resolve(module.path, module.build_id, address - module.bias - 1);
//   ...)
//
// One thread at a time. A module is opened at its first address and kept, for as many recordings as are asked
// of one Symbolizer; its units are indexed as they are met, so an address costs a few microseconds once its
// surroundings are known.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "lib/recording/run.h"
#include "lib/symbols/split_debug.h"

namespace leakhunt::symbols {

using recording::SourceFrame;

// Why there are no names.
enum class Unresolved : uint8_t {
  kNoFile,         // not a file, deleted, not readable, or not ELF
  kOtherBuild,     // the file's build-id is not the recorded one: its names would be wrong
  kNotInFunction,  // the file has no symbol and no line there
};
// A sentence without full stop, for a report: "the file has changed since".
std::string_view explain(Unresolved reason);

class Symbolizer {
 public:
  Symbolizer();  // with debug_roots_of_environment()
  explicit Symbolizer(DebugRoots roots);
  ~Symbolizer();
  Symbolizer(const Symbolizer&) = delete;
  Symbolizer& operator=(const Symbolizer&) = delete;

  // `module_path`   as in /proc/<pid>/maps; [vdso] and a trailing " (deleted)" are understood
  // `build_id`      as recorded; empty: any file of that path will do
  // `offset`        address minus load bias, as in the file's own tables. For a return address one less, so
  // that it
  //                 lies in the call
  // The frames are innermost first and at least one. A name may be all that a frame has (line 0, no file), or
  // a line without a name; `inlined` is false in the last one only.
  tl::expected<std::vector<SourceFrame>, Unresolved> resolve(std::string_view module_path,
                                                             std::span<const uint8_t> build_id,
                                                             uint64_t offset);

 private:
  struct Modules;
  std::unique_ptr<Modules> modules_;
};

}  // namespace leakhunt::symbols
