#include "lib/symbols/data_names.h"

#include <dwarf.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <tuple>
#include <utility>

#include "lib/symbols/symbol_table.h"

namespace leakhunt::symbols {

namespace {

using recording::DataName;
using recording::MemberName;

constexpr int kDeepest = 16;  // typedefs, nested members

std::string_view name_of(Dwarf_Die die) {
  const char* name = dwarf_diename(&die);
  return name != nullptr ? name : "";
}

std::optional<Dwarf_Die> type_of(Dwarf_Die die) {
  Dwarf_Attribute attribute;
  Dwarf_Die type;
  if (dwarf_attr_integrate(&die, DW_AT_type, &attribute) == nullptr) return std::nullopt;
  if (dwarf_formref_die(&attribute, &type) == nullptr) return std::nullopt;
  return type;
}

// Without const, volatile and typedef.
std::optional<Dwarf_Die> plain(std::optional<Dwarf_Die> type) {
  for (int i = 0; type && i < kDeepest; ++i) {
    const int tag = dwarf_tag(&*type);
    if (tag != DW_TAG_const_type && tag != DW_TAG_volatile_type && tag != DW_TAG_typedef) return type;
    type = type_of(*type);
  }
  return std::nullopt;
}

bool is_structure(Dwarf_Die type) {
  const int tag = dwarf_tag(&type);
  return tag == DW_TAG_structure_type || tag == DW_TAG_class_type;
}

std::optional<Dwarf_Die> structure_pointed_to(std::optional<Dwarf_Die> type) {
  type = plain(type);
  if (!type || dwarf_tag(&*type) != DW_TAG_pointer_type) return std::nullopt;
  type = plain(type_of(*type));
  if (!type || !is_structure(*type) || name_of(*type).empty()) return std::nullopt;
  return dwarf_bytesize(&*type) > 0 ? type : std::nullopt;
}

// The first type that a template is given.
std::optional<Dwarf_Die> type_argument(Dwarf_Die type) {
  Dwarf_Die child;
  if (dwarf_child(&type, &child) != 0) return std::nullopt;
  do {
    if (dwarf_tag(&child) == DW_TAG_template_type_parameter) return plain(type_of(child));
  } while (dwarf_siblingof(&child, &child) == 0);
  return std::nullopt;
}

// What std::unique_ptr<T> and its like own.
std::optional<Dwarf_Die> structure_owned_by(Dwarf_Die owner) {
  const std::string_view name = name_of(owner);
  if (!name.starts_with("unique_ptr<") && !name.starts_with("shared_ptr<")) return std::nullopt;
  auto owned = type_argument(owner);
  return owned && is_structure(*owned) ? owned : std::nullopt;
}

// The structure that a function hands out which returns this type.
std::optional<Dwarf_Die> structure_handed_out(std::optional<Dwarf_Die> type) {
  if (const auto pointed_to = structure_pointed_to(type)) return pointed_to;
  type = plain(type);
  return type && is_structure(*type) ? structure_owned_by(*type) : std::nullopt;
}

std::optional<uint64_t> number_of(Dwarf_Die die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (dwarf_attr_integrate(&die, name, &attribute) == nullptr) return std::nullopt;
  return dwarf_formudata(&attribute, &value) == 0 ? std::optional<uint64_t>(value) : std::nullopt;
}

// "Arena::Chunk": without the namespaces, which a report need not repeat.
std::string type_name(Dwarf_Die type) {
  std::string name(name_of(type));
  Dwarf_Die* scopes = nullptr;
  const int count = dwarf_getscopes_die(&type, &scopes);
  for (int i = 1; i < count && is_structure(scopes[i]); ++i)
    name.insert(0, std::string(name_of(scopes[i])).append("::"));
  std::free(scopes);
  return name;
}

uint64_t size_of(std::optional<Dwarf_Die> type) {
  type = plain(type);
  Dwarf_Word size = 0;
  if (!type || dwarf_aggregate_size(&*type, &size) != 0) return 0;
  return size;
}

// The library's room for a value that it makes itself: a node's, say.
std::optional<Dwarf_Die> value_in_buffer(Dwarf_Die type) {
  const std::string_view name = name_of(type);
  if (!name.starts_with("__aligned_membuf<") && !name.starts_with("__aligned_buffer<")) return std::nullopt;
  auto value = type_argument(type);
  return value && is_structure(*value) ? value : std::nullopt;
}

std::string member_path(Dwarf_Die type, uint64_t offset, int depth);

// "next", "list.first", "slots[3]".
std::string path_in(const Dwarf_Die& member, const std::string& name, uint64_t offset, int depth) {
  std::optional<Dwarf_Die> type = plain(type_of(member));
  if (!type) return name;
  if (dwarf_tag(&*type) == DW_TAG_array_type) {
    const uint64_t element = size_of(type_of(*type));
    if (element == 0) return name;
    return name + "[" + std::to_string(offset / element) + "]";
  }
  if (!is_structure(*type)) return name;
  if (const auto value = value_in_buffer(*type)) type = value;
  const std::string inner = member_path(*type, offset, depth + 1);
  if (inner.empty()) return name;
  return name.empty() ? inner : name + "." + inner;
}

// Base classes have no name of their own: their members count as the type's.
std::string member_path(Dwarf_Die type, uint64_t offset, int depth) {
  Dwarf_Die child;
  if (depth > kDeepest || dwarf_child(&type, &child) != 0) return "";
  do {
    const int tag = dwarf_tag(&child);
    if (tag != DW_TAG_member && tag != DW_TAG_inheritance) continue;
    const auto begin = number_of(child, DW_AT_data_member_location);
    const uint64_t size = size_of(type_of(child));
    if (!begin || offset < *begin || offset - *begin >= size) continue;
    // A base class without members lies where the first member does.
    std::string path =
        path_in(child, tag == DW_TAG_member ? std::string(name_of(child)) : "", offset - *begin, depth);
    if (!path.empty()) return path;
  } while (dwarf_siblingof(&child, &child) == 0);
  return "";
}

// What stands between a program and malloc: the standard library, and what is called as allocators are.
bool is_plumbing(Dwarf_Die function) {
  const char* file = dwarf_decl_file(&function);
  if (file != nullptr && std::string_view(file).find("/include/c++/") != std::string_view::npos) return true;
  const std::string_view name = name_of(function);
  return name.empty() || name.starts_with("operator new") || name == "do_allocate" || name == "allocate" ||
         name.ends_with("alloc");
}

// The functions around the address, outermost first, with those that are inlined. (dwarf_getscopes() leaves
// the caller of an inlined function for the place where that one was written.)
void add_scopes(Dwarf_Die parent, uint64_t address, std::vector<Dwarf_Die>& scopes) {
  Dwarf_Die child;
  if (dwarf_child(&parent, &child) != 0) return;
  do {
    const int tag = dwarf_tag(&child);
    if (tag == DW_TAG_namespace) {
      add_scopes(child, address, scopes);
      continue;
    }
    const bool is_function = tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
    if ((!is_function && tag != DW_TAG_lexical_block) || dwarf_haspc(&child, address) <= 0) continue;
    if (is_function) scopes.push_back(child);
    return add_scopes(child, address, scopes);
  } while (dwarf_siblingof(&child, &child) == 0);
}

// A variable of the function, or of a block in it, that is declared in the line.
std::optional<Dwarf_Die> declared_in_line(Dwarf_Die scope, uint64_t line, int depth) {
  Dwarf_Die child;
  if (depth > kDeepest || dwarf_child(&scope, &child) != 0) return std::nullopt;
  do {
    const int tag = dwarf_tag(&child);
    if (tag == DW_TAG_lexical_block) {
      if (const auto found = declared_in_line(child, line, depth + 1)) return found;
    }
    if (tag != DW_TAG_variable || number_of(child, DW_AT_decl_line) != line) continue;
    if (const auto type = structure_pointed_to(type_of(child))) return type;
  } while (dwarf_siblingof(&child, &child) == 0);
  return std::nullopt;
}

}  // namespace

DataNamer::DataNamer(ElfFile file, const DebugRoots& roots) : file_(std::move(file)) {
  if (!file_.has_section(".debug_info")) split_ = find_split_debug(file_, roots);
  const ElfFile& debug = split_ ? *split_ : file_;
  dwarf_ = dwarf_begin_elf(debug.elf(), DWARF_C_READ, nullptr);
  if (dwarf_ == nullptr) return;
  shared_ = find_shared_debug(debug, roots);
  if (shared_) shared_dwarf_ = dwarf_begin_elf(shared_->elf(), DWARF_C_READ, nullptr);
  if (shared_dwarf_ != nullptr) dwarf_setalt(dwarf_, shared_dwarf_);
}

DataNamer::DataNamer(DataNamer&& other) noexcept
    : file_(std::move(other.file_)),
      split_(std::move(other.split_)),
      shared_(std::move(other.shared_)),
      dwarf_(std::exchange(other.dwarf_, nullptr)),
      shared_dwarf_(std::exchange(other.shared_dwarf_, nullptr)),
      variables_(std::move(other.variables_)),
      variables_read_(other.variables_read_) {}

DataNamer::~DataNamer() {
  if (dwarf_ != nullptr) dwarf_end(dwarf_);
  if (shared_dwarf_ != nullptr) dwarf_end(shared_dwarf_);
}

std::optional<DataNamer> DataNamer::open(const std::string& path, std::span<const uint8_t> build_id,
                                         const DebugRoots& roots) {
  auto file = ElfFile::open(path);
  if (!file || !matches(*file, build_id)) return std::nullopt;
  return DataNamer(std::move(*file), roots);
}

void DataNamer::read_variables() {
  variables_read_ = true;
  read_symbols(file_);
  if (split_) read_symbols(*split_);
  // Of several names of one variable the first by the alphabet, every time.
  std::sort(variables_.begin(), variables_.end(), [](const Variable& a, const Variable& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
}

void DataNamer::read_symbols(const ElfFile& file) {
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(file.elf(), section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_entsize == 0) continue;
    if (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    const size_t count = header.sh_size / header.sh_entsize;
    for (size_t i = 0; data != nullptr && i < count; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
      if (GELF_ST_TYPE(symbol.st_info) != STT_OBJECT || symbol.st_shndx == SHN_UNDEF || symbol.st_size == 0)
        continue;
      const char* name = elf_strptr(file.elf(), header.sh_link, symbol.st_name);
      if (name != nullptr && *name != '\0')
        variables_.push_back({symbol.st_value, symbol.st_value + symbol.st_size, name});
    }
  }
}

std::optional<DataName> DataNamer::variable_at(uint64_t address) {
  if (!variables_read_) read_variables();
  auto behind = std::upper_bound(variables_.begin(), variables_.end(), address,
                                 [](uint64_t at, const Variable& variable) { return at < variable.begin; });
  if (behind == variables_.begin()) return std::nullopt;
  auto found = std::prev(behind);
  while (found != variables_.begin() && std::prev(found)->begin == found->begin) --found;
  if (address >= found->end) return std::nullopt;
  DataName name;
  name.variable = demangle(found->name);
  name.offset = address - found->begin;
  if (const auto type = plain(type_of_variable(found->begin)); type && is_structure(*type))
    name.member = member_path(*type, name.offset, 0);
  return name;
}

namespace {

// In the unit, its namespaces and its types.
std::optional<Dwarf_Die> variable_among(Dwarf_Die parent, uint64_t address, int depth) {
  Dwarf_Die child;
  if (depth > kDeepest || dwarf_child(&parent, &child) != 0) return std::nullopt;
  do {
    const int tag = dwarf_tag(&child);
    if (tag == DW_TAG_namespace) {
      if (const auto found = variable_among(child, address, depth + 1)) return found;
    }
    if (tag != DW_TAG_variable) continue;
    Dwarf_Attribute attribute;
    Dwarf_Op* operations = nullptr;
    size_t count = 0;
    if (dwarf_attr(&child, DW_AT_location, &attribute) == nullptr) continue;
    if (dwarf_getlocation(&attribute, &operations, &count) != 0 || count == 0) continue;
    if (operations[0].atom == DW_OP_addr && operations[0].number == address) return child;
  } while (dwarf_siblingof(&child, &child) == 0);
  return std::nullopt;
}

}  // namespace

std::optional<Dwarf_Die> DataNamer::type_of_variable(uint64_t address) {
  Dwarf_CU* unit = nullptr;
  Dwarf_Die root;
  while (dwarf_ != nullptr && dwarf_get_units(dwarf_, unit, &unit, nullptr, nullptr, &root, nullptr) == 0) {
    if (const auto variable = variable_among(root, address, 0)) return type_of(*variable);
  }
  return std::nullopt;
}

std::optional<Dwarf_Die> DataNamer::unit_at(uint64_t address) {
  Dwarf_CU* unit = nullptr;
  Dwarf_Die root;
  while (dwarf_ != nullptr && dwarf_get_units(dwarf_, unit, &unit, nullptr, nullptr, &root, nullptr) == 0) {
    if (dwarf_haspc(&root, address) > 0) return root;
  }
  return std::nullopt;
}

DataNamer::Found DataNamer::type_allocated_at(uint64_t call, uint32_t line, Allocated* allocated) {
  auto unit = unit_at(call);
  if (!unit) return Found::kPlumbing;
  std::vector<Dwarf_Die> scopes;
  add_scopes(*unit, call, scopes);
  Found found = Found::kPlumbing;
  uint64_t at_line = line;  // of the call in the scope that is looked at
  for (size_t i = scopes.size(); i-- > 0 && found == Found::kPlumbing;) {
    std::optional<Dwarf_Die> type;
    const bool plumbing = is_plumbing(scopes[i]);
    if (!plumbing) {
      found = Found::kNothing;
      type = declared_in_line(scopes[i], at_line, 0);
    }
    if (!type) type = structure_handed_out(type_of(scopes[i]));
    if (type) {
      *allocated = {*type, name_of(scopes[i]) == "allocate"};
      found = Found::kType;
    }
    at_line = number_of(scopes[i], DW_AT_call_line).value_or(0);
  }
  return found;
}

std::optional<MemberName> DataNamer::member_at(const Allocated& allocated, uint64_t offset) {
  const uint64_t size = size_of(allocated.type);
  if (size == 0 || (offset >= size && !allocated.is_array)) return std::nullopt;
  const std::string member = member_path(allocated.type, offset % size, 0);
  if (member.empty()) return std::nullopt;
  return MemberName{type_name(allocated.type), member};
}

}  // namespace leakhunt::symbols
