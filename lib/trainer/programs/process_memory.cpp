#include "lib/trainer/programs/process_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

namespace leakhunt::trainer {
namespace {

// The number after `key` in the text of /proc/self/status ("VmHWM:	  160240 kB"), in bytes.
std::uint64_t bytes_after(std::string_view status, std::string_view key) {
  const std::size_t at = status.find(key);
  if (at == std::string_view::npos) return 0;
  const std::size_t digits = status.find_first_of("0123456789", at + key.size());
  if (digits == std::string_view::npos) return 0;
  std::uint64_t kib = 0;
  std::from_chars(status.data() + digits, status.data() + status.size(), kib);
  return kib * 1024;
}

}  // namespace

ProcessMemory process_memory() {
  const int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::array<char, 4096> text;
  const ssize_t length = read(file, text.data(), text.size());
  close(file);
  if (length <= 0) return {};
  const std::string_view status(text.data(), static_cast<std::size_t>(length));
  return {bytes_after(status, "VmRSS:"), bytes_after(status, "VmHWM:")};
}

}  // namespace leakhunt::trainer
