// process_image: the modules of a running process as seen from outside: where a function of theirs is, and
// what the stack of a stopped thread is made of. Read from /proc and from the process's memory; nothing of it
// is changed.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace leakhunt::runner {

struct OuterFrame {
  std::string module;    // file name without directories; empty: in no module
  std::string function;  // an exact symbol, without version and leading underscores; empty: none covers it
};

struct OuterStack {
  std::vector<OuterFrame> frames;  // innermost first
  bool is_complete = false;        // followed to the thread's first function
};

// One line of /proc/PID/maps.
struct MappedFile {
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string permissions;  // "r-xp"
  uint64_t offset = 0;
  std::string path;  // or "[stack]", or nothing
};
std::vector<MappedFile> mapped_files(pid_t pid);

// Copies between our memory and the process's. False if not all of it could be.
bool read_memory(pid_t pid, uint64_t address, void* to, size_t bytes);
bool write_memory(pid_t pid, uint64_t address, const void* from, size_t bytes);

class ProcessImage {
 public:
  // Reads the modules' symbols and unwind tables now, so that a thread need not be stopped while that goes
  // on. The error is a phrase.
  static tl::expected<ProcessImage, std::string> of(pid_t pid);
  ~ProcessImage();
  ProcessImage(ProcessImage&&) noexcept;
  ProcessImage& operator=(ProcessImage&&) = delete;

  // A function that libc exports (of glibc before 2.34: one of its libraries).
  std::optional<uint64_t> libc_function(const std::string& name) const;

  // The stack of a stopped thread with these registers.
  OuterStack stack_of(pid_t thread, const user_regs_struct& registers) const;

 private:
  struct Modules;
  explicit ProcessImage(std::unique_ptr<Modules> modules);

  std::unique_ptr<Modules> modules_;
};

// Whether a module (its file name) is libc, one of the libraries that were part of it, or the loader.
bool is_libc(const std::string& module);
bool is_loader(const std::string& module);

}  // namespace leakhunt::runner
