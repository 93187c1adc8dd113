// data_names: data to names. Which variable lies at an address of a module; of which type the blocks of a
// call site are, and which of its members lies at an offset.
//
// Called on the host after a run, as the symbolizer. Variables come from symbol tables, types from DWARF: of
// the file itself, and of what was split off it (split_debug.h). Nothing in DWARF says what type a block is
// of; it is concluded from the functions of the call site, from the allocator outwards:
//   the function returns a pointer to a structure          Chunk* new_chunk(), unique_ptr<Arena>
//   make_unique() or a variable declared in the line of the call is one  Node* node = malloc(...)
// A function that answers for neither ends the search: then the type is not known.
#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lib/recording/run.h"
#include "lib/symbols/elf_file.h"
#include "lib/symbols/split_debug.h"

namespace leakhunt::symbols {

class DataNamer {
 public:
  // Nothing when there is no such file, or it is another build's.
  static std::optional<DataNamer> open(const std::string& path, std::span<const uint8_t> build_id,
                                       const DebugRoots& roots = debug_roots_of_environment());
  DataNamer(DataNamer&& other) noexcept;
  DataNamer& operator=(DataNamer&&) = delete;
  ~DataNamer();

  // `address` as linked.
  std::optional<recording::DataName> variable_at(uint64_t address);

  // The structure that a function around `call` (an address in the call, as linked) allocates; inlined ones
  // are looked at first.
  enum class Found { kType, kNothing, kPlumbing };  // kPlumbing: ask the next frame outwards
  struct Allocated {
    Dwarf_Die type{};
    bool is_array = false;  // it was std::allocator's own function that told the type: a container's elements
  };
  Found type_allocated_at(uint64_t call, uint32_t line, Allocated* allocated);

  // `offset` bytes into the block. Nothing where padding lies, or behind a structure that is no array.
  static std::optional<recording::MemberName> member_at(const Allocated& allocated, uint64_t offset);

 private:
  struct Variable {
    uint64_t begin;
    uint64_t end;
    std::string name;
  };

  DataNamer(ElfFile file, const DebugRoots& roots);
  void read_variables();
  void read_symbols(const ElfFile& file);
  std::optional<Dwarf_Die> unit_at(uint64_t address);
  std::optional<Dwarf_Die> type_of_variable(uint64_t address);

  ElfFile file_;
  std::optional<ElfFile> split_;   // what was stripped off it
  std::optional<ElfFile> shared_;  // what dwz moved to a file of several programs
  Dwarf* dwarf_ = nullptr;
  Dwarf* shared_dwarf_ = nullptr;
  std::vector<Variable> variables_;  // by address
  bool variables_read_ = false;
};

}  // namespace leakhunt::symbols
