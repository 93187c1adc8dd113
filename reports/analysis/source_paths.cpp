#include "reports/analysis/source_paths.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

namespace leakhunt::reports {

namespace {

constexpr std::array<std::string_view, 8> kSystem = {"/usr/",  "/lib/", "/lib64/", "/bin/",
                                                     "/sbin/", "/opt/", "/etc/",   "/nix/store/"};
constexpr size_t kLeastDepth = 2;  // "/home" or "/tmp" hold more than one project

bool is_system(std::string_view path) {
  return std::any_of(kSystem.begin(), kSystem.end(), [&](auto begin) { return path.starts_with(begin); });
}

bool is_of_project(std::string_view path) {
  return path.starts_with('/') && !is_system(path);
}

std::string normal(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().string();
}

std::string_view folder_of(std::string_view path) {
  return path.substr(0, path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/'));
}

// The folder that holds both; "" is the root of all.
std::string_view shared_folder(std::string_view a, std::string_view b) {
  while (!a.empty() && !(b.starts_with(a) && (b.size() == a.size() || b[a.size()] == '/'))) a = folder_of(a);
  return a;
}

size_t depth(std::string_view folder) {
  return static_cast<size_t>(std::count(folder.begin(), folder.end(), '/'));
}

std::string last_parts(std::string_view path, int parts) {
  size_t at = path.size();
  for (; parts > 0 && at != std::string_view::npos && at > 0; --parts) at = path.rfind('/', at - 1);
  return std::string(at == std::string_view::npos ? path : path.substr(at + 1));
}

std::string relative(const std::string& path, const std::string& root, int parts_elsewhere) {
  if (!path.starts_with('/')) return path;
  const std::string clean = normal(path);
  if (!root.empty() && clean.starts_with(root + "/")) return clean.substr(root.size() + 1);
  return is_system(clean) ? clean : last_parts(clean, parts_elsewhere);
}

}  // namespace

std::string source_root(const recording::Run& run) {
  std::optional<std::string> shared;
  for (const auto& [address, symbol] : run.symbols) {
    for (const recording::SourceFrame& frame : symbol.source_frames) {
      if (!is_of_project(frame.file)) continue;
      const std::string file = normal(frame.file);
      const std::string_view folder = folder_of(file);
      shared = shared ? std::string(shared_folder(*shared, folder)) : std::string(folder);
    }
  }
  if (!shared) return {};
  const std::string_view with_program = shared_folder(*shared, run.process.executable);
  if (depth(with_program) >= kLeastDepth) return std::string(with_program);
  return depth(*shared) >= 1 ? *shared : std::string();
}

void make_paths_relative(recording::Run& run, const std::optional<std::string>& given) {
  std::string root = given ? normal(*given) : source_root(run);
  while (root.ends_with('/')) root.pop_back();
  for (auto& [address, symbol] : run.symbols) {
    symbol.module = relative(symbol.module, root, 1);
    for (recording::SourceFrame& frame : symbol.source_frames) frame.file = relative(frame.file, root, 2);
  }
  for (recording::Module& module : run.modules) module.path = relative(module.path, root, 1);
  for (recording::MemoryLedger& ledger : run.ledgers) {
    for (recording::LedgerEntry& entry : ledger.entries) entry.name = relative(entry.name, root, 1);
  }
  run.process.executable = relative(run.process.executable, root, 1);
  const auto shorten_program = [&](std::vector<std::string>& command) {
    if (!command.empty()) command[0] = relative(command[0], root, 1);
  };
  shorten_program(run.process.command_line);
  if (!run.scenario) return;
  shorten_program(run.scenario->command);
  run.scenario->source = relative(run.scenario->source, root, 1);
}

}  // namespace leakhunt::reports
