// tracker_library: libleakhunt.so, under a name that can be preloaded.
#pragma once

#include <filesystem>
#include <string>

#include <tl/expected.hpp>

namespace leakhunt::runner {

// The file that LEAKHUNT_LIBRARY names, or ../lib/libleakhunt.so beside the program's bin. The error is a
// sentence.
tl::expected<std::filesystem::path, std::string> find_tracker_library(
    const std::filesystem::path& program_directory);

// LD_PRELOAD is split at spaces and colons. A library below such a path gets a link in a temporary directory,
// which lives as long as this object.
class PreloadableName {
 public:
  static tl::expected<PreloadableName, std::string> of(const std::filesystem::path& library);
  ~PreloadableName();
  PreloadableName(PreloadableName&& other) noexcept;
  PreloadableName& operator=(PreloadableName&&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  PreloadableName(std::filesystem::path path, std::filesystem::path temporary)
      : path_(std::move(path)), temporary_(std::move(temporary)) {}

  std::filesystem::path path_;
  std::filesystem::path temporary_;  // directory to be removed; empty: none
};

}  // namespace leakhunt::runner
