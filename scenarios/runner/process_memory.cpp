#include "scenarios/runner/process_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <string_view>

#include <fmt/format.h>

namespace leakhunt::runner {

namespace {

// A small file of /proc, read at once.
class ProcFile {
 public:
  ProcFile(pid_t pid, std::string_view name) {
    const int file = open(fmt::format("/proc/{}/{}", pid, name).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    const ssize_t bytes = read(file, content_, sizeof content_);
    close(file);
    text_ = std::string_view(content_, bytes > 0 ? static_cast<size_t>(bytes) : 0);
  }

  // The number at `at`, after blanks.
  std::optional<uint64_t> number(size_t at) const {
    while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t')) ++at;
    uint64_t value = 0;
    const auto [end, problem] =
        std::from_chars(text_.data() + std::min(at, text_.size()), text_.data() + text_.size(), value);
    return problem == std::errc{} ? std::optional(value) : std::nullopt;
  }

  std::string_view text() const { return text_; }

 private:
  char content_[4096];
  std::string_view text_;
};

}  // namespace

std::optional<uint64_t> resident_bytes(pid_t pid) {
  const ProcFile statm(pid, "statm");  // "size resident shared ...", in pages
  const std::optional<uint64_t> pages = statm.number(statm.text().find(' ') + 1);
  if (!pages || *pages == 0) return std::nullopt;
  return *pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

std::optional<uint64_t> peak_resident_bytes(pid_t pid) {
  constexpr std::string_view kName = "VmHWM:";
  const ProcFile status(pid, "status");
  const size_t at = status.text().find(kName);
  if (at == std::string_view::npos) return std::nullopt;
  const std::optional<uint64_t> kilobytes = status.number(at + kName.size());
  return kilobytes ? std::optional(*kilobytes * 1024) : std::nullopt;
}

}  // namespace leakhunt::runner
