#include "scenarios/runner/process_image.h"

#include <elfutils/libdwfl.h>
#include <sys/uio.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace leakhunt::runner {

namespace {

constexpr size_t kMostFrames = 512;

std::string file_name(const char* path) {
  if (path == nullptr) return {};
  return std::filesystem::path(path).filename().string();
}

// "__read@@GLIBC_2.2.5" is read.
std::string plain_name(std::string_view symbol) {
  symbol = symbol.substr(0, symbol.find('@'));
  while (symbol.starts_with('_')) symbol.remove_prefix(1);
  return std::string(symbol);
}

// No separate debug information is looked for: what a stripped library exports will do, and a server for
// debug information must not be asked while a thread waits.
int no_debug_file(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*, GElf_Word,
                  char**) {
  return -1;
}

const Dwfl_Callbacks kFromProc = {.find_elf = dwfl_linux_proc_find_elf,
                                  .find_debuginfo = no_debug_file,
                                  .section_address = nullptr,
                                  .debuginfo_path = nullptr};

// The thread whose stack is asked for.
struct StoppedThread {
  pid_t pid;
  pid_t thread;
  const user_regs_struct* registers;
};

pid_t next_thread(Dwfl*, void* argument, void** state) {
  if (*state != nullptr) return 0;
  *state = argument;
  return static_cast<StoppedThread*>(argument)->thread;
}

bool get_thread(Dwfl*, pid_t thread, void* argument, void** state) {
  *state = argument;
  return thread == static_cast<StoppedThread*>(argument)->thread;
}

bool read_word(Dwfl*, Dwarf_Addr address, Dwarf_Word* word, void* argument) {
  return read_memory(static_cast<StoppedThread*>(argument)->pid, address, word, sizeof *word);
}

// In the order of the psABI's register numbers, the return address last.
bool initial_registers(Dwfl_Thread* thread, void* argument) {
  const user_regs_struct& r = *static_cast<StoppedThread*>(argument)->registers;
  const std::array<Dwarf_Word, 17> words = {r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8,
                                            r.r9,  r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rip};
  return dwfl_thread_state_registers(thread, 0, words.size(), words.data());
}

const Dwfl_Thread_Callbacks kStopped = {.next_thread = next_thread,
                                        .get_thread = get_thread,
                                        .memory_read = read_word,
                                        .set_initial_registers = initial_registers,
                                        .detach = nullptr,
                                        .thread_detach = nullptr};

OuterFrame frame_at(Dwfl* modules, Dwarf_Addr pc) {
  OuterFrame frame;
  Dwfl_Module* module = dwfl_addrmodule(modules, pc);
  if (module == nullptr) return frame;
  frame.module =
      file_name(dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
  GElf_Off offset = 0;
  GElf_Sym symbol{};
  const char* name = dwfl_module_addrinfo(module, pc, &offset, &symbol, nullptr, nullptr, nullptr);
  if (name != nullptr && offset < symbol.st_size) frame.function = plain_name(name);
  return frame;
}

int add_frame(Dwfl_Frame* frame, void* stack) {
  Dwarf_Addr pc = 0;
  bool is_activation = false;
  auto& frames = static_cast<OuterStack*>(stack)->frames;
  if (!dwfl_frame_pc(frame, &pc, &is_activation) || frames.size() >= kMostFrames) return DWARF_CB_ABORT;
  Dwfl* modules = dwfl_thread_dwfl(dwfl_frame_thread(frame));
  frames.push_back(frame_at(modules, is_activation ? pc : pc - 1));
  return DWARF_CB_OK;
}

// Tables are read when they are first asked for.
int read_tables(Dwfl_Module* module, void**, const char*, Dwarf_Addr begin, void*) {
  Dwarf_Addr bias = 0;
  dwfl_module_eh_cfi(module, &bias);
  GElf_Off offset = 0;
  GElf_Sym symbol{};
  dwfl_module_addrinfo(module, begin, &offset, &symbol, nullptr, nullptr, nullptr);
  return DWARF_CB_OK;
}

}  // namespace

std::vector<MappedFile> mapped_files(pid_t pid) {
  std::vector<MappedFile> files;
  std::ifstream maps(fmt::format("/proc/{}/maps", pid));
  for (std::string line; std::getline(maps, line);) {
    MappedFile file;
    char dash = 0;
    std::string device;
    std::string inode;
    std::istringstream words(line);
    words >> std::hex >> file.begin >> dash >> file.end >> file.permissions >> file.offset >> device >> inode;
    std::getline(words >> std::ws, file.path);
    files.push_back(std::move(file));
  }
  return files;
}

bool read_memory(pid_t pid, uint64_t address, void* to, size_t bytes) {
  const iovec local{to, bytes};
  const iovec remote{reinterpret_cast<void*>(address), bytes};
  return process_vm_readv(pid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

bool write_memory(pid_t pid, uint64_t address, const void* from, size_t bytes) {
  const iovec local{const_cast<void*>(from), bytes};
  const iovec remote{reinterpret_cast<void*>(address), bytes};
  return process_vm_writev(pid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

bool is_loader(const std::string& module) {
  return module.starts_with("ld-linux") || module.starts_with("ld-2.");
}

bool is_libc(const std::string& module) {
  return module.starts_with("libc.so") || module.starts_with("libc-2.") || module.starts_with("libpthread") ||
         module.starts_with("libdl.so") || module.starts_with("libdl-2.") || is_loader(module);
}

struct ProcessImage::Modules {
  explicit Modules(pid_t process) : pid(process), dwfl(dwfl_begin(&kFromProc)) {}
  ~Modules() { dwfl_end(dwfl); }
  Modules(const Modules&) = delete;
  Modules& operator=(const Modules&) = delete;

  pid_t pid;
  Dwfl* dwfl;
  // Of the stack that is being walked: libdwfl is told once where to find it.
  user_regs_struct registers{};
  StoppedThread stopped{};
};

ProcessImage::ProcessImage(std::unique_ptr<Modules> modules) : modules_(std::move(modules)) {}
ProcessImage::ProcessImage(ProcessImage&&) noexcept = default;
ProcessImage::~ProcessImage() = default;

tl::expected<ProcessImage, std::string> ProcessImage::of(pid_t pid) {
  auto modules = std::make_unique<Modules>(pid);
  Dwfl* dwfl = modules->dwfl;
  if (dwfl == nullptr || dwfl_linux_proc_report(dwfl, pid) != 0 ||
      dwfl_report_end(dwfl, nullptr, nullptr) != 0)
    return tl::unexpected(fmt::format("its modules cannot be read: {}", dwfl_errmsg(-1)));
  dwfl_getmodules(dwfl, read_tables, nullptr, 0);
  modules->stopped = {pid, 0, &modules->registers};
  if (!dwfl_attach_state(dwfl, nullptr, pid, &kStopped, &modules->stopped))
    return tl::unexpected(fmt::format("its stacks cannot be read: {}", dwfl_errmsg(-1)));
  return ProcessImage(std::move(modules));
}

std::optional<uint64_t> ProcessImage::libc_function(const std::string& name) const {
  struct Wanted {
    const std::string* name;
    uint64_t address;
  } wanted{&name, 0};
  dwfl_getmodules(
      modules_->dwfl,
      [](Dwfl_Module* module, void**, const char* path, Dwarf_Addr, void* argument) -> int {
        Wanted& looked_for = *static_cast<Wanted*>(argument);
        const std::string file = file_name(path);
        if (!is_libc(file) || is_loader(file)) return DWARF_CB_OK;
        const int count = dwfl_module_getsymtab(module);
        for (int i = 1; i < count; ++i) {
          GElf_Sym symbol{};
          GElf_Addr address = 0;
          const char* found =
              dwfl_module_getsym_info(module, i, &symbol, &address, nullptr, nullptr, nullptr);
          if (found == nullptr || symbol.st_shndx == SHN_UNDEF || GELF_ST_TYPE(symbol.st_info) != STT_FUNC)
            continue;
          const std::string_view text(found);
          if (text.substr(0, text.find('@')) != *looked_for.name) continue;
          looked_for.address = address;
          return DWARF_CB_ABORT;
        }
        return DWARF_CB_OK;
      },
      &wanted, 0);
  return wanted.address != 0 ? std::optional(wanted.address) : std::nullopt;
}

OuterStack ProcessImage::stack_of(pid_t thread, const user_regs_struct& registers) const {
  modules_->registers = registers;
  modules_->stopped.thread = thread;
  OuterStack stack;
  stack.is_complete = dwfl_getthread_frames(modules_->dwfl, thread, add_frame, &stack) == 0;
  return stack;
}

}  // namespace leakhunt::runner
