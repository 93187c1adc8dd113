#include "scenarios/runner/output_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace leakhunt::runner {

namespace fs = std::filesystem;

namespace {

constexpr const char* kOurFiles[] = {"recording.lhr", "report.txt", "report.json", "report.html",
                                     "massif.out",    "junit.xml",  "target.log"};

}  // namespace

tl::expected<OutputDirectory, std::string> OutputDirectory::open(const fs::path& path) {
  const auto refuse = [&](std::string_view why) {
    return tl::unexpected(fmt::format("{}: {}; choose another directory with --out", path.string(), why));
  };
  std::error_code problem;
  const fs::path absolute = fs::absolute(path).lexically_normal();
  fs::create_directories(absolute, problem);
  if (!fs::is_directory(absolute)) return refuse(problem ? problem.message() : "is no directory");
  const int lock = ::open(absolute.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0) return refuse(std::strerror(errno));
  OutputDirectory directory(absolute, lock);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return refuse("another run is writing there");
  if (access(absolute.c_str(), W_OK) != 0) return refuse(std::strerror(errno));
  return directory;
}

OutputDirectory::OutputDirectory(OutputDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

OutputDirectory::~OutputDirectory() {
  if (lock_ >= 0) close(lock_);
}

void OutputDirectory::clear() const {
  std::error_code ignored;
  for (const char* name : kOurFiles) fs::remove(path_ / name, ignored);
  for (const fs::directory_entry& entry : fs::directory_iterator(processes(), ignored)) {
    if (entry.path().extension() == ".lhr") fs::remove(entry.path(), ignored);
  }
  if (fs::is_directory(processes(), ignored)) fs::remove(processes(), ignored);  // unless something is in it
}

fs::path recording_in(const fs::path& file_or_directory) {
  std::error_code problem;
  return fs::is_directory(file_or_directory, problem) ? file_or_directory / "recording.lhr"
                                                      : file_or_directory;
}

}  // namespace leakhunt::runner
