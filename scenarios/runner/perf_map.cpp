#include "scenarios/runner/perf_map.h"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <fstream>

#include <fmt/format.h>

namespace leakhunt::runner {

namespace {

constexpr uint64_t kLargest = uint64_t{256} << 20;

bool is_of_process(const std::filesystem::path& file, uint64_t started_unix_ns) {
  struct stat status {};
  if (lstat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if (status.st_uid != geteuid() && status.st_uid != 0) return false;
  const uint64_t written = static_cast<uint64_t>(status.st_mtim.tv_sec + 1) * 1'000'000'000;
  return written >= started_unix_ns && static_cast<uint64_t>(status.st_size) <= kLargest;
}

// A hexadecimal number and the blank behind it, off the front of the line.
bool take_number(std::string_view& line, uint64_t* number) {
  if (line.starts_with("0x")) line.remove_prefix(2);
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), *number, 16);
  if (error != std::errc() || end == line.data() + line.size() || *end != ' ') return false;
  line.remove_prefix(static_cast<size_t>(end - line.data()) + 1);
  return true;
}

}  // namespace

PerfMap PerfMap::of_process(uint64_t pid, uint64_t started_unix_ns, const std::filesystem::path& directory) {
  PerfMap map;
  const std::filesystem::path file = directory / fmt::format("perf-{}.map", pid);
  if (!is_of_process(file, started_unix_ns)) return map;
  std::ifstream stream(file);
  for (std::string text; std::getline(stream, text);) {
    std::string_view line = text;
    uint64_t begin = 0;
    uint64_t size = 0;
    if (!take_number(line, &begin) || !take_number(line, &size) || line.empty()) continue;
    map.functions_[begin] = {begin + size, std::string(line)};
  }
  return map;
}

std::string_view PerfMap::find(uint64_t address) const {
  const auto after = functions_.upper_bound(address);
  if (after == functions_.begin()) return {};
  const Function& function = std::prev(after)->second;
  return address < function.end ? std::string_view(function.name) : std::string_view();
}

}  // namespace leakhunt::runner
