#include "instrument/os/proc_self.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "instrument/os/loader_symbol.h"
#include "instrument/os/pages.h"
#include "instrument/os/small_file.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

namespace {

const char* parse_decimal(const char* at, uint64_t* value) {
  while (*at == ' ') ++at;
  uint64_t result = 0;
  while (*at >= '0' && *at <= '9') result = result * 10 + static_cast<uint64_t>(*at++ - '0');
  *value = result;
  return at;
}

uint64_t nanoseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// The GNU build-id among the notes of an object whose ELF header is in memory at `begin`.
void find_build_id(LoadedObject* object) {
  const ElfW(Ehdr)* header = reinterpret_cast<const ElfW(Ehdr)*>(object->begin);
  if (header->e_ident[0] != 0x7F || header->e_ident[1] != 'E' || header->e_phentsize != sizeof(ElfW(Phdr)))
    return;
  if (header->e_phoff + header->e_phnum * sizeof(ElfW(Phdr)) > kPage) return;  // only the first page is sure
  const ElfW(Phdr)* segments = reinterpret_cast<const ElfW(Phdr)*>(object->begin + header->e_phoff);
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    if (segments[i].p_type != PT_NOTE) continue;
    uintptr_t at = object->bias + segments[i].p_vaddr;
    const uintptr_t end = at + segments[i].p_memsz;
    if (at < object->begin || end > object->end) continue;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      const ElfW(Nhdr)* note = reinterpret_cast<const ElfW(Nhdr)*>(at);
      const uintptr_t name = at + sizeof *note;
      const uintptr_t content = name + (note->n_namesz + 3u) / 4 * 4;
      if (note->n_type == NT_GNU_BUILD_ID && content + note->n_descsz <= end) {
        object->build_id = reinterpret_cast<const uint8_t*>(content);
        object->build_id_bytes = note->n_descsz;
        return;
      }
      at = content + (note->n_descsz + 3u) / 4 * 4;
    }
  }
}

}  // namespace

ResidentMemory resident_memory() {
  char text[128];
  const size_t bytes = read_small_file("/proc/self/statm", text, sizeof text - 1);
  text[bytes] = '\0';
  uint64_t total = 0;
  uint64_t resident = 0;
  uint64_t shared = 0;
  parse_decimal(parse_decimal(parse_decimal(text, &total), &resident), &shared);
  return {resident * kPage, shared * kPage};
}

uint64_t minor_faults() {
  rusage usage{};
  system_call(SYS_getrusage, RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_minflt);
}

uint64_t monotonic_ns() {
  return nanoseconds(CLOCK_MONOTONIC);
}

uint64_t thread_cpu_ns() {
  return nanoseconds(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t realtime_ns() {
  return nanoseconds(CLOCK_REALTIME);
}

size_t read_link(const char* path, char* buffer, size_t capacity) {
  const long bytes = system_call(SYS_readlinkat, AT_FDCWD, path, buffer, capacity);
  return is_error(bytes) ? 0 : static_cast<size_t>(bytes);
}

// Lines are "7f12a000-7f12c000 rw-p ...": only the two numbers at their beginning and the letters behind them
// are looked at, across reads.
bool find_mapped_area(uintptr_t address, MappedArea* area) {
  const long file = system_call(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
  if (is_error(file)) return false;
  uintptr_t numbers[2] = {0, 0};
  int reading = 0;  // which of the two; 2, 3, 4: the letters; 5: the rest of the line
  int protection = 0;
  bool found = false;
  char text[1024];
  for (long bytes = 1; bytes > 0 && !found;) {
    bytes = system_call(SYS_read, file, text, sizeof text);
    for (long i = 0; i < bytes && !found; ++i) {
      const char c = text[i];
      if (c == '\n') {
        numbers[0] = numbers[1] = 0;
        reading = 0;
        protection = 0;
      } else if (reading == 5) {
        continue;
      } else if (reading >= 2) {
        if (c == 'r') protection |= PROT_READ;
        if (c == 'w') protection |= PROT_WRITE;
        if (c == 'x') protection |= PROT_EXEC;
        if (++reading == 5) found = address >= numbers[0] && address < numbers[1];
      } else if (c == '-' || c == ' ') {
        ++reading;
      } else {
        numbers[reading] = numbers[reading] * 16 + static_cast<uintptr_t>(c <= '9' ? c - '0' : c - 'a' + 10);
      }
    }
  }
  system_call(SYS_close, file);
  if (found) *area = {numbers[0], numbers[1], protection};
  return found;
}

bool find_loaded_object(uintptr_t address, LoadedObject* object) {
  dl_find_object found{};
  if (_dl_find_object(reinterpret_cast<void*>(address), &found) != 0) return false;
  const link_map* map = found.dlfo_link_map;
  *object = LoadedObject{map->l_addr,
                         reinterpret_cast<uintptr_t>(found.dlfo_map_start),
                         reinterpret_cast<uintptr_t>(found.dlfo_map_end),
                         map->l_name != nullptr ? map->l_name : "",
                         nullptr,
                         0};
  find_build_id(object);
  return true;
}

// A handle of dlopen is the object's entry in the loader's list; a lookup by it begins with the object.
uintptr_t own_function(uintptr_t inside, const char* name) {
  dl_find_object found{};
  if (_dl_find_object(reinterpret_cast<void*>(inside), &found) != 0) return 0;
  const uintptr_t address = reinterpret_cast<uintptr_t>(loader_symbol(found.dlfo_link_map, name));
  const bool is_own = address >= reinterpret_cast<uintptr_t>(found.dlfo_map_start) &&
                      address < reinterpret_cast<uintptr_t>(found.dlfo_map_end);
  return is_own ? address : 0;
}

// Who is called by such an entry is called through a slot, which may be ours.
bool is_definition(uintptr_t address) {
  Dl_info info{};
  ElfW(Sym)* symbol = nullptr;
  void** extra = reinterpret_cast<void**>(&symbol);
  if (dladdr1(reinterpret_cast<void*>(address), &info, extra, RTLD_DL_SYMENT) == 0) return false;
  const bool is_its = symbol != nullptr && reinterpret_cast<uintptr_t>(info.dli_saddr) == address;
  return !is_its || symbol->st_shndx != SHN_UNDEF;
}

namespace {

// By its path: the loader makes a library's own scope when it is opened by itself.
uintptr_t definition_in(const link_map& library, const char* name) {
  if (library.l_name == nullptr || library.l_name[0] != '/') return 0;
  void* handle = dlopen(library.l_name, RTLD_LAZY | RTLD_NOLOAD);
  if (handle == nullptr) return 0;
  const uintptr_t found = reinterpret_cast<uintptr_t>(loader_symbol(handle, name));
  // By its address: the name is that of our hook, which has nothing behind it yet.
  const auto close = reinterpret_cast<int (*)(void*)>(loader_symbol(RTLD_DEFAULT, "dlclose"));
  if (close != nullptr) close(handle);
  return found != 0 && is_definition(found) ? found : 0;
}

}  // namespace

uintptr_t bound_function(const char* name, uintptr_t not_in) {
  const uintptr_t own = own_function(not_in, name);
  const uintptr_t bound = reinterpret_cast<uintptr_t>(loader_symbol(RTLD_DEFAULT, name));
  if (bound == 0 || bound == own) return 0;
  if (is_definition(bound)) return bound;
  for (link_map* map = _r_debug.r_map; map != nullptr; map = map->l_next) {
    const uintptr_t found = definition_in(*map, name);
    if (found != 0 && found != own) return found;
  }
  return 0;
}

// The loader's list is in the order of loading.
bool is_loaded_behind_libc(uintptr_t address) {
  dl_find_object ours{};
  dl_find_object libc{};
  if (_dl_find_object(reinterpret_cast<void*>(address), &ours) != 0) return false;
  if (_dl_find_object(reinterpret_cast<void*>(&gnu_get_libc_version), &libc) != 0) return false;
  for (const link_map* map = ours.dlfo_link_map; map != nullptr; map = map->l_next) {
    if (map == libc.dlfo_link_map) return false;
  }
  return true;
}

}  // namespace leakhunt::tracker
