#include "scenarios/runner/child_recordings.h"

#include <signal.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fstream>
#include <set>
#include <string_view>

#include "lib/recording/appender.h"
#include "lib/recording/packing.h"
#include "lib/recording/reader.h"
#include "scenarios/runner/data_names.h"

namespace leakhunt::runner {

namespace fs = std::filesystem;

namespace {

// Names of the files in `directory` that some process has mapped: it writes them. A process of another user
// may keep its maps to itself.
std::set<std::string> mapped_files(const fs::path& directory) {
  std::set<std::string> names;
  const std::string before = directory.string() + "/";
  std::error_code ignored;
  for (const fs::directory_entry& process : fs::directory_iterator("/proc", ignored)) {
    if (!std::isdigit(static_cast<unsigned char>(process.path().filename().string().front()))) continue;
    std::ifstream maps(process.path() / "maps");
    for (std::string line; std::getline(maps, line);) {
      const size_t at = line.find(before);
      if (at != std::string::npos) names.insert(line.substr(at + before.size()));
    }
  }
  return names;
}

bool ended_by_itself(const recording::Run& run) {
  return run.end && *run.end != recording::EndKind::kExec;
}

bool is_alive(uint64_t pid) {
  return pid != 0 && (kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM);
}

}  // namespace

ChildRecordings list_child_recordings(const fs::path& directory, size_t most) {
  std::vector<std::pair<uintmax_t, fs::path>> found;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    if (entry.path().extension() == ".lhr" && entry.is_regular_file(ignored))
      found.emplace_back(entry.file_size(ignored), entry.path());
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  ChildRecordings recordings;
  if (found.size() > most) {
    recordings.left_out = found.size() - most;
    found.resize(most);
  }
  for (auto& [size, path] : found) recordings.files.push_back(std::move(path));
  std::sort(recordings.files.begin(), recordings.files.end());
  return recordings;
}

recording::LeftRunning close_child_recordings(const fs::path& directory, Symboliser& symboliser) {
  recording::LeftRunning left_running;
  const ChildRecordings children = list_child_recordings(directory);
  std::error_code ignored;
  if (children.files.empty()) {
    fs::remove(directory, ignored);
    return left_running;
  }
  const std::set<std::string> mapped = mapped_files(directory);
  for (const fs::path& file : children.files) {
    const std::string name = file.filename().string();
    const auto run = recording::read_recording(file.string());
    if (!run) continue;
    // Cutting off the tail of a file that is mapped would kill who writes it; so in doubt it is left alone.
    if (mapped.contains(name) || (!ended_by_itself(*run) && is_alive(run->process.pid))) {
      left_running.push_back(name);
      continue;
    }
    // What cannot be written is looked up again by whoever reads it.
    const recording::Symbols symbols = symboliser.symbolise(*run);
    static_cast<void>(
        recording::append_host_records(file.string(), symbols, {}, {}, {}, name_data(*run, symbols)));
    static_cast<void>(recording::pack_recording(file.string()));
  }
  return left_running;
}

}  // namespace leakhunt::runner
