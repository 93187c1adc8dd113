#include "instrument/os/program_file.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "instrument/os/pages.h"
#include "instrument/os/system_call.h"

namespace leakhunt::tracker {

namespace {

constexpr unsigned kMostInterpreters = 4;  // the kernel's own limit for scripts of scripts
constexpr size_t kShebang = 256;           // and for the first line of one
const char kLoader[] = "/ld-linux-x86-64.so.2";

class OpenedFile {
 public:
  explicit OpenedFile(const char* path)
      : file_(static_cast<int>(system_call(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0))) {}
  ~OpenedFile() {
    if (file_ >= 0) system_call(SYS_close, file_);
  }
  OpenedFile(const OpenedFile&) = delete;
  OpenedFile& operator=(const OpenedFile&) = delete;
  int number() const { return file_; }

 private:
  int file_;
};

size_t read_at(int file, void* to, size_t bytes, uint64_t offset) {
  const long got = system_call(SYS_pread64, file, to, bytes, offset);
  return is_error(got) ? 0 : static_cast<size_t>(got);
}

// setuid, setgid, file capabilities: the loader takes no library from outside.
bool gains_privileges(int file) {
  struct stat status {};
  if (is_error(system_call(SYS_fstat, file, &status)) || !S_ISREG(status.st_mode)) return true;
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0) return true;
  return system_call(SYS_fgetxattr, file, "security.capability", nullptr, 0L) > 0;
}

bool has_our_loader(int file) {
  Elf64_Ehdr header{};
  if (read_at(file, &header, sizeof header, 0) != sizeof header) return false;
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64) return false;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    const uint64_t at = header.e_phoff + uint64_t{i} * sizeof segment;
    if (read_at(file, &segment, sizeof segment, at) != sizeof segment) return false;
    if (segment.p_type != PT_INTERP) continue;
    char loader[64] = {};
    const size_t bytes = segment.p_filesz < sizeof loader - 1 ? segment.p_filesz : sizeof loader - 1;
    read_at(file, loader, bytes, segment.p_offset);
    const size_t size = strlen(loader);
    return size >= sizeof kLoader - 1 && strcmp(loader + size - (sizeof kLoader - 1), kLoader) == 0;
  }
  return false;
}

// "#!  /bin/sh -e": leaves "/bin/sh". False for other files.
bool read_interpreter(int file, char (&line)[kShebang]) {
  const size_t bytes = read_at(file, line, sizeof line - 1, 0);
  line[bytes] = '\0';
  if (line[0] != '#' || line[1] != '!') return false;
  const char* from = line + 2 + strspn(line + 2, " \t");
  const size_t size = strcspn(from, " \t\n");
  memmove(line, from, size);
  line[size] = '\0';
  return size != 0;
}

bool can_load_us(int file, unsigned interpreters) {
  char line[kShebang];
  if (!read_interpreter(file, line)) return !gains_privileges(file) && has_our_loader(file);
  if (interpreters == kMostInterpreters) return false;
  const OpenedFile interpreter(line);
  return interpreter.number() >= 0 && can_load_us(interpreter.number(), interpreters + 1);
}

bool join(const char* directory, size_t directory_bytes, const char* file, char* path, size_t capacity) {
  const size_t file_bytes = strlen(file);
  if (directory_bytes + file_bytes + 2 > capacity) return false;
  memcpy(path, directory, directory_bytes);
  if (directory_bytes != 0) path[directory_bytes++] = '/';
  memcpy(path + directory_bytes, file, file_bytes + 1);
  return true;
}

}  // namespace

bool can_load_us(int program) {
  return can_load_us(program, 0);
}

bool can_load_us(const char* path) {
  const OpenedFile program(path);
  return program.number() >= 0 && can_load_us(program.number(), 0);
}

bool find_in_path(const char* file, char* path, size_t capacity) {
  if (file[0] == '\0') return false;
  if (strchr(file, '/') != nullptr) return join("", 0, file, path, capacity);
  const char* directories = getenv("PATH");
  if (directories == nullptr) directories = "/bin:/usr/bin";
  for (;;) {
    const size_t size = strcspn(directories, ":");
    if (join(directories, size, file, path, capacity) &&
        !is_error(system_call(SYS_faccessat, AT_FDCWD, path, 1 /* X_OK */))) {
      return true;
    }
    if (directories[size] == '\0') return false;
    directories += size + 1;
  }
}

}  // namespace leakhunt::tracker
