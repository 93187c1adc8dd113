#include "instrument/os/process_file.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace leakhunt::tracker {
namespace {

namespace fs = std::filesystem;

class ProcessFile : public testing::Test {
 protected:
  ProcessFile() {
    std::string pattern = fs::temp_directory_path() / "leakhunt-test-XXXXXX";
    if (mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
  }
  ~ProcessFile() override { fs::remove_all(folder_); }

  std::string create(const std::string& directory, uint64_t pid) {
    char path[256];
    const int error = create_process_file(directory.c_str(), pid, path, sizeof path);
    return error == 0 ? path : "error " + std::to_string(error);
  }

  std::string folder_;
};

TEST_F(ProcessFile, IsNamedAfterTheProcessInADirectoryThatIsMade) {
  const std::string directory = folder_ + "/processes";
  EXPECT_EQ(create(directory, 1234567), directory + "/1234567.lhr");
  EXPECT_TRUE(fs::exists(directory + "/1234567.lhr"));
}

TEST_F(ProcessFile, IsNeverOneThatIsThereAlready) {
  std::ofstream(folder_ + "/12.lhr") << "of an earlier process";
  EXPECT_EQ(create(folder_, 12), folder_ + "/12-2.lhr");
  EXPECT_EQ(create(folder_, 12), folder_ + "/12-3.lhr");
  std::string content;
  std::getline(std::ifstream(folder_ + "/12.lhr"), content);
  EXPECT_EQ(content, "of an earlier process");
}

TEST_F(ProcessFile, OfARunThatIsGoneIsAnError) {
  EXPECT_EQ(create(folder_ + "/not/there", 1), "error " + std::to_string(ENOENT));
  EXPECT_EQ(create(folder_ + "/" + std::string(300, 'x'), 1), "error " + std::to_string(ENAMETOOLONG));
}

}  // namespace
}  // namespace leakhunt::tracker
