#include "instrument/os/append_file.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace leakhunt::tracker {
namespace {

using recording::FileHeader;
using recording::FrameHeader;
using recording::RecordType;

// A file name of its own for each test, gone afterwards.
class AppendFileTest : public testing::Test {
 protected:
  AppendFileTest() {
    char name[] = "/tmp/leakhunt-append-XXXXXX";
    const int file = mkstemp(name);
    close(file);
    path_ = name;
  }
  ~AppendFileTest() override { unlink(path_.c_str()); }

  std::vector<std::string> payloads() const {
    std::ifstream in(path_, std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(in), {}};
    std::vector<std::string> found;
    for (size_t at = sizeof(FileHeader); at + sizeof(FrameHeader) <= file.size();) {
      FrameHeader frame;
      memcpy(&frame, file.data() + at, sizeof frame);
      if (frame.magic != recording::kFrameMagic) break;
      const char* payload = file.data() + at + sizeof frame;
      EXPECT_EQ(frame.crc, recording::frame_crc(frame.type, frame.length, payload));
      found.emplace_back(payload, frame.length);
      at += recording::frame_size(frame.length);
    }
    return found;
  }

  static bool append(AppendFile& file, const std::string& payload) {
    uint8_t* room = file.reserve(payload.size());
    if (room == nullptr) return false;
    memcpy(room, payload.data(), payload.size());
    file.commit(RecordType::kTag, payload.size());
    return true;
  }

  std::string path_;
};

TEST_F(AppendFileTest, KeepsEveryFrameInOrderAcrossWindows) {
  AppendFile file;
  ASSERT_EQ(file.open(path_.c_str()), 0);
  std::vector<std::string> written;
  for (size_t i = 0; i < 3000; ++i) {
    written.push_back(std::string(i % 2000, static_cast<char>('a' + i % 26)));
    ASSERT_TRUE(append(file, written.back()));
  }
  file.close();
  EXPECT_EQ(payloads(), written);
}

TEST_F(AppendFileTest, TakesAPayloadLargerThanItsWindow) {
  AppendFile file;
  ASSERT_EQ(file.open(path_.c_str()), 0);
  const std::string large(5 << 20, 'x');
  ASSERT_TRUE(append(file, large));
  ASSERT_TRUE(append(file, "small"));
  EXPECT_EQ(payloads(), (std::vector<std::string>{large, "small"}));
}

TEST_F(AppendFileTest, GoesOnBehindTheLastFrameOfAnExistingFile) {
  for (const char* payload : {"first", "second", "third"}) {
    AppendFile file;
    ASSERT_EQ(file.open(path_.c_str()), 0);
    ASSERT_TRUE(append(file, payload));
  }
  EXPECT_EQ(payloads(), (std::vector<std::string>{"first", "second", "third"}));
}

TEST_F(AppendFileTest, RefusesAFileThatIsNoRecording) {
  std::ofstream(path_) << "something else entirely, longer than a header";
  AppendFile file;
  EXPECT_EQ(file.open(path_.c_str()), EINVAL);
}

TEST_F(AppendFileTest, SaysWhyItCannotOpen) {
  AppendFile file;
  EXPECT_EQ(file.open("/nowhere/at/all.lhr"), ENOENT);
}

// What was committed is in the file even if the next instruction never runs.
TEST_F(AppendFileTest, LosesNothingCommittedWhenTheProcessIsKilled) {
  const pid_t child = fork();
  if (child == 0) {
    AppendFile file;
    file.open(path_.c_str());
    append(file, "committed");
    memcpy(file.reserve(100), "half a frame", 12);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(payloads(), std::vector<std::string>{"committed"});
}

// Neither SIGXFSZ nor SIGBUS: an error, and room for a last word.
TEST_F(AppendFileTest, ReportsAFileSizeLimitAsAnError) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{300 << 10, 300 << 10};
    setrlimit(RLIMIT_FSIZE, &limit);
    AppendFile file;
    if (file.open(path_.c_str()) != 0) _exit(1);
    const std::string payload(1100, 'p');
    size_t frames = 0;
    while (append(file, payload)) ++frames;
    if (file.error() != EFBIG || frames < 200) _exit(2);
    if (!append(file, "last word")) _exit(3);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(payloads().back(), "last word");
}

// It has no window, and what lies at that address now is its own.
TEST_F(AppendFileTest, AForkedChildUnmapsNothing) {
  AppendFile file;
  ASSERT_EQ(file.open(path_.c_str()), 0);
  const pid_t child = fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    void* const window = const_cast<uint8_t*>(file.window());
    void* const own = mmap(window, file.window_bytes(), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (own != window) _exit(2);
    *static_cast<volatile char*>(own) = 1;
    file.close();
    _exit(*static_cast<volatile char*>(own) == 1 ? 0 : 3);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  file.close();
}

}  // namespace
}  // namespace leakhunt::tracker
