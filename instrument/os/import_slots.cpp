#include "instrument/os/import_slots.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "instrument/os/atomics.h"
#include "instrument/os/pages.h"
#include "instrument/os/proc_self.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

namespace {

constexpr int kMostRounds = 16;

// What the dynamic section of a module says about its imports.
struct Imports {
  const ElfW(Rela) * relocations[2];
  size_t counts[2];
  const ElfW(Sym) * symbols;
  const char* names;
};

struct Extent {
  uintptr_t begin;
  uintptr_t end;
  bool holds(uintptr_t address) const { return address >= begin && address < end; }
};

Extent extent_of(const dl_phdr_info& module) {
  Extent extent{UINTPTR_MAX, 0};
  for (unsigned i = 0; i < module.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = module.dlpi_phdr[i];
    if (segment.p_type != PT_LOAD) continue;
    const uintptr_t begin = module.dlpi_addr + segment.p_vaddr;
    if (begin < extent.begin) extent.begin = begin;
    if (begin + segment.p_memsz > extent.end) extent.end = begin + segment.p_memsz;
  }
  return extent;
}

// glibc has added the bias to these pointers where it could write to the section.
uintptr_t absolute(const dl_phdr_info& module, uintptr_t pointer) {
  return pointer < module.dlpi_addr ? pointer + module.dlpi_addr : pointer;
}

bool read_imports(const dl_phdr_info& module, Imports* imports) {
  const ElfW(Dyn)* entry = nullptr;
  for (unsigned i = 0; i < module.dlpi_phnum; ++i) {
    if (module.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    entry = reinterpret_cast<const ElfW(Dyn)*>(module.dlpi_addr + module.dlpi_phdr[i].p_vaddr);
  }
  if (entry == nullptr) return false;
  *imports = Imports{};
  for (; entry->d_tag != DT_NULL; ++entry) {
    const uintptr_t pointer = absolute(module, entry->d_un.d_ptr);
    const size_t entries = entry->d_un.d_val / sizeof(ElfW(Rela));
    if (entry->d_tag == DT_JMPREL) imports->relocations[0] = reinterpret_cast<const ElfW(Rela)*>(pointer);
    if (entry->d_tag == DT_PLTRELSZ) imports->counts[0] = entries;
    if (entry->d_tag == DT_RELA) imports->relocations[1] = reinterpret_cast<const ElfW(Rela)*>(pointer);
    if (entry->d_tag == DT_RELASZ) imports->counts[1] = entries;
    if (entry->d_tag == DT_SYMTAB) imports->symbols = reinterpret_cast<const ElfW(Sym)*>(pointer);
    if (entry->d_tag == DT_STRTAB) imports->names = reinterpret_cast<const char*>(pointer);
  }
  return imports->symbols != nullptr && imports->names != nullptr;
}

// Modules that were ever added to the loader's list.
unsigned long long added_modules() {
  unsigned long long added = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* module, size_t, void* result) {
        *static_cast<unsigned long long*>(result) = module->dlpi_adds;
        return 1;
      },
      &added);
  return added;
}

// Returns when every dlopen that was going on has come to its end: it holds the lock that this takes.
void wait_for_loads() {
  Dl_info ignored;
  dladdr(reinterpret_cast<void*>(&gnu_get_libc_version), &ignored);
}

}  // namespace

// One pass over the modules, with the loader's list locked.
class ImportSlots::Walk {
 public:
  Walk(ImportSlots& slots, bool restoring, unsigned long long added)
      : slots_(slots), restoring_(restoring), added_(added), hooks_(bounds(true)), reals_(bounds(false)) {}
  ~Walk() { close_page(); }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  // False: modules came in between, or there is no memory.
  bool run() {
    const auto visit = [](dl_phdr_info* module, size_t, void* self) {
      return static_cast<Walk*>(self)->visit(*module) ? 0 : 1;
    };
    return dl_iterate_phdr(visit, this) == 0;
  }
  bool out_of_memory() const { return out_of_memory_; }

 private:
  Extent bounds(bool of_hooks) const {
    Extent extent{UINTPTR_MAX, 0};
    for (size_t i = 0; i < slots_.replacement_count_; ++i) {
      const Replacement& each = slots_.replacements_[i];
      const uintptr_t address = of_hooks ? each.hook : each.real;
      if (each.real == 0) continue;
      if (address < extent.begin) extent.begin = address;
      if (address + 1 > extent.end) extent.end = address + 1;
    }
    return extent;
  }

  bool visit(const dl_phdr_info& module) {
    if (module.dlpi_adds != added_) return false;
    const Extent extent = extent_of(module);
    Imports imports{};
    if (extent.holds(slots_.own_) || is_loader(extent) || !read_imports(module, &imports)) return true;
    for (int table = 0; table < 2; ++table) {
      for (size_t i = 0; i < imports.counts[table] && imports.relocations[table] != nullptr; ++i) {
        look_at(module, extent, imports, imports.relocations[table][i]);
      }
    }
    close_page();
    return !out_of_memory_;
  }

  // r_brk is a function of the loader.
  static bool is_loader(const Extent& extent) { return extent.holds(_r_debug.r_brk); }

  void look_at(const dl_phdr_info& module, const Extent& extent, const Imports& imports,
               const ElfW(Rela) & relocation) {
    const auto type = ELF64_R_TYPE(relocation.r_info);
    if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT && type != R_X86_64_64) return;
    const uintptr_t address = module.dlpi_addr + relocation.r_offset;
    if (address % sizeof(uintptr_t) != 0 || (type == R_X86_64_64 && relocation.r_addend != 0)) return;
    uintptr_t* slot = reinterpret_cast<uintptr_t*>(address);
    const uintptr_t value = load_relaxed(*slot);
    if (restoring_) return restore(slot, value);
    const bool unbound = type == R_X86_64_JUMP_SLOT && extent.holds(value);
    if (!unbound && !reals_.holds(value)) return;
    const ElfW(Sym)& symbol = imports.symbols[ELF64_R_SYM(relocation.r_info)];
    if (unbound && symbol.st_shndx != SHN_UNDEF) return;
    const Replacement* found = unbound ? by_name(imports.names + symbol.st_name) : by_real(value);
    if (found == nullptr) return;
    if (slots_.remember(slot, value)) {
      write(slot, found->hook);
    } else {
      out_of_memory_ = true;
    }
  }

  void restore(uintptr_t* slot, uintptr_t value) {
    if (!hooks_.holds(value)) return;
    for (size_t i = 0; i < slots_.replacement_count_; ++i) {
      const Replacement& each = slots_.replacements_[i];
      if (each.hook == value && each.real != 0) return write(slot, slots_.original(slot, each.real));
    }
  }

  const Replacement* by_real(uintptr_t value) const {
    for (size_t i = 0; i < slots_.replacement_count_; ++i) {
      if (slots_.replacements_[i].real == value) return &slots_.replacements_[i];
    }
    return nullptr;
  }
  const Replacement* by_name(const char* name) const {
    for (size_t i = 0; i < slots_.replacement_count_; ++i) {
      const Replacement& each = slots_.replacements_[i];
      if (each.real != 0 && strcmp(each.name, name) == 0) return &each;
    }
    return nullptr;
  }

  void write(uintptr_t* slot, uintptr_t value) {
    if (open_page(reinterpret_cast<uintptr_t>(slot))) store_release(*slot, value);
  }

  // Makes the slot's page writable. Its protection is that of now, from the kernel.
  bool open_page(uintptr_t address) {
    const uintptr_t page = address & ~uintptr_t{kPage - 1};
    if (page == page_) return true;
    close_page();
    MappedArea area{};
    if (!find_mapped_area(page, &area)) return false;
    if ((area.protection & PROT_WRITE) == 0 &&
        is_error(system_call(SYS_mprotect, page, kPage, area.protection | PROT_WRITE))) {
      return false;
    }
    page_ = page;
    protection_ = area.protection;
    return true;
  }
  void close_page() {
    if (page_ != 0 && (protection_ & PROT_WRITE) == 0) {
      system_call(SYS_mprotect, page_, kPage, protection_);
    }
    page_ = 0;
  }

  ImportSlots& slots_;
  bool restoring_;
  unsigned long long added_;
  Extent hooks_;
  Extent reals_;
  uintptr_t page_ = 0;  // writable now because of us; 0: none
  int protection_ = 0;  // that it had
  bool out_of_memory_ = false;
};

bool ImportSlots::replace(const Replacement* replacements, size_t count, uintptr_t own) {
  replacements_ = replacements;
  replacement_count_ = count;
  own_ = own;
  return for_all_modules(false);
}

bool ImportSlots::restore() {
  next_ = 0;
  if (!for_all_modules(true)) return false;
  if (originals_ != nullptr) unmap_pages(originals_, capacity_ * sizeof(Original));
  originals_ = nullptr;
  count_ = capacity_ = 0;
  return true;
}

// A module that dlopen is just relocating must not be touched: its pages are about to change their
// protection. The loader's list grows before that and is not locked during it. So: count the modules, wait
// for the loads that are going on, and if the count is still the same, every module in the list is complete;
// as long as the list is locked, none is added.
bool ImportSlots::for_all_modules(bool restoring) {
  for (int round = 0; round < kMostRounds; ++round) {
    const unsigned long long added = added_modules();
    wait_for_loads();
    Walk walk(*this, restoring, added);
    if (walk.run()) return true;
    if (walk.out_of_memory()) return false;
  }
  return false;
}

bool ImportSlots::remember(uintptr_t* slot, uintptr_t value) {
  for (size_t i = 0; i < count_; ++i) {  // a module that was unloaded had one at the same address
    if (originals_[i].slot != slot) continue;
    originals_[i].value = value;
    return true;
  }
  if (count_ == capacity_) {
    const size_t bytes = capacity_ == 0 ? kPage : capacity_ * sizeof(Original) * 2;
    Original* larger = static_cast<Original*>(map_pages(bytes));
    if (larger == nullptr) return false;
    for (size_t i = 0; i < count_; ++i) larger[i] = originals_[i];
    if (originals_ != nullptr) unmap_pages(originals_, capacity_ * sizeof(Original));
    originals_ = larger;
    capacity_ = bytes / sizeof(Original);
  }
  originals_[count_++] = {slot, value};
  return true;
}

uintptr_t ImportSlots::original(const uintptr_t* slot, uintptr_t otherwise) {
  for (size_t i = 0; i < count_; ++i) {
    const size_t at = (next_ + i) % count_;
    if (originals_[at].slot != slot) continue;
    next_ = at + 1;
    return originals_[at].value;
  }
  return otherwise;
}

}  // namespace leakhunt::tracker
