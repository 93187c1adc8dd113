#include "scenarios/runner/match_count.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace leakhunt::runner {

namespace {
constexpr size_t kPage = 4096;
constexpr size_t kRingBegin = 8;  // as in instrument/tracker/line_marks.cpp
constexpr size_t kRing = 504;
}  // namespace

tl::expected<MatchCount, std::string> MatchCount::create(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  void* page = MAP_FAILED;
  // With its block: a disk that is full is to be an error, and no SIGBUS.
  int error = file < 0 ? errno : posix_fallocate(file, 0, kPage);
  if (error == 0) {
    page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page == MAP_FAILED) error = errno;
  }
  if (file >= 0) close(file);
  if (page == MAP_FAILED) {
    return tl::unexpected(fmt::format("{} cannot be made: {}", path.string(), std::strerror(error)));
  }
  return MatchCount(path, static_cast<std::atomic<uint64_t>*>(page));
}

// Who sees that a read is done sees what it found.
void MatchCount::add(uint64_t lines, size_t bytes) {
  {
    const std::lock_guard guard(*adding_);
    const uint64_t matched = words_[0].load(std::memory_order_relaxed) + lines;
    const uint64_t done = words_[2].load(std::memory_order_relaxed) + 1;
    words_[0].store(matched, std::memory_order_release);
    words_[kRingBegin + done % kRing].store(matched, std::memory_order_release);
    words_[3].fetch_add(bytes, std::memory_order_release);
    words_[2].store(done, std::memory_order_release);
  }
  syscall(SYS_futex, &words_[2], FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

MatchCount::MatchCount(MatchCount&& other) noexcept
    : file_(std::move(other.file_)),
      adding_(std::move(other.adding_)),
      words_(std::exchange(other.words_, nullptr)) {}

MatchCount::~MatchCount() {
  if (words_ == nullptr) return;
  munmap(static_cast<void*>(words_), kPage);
  unlink(file_.c_str());
}

}  // namespace leakhunt::runner
