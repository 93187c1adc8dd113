// output_directory: the --out of one run, and who writes there.
//
//   recording.lhr                            the runner and the target
//   processes/PID.lhr                        the target's children, one each
//   target.log                               what a scenario's program printed
//   report.txt report.json massif.out ...    the command, from the recording
#pragma once

#include <filesystem>
#include <string>

#include <tl/expected.hpp>

namespace leakhunt::runner {

// An existing directory is used again; one run at a time holds it.
class OutputDirectory {
 public:
  // Makes the directory and locks it. The error is a sentence.
  static tl::expected<OutputDirectory, std::string> open(const std::filesystem::path& path);
  ~OutputDirectory();
  OutputDirectory(OutputDirectory&& other) noexcept;
  OutputDirectory& operator=(OutputDirectory&&) = delete;

  // Takes away what an earlier run left, by name; nothing else that lies there.
  void clear() const;

  const std::filesystem::path& path() const { return path_; }  // absolute
  std::filesystem::path recording() const { return path_ / "recording.lhr"; }
  std::filesystem::path processes() const { return path_ / "processes"; }
  std::filesystem::path log() const { return path_ / "target.log"; }

 private:
  OutputDirectory(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::filesystem::path path_;
  int lock_;  // the directory itself, opened
};

// A recording from what the user typed: the file, or the --out directory that holds one.
std::filesystem::path recording_in(const std::filesystem::path& file_or_directory);

}  // namespace leakhunt::runner
