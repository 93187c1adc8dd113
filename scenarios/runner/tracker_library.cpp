#include "scenarios/runner/tracker_library.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace leakhunt::runner {

namespace fs = std::filesystem;

namespace {

constexpr const char* kLibraryName = "libleakhunt.so";

bool is_splittable(const fs::path& path) {
  return path.string().find_first_of(" :") != std::string::npos;
}

}  // namespace

tl::expected<fs::path, std::string> find_tracker_library(const fs::path& program_directory) {
  const char* chosen = std::getenv("LEAKHUNT_LIBRARY");
  const bool is_chosen = chosen != nullptr && *chosen != '\0';
  const fs::path library = is_chosen ? fs::path(chosen) : program_directory / "../lib" / kLibraryName;
  std::error_code problem;
  if (fs::is_regular_file(library, problem)) return fs::absolute(library).lexically_normal();
  return tl::unexpected(
      fmt::format("the tracker's library {} is not there; {}", library.lexically_normal().string(),
                  is_chosen ? "LEAKHUNT_LIBRARY must be the path of libleakhunt.so"
                            : "build the whole project, or set LEAKHUNT_LIBRARY to its path"));
}

tl::expected<PreloadableName, std::string> PreloadableName::of(const fs::path& library) {
  if (!is_splittable(library)) return PreloadableName(library, {});
  std::error_code problem;
  fs::path parent = fs::temp_directory_path(problem);
  if (problem || is_splittable(parent)) parent = "/tmp";
  std::string name = (parent / "leakhunt-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    return tl::unexpected(fmt::format("{}: no directory can be made there: {}", name, std::strerror(errno)));
  }
  const fs::path link = fs::path(name) / kLibraryName;
  fs::create_symlink(library, link, problem);
  if (!problem) return PreloadableName(link, name);
  fs::remove(name, problem);
  return tl::unexpected(fmt::format("{}: no link can be made there", link.string()));
}

PreloadableName::PreloadableName(PreloadableName&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, fs::path())) {}

PreloadableName::~PreloadableName() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

}  // namespace leakhunt::runner
