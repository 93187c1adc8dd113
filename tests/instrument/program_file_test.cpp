#include "instrument/os/program_file.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace leakhunt::tracker {
namespace {

namespace fs = std::filesystem;

class ProgramFile : public testing::Test {
 protected:
  ProgramFile() {
    std::string pattern = fs::temp_directory_path() / "leakhunt-test-XXXXXX";
    if (mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
  }
  ~ProgramFile() override { fs::remove_all(folder_); }

  std::string file(const std::string& content, mode_t mode = 0755) {
    const std::string path = folder_ + "/" + std::to_string(count_++);
    std::ofstream(path, std::ios::binary) << content;
    chmod(path.c_str(), mode);
    return path;
  }

  // The beginning of a program with that loader; none: linked statically.
  static std::string program(const std::string& loader, unsigned char bits = ELFCLASS64,
                             uint16_t machine = EM_X86_64) {
    Elf64_Ehdr header{};
    header.e_ident[0] = 0x7F;
    header.e_ident[1] = 'E';
    header.e_ident[2] = 'L';
    header.e_ident[3] = 'F';
    header.e_ident[EI_CLASS] = bits;
    header.e_machine = machine;
    header.e_phoff = sizeof header;
    header.e_phnum = 2;
    Elf64_Phdr segments[2] = {};
    segments[0].p_type = PT_LOAD;
    segments[1].p_type = loader.empty() ? PT_NOTE : PT_INTERP;
    segments[1].p_offset = sizeof header + sizeof segments;
    segments[1].p_filesz = loader.size() + 1;
    return std::string(reinterpret_cast<const char*>(&header), sizeof header) +
           std::string(reinterpret_cast<const char*>(segments), sizeof segments) + loader + '\0';
  }

  std::string folder_;
  int count_ = 0;
};

const std::string kLoader = "/lib64/ld-linux-x86-64.so.2";

TEST_F(ProgramFile, CanLoadUsWithOurLoaderOnly) {
  EXPECT_TRUE(can_load_us(file(program(kLoader)).c_str()));
  EXPECT_TRUE(can_load_us("/proc/self/exe"));
  EXPECT_FALSE(can_load_us(file(program("")).c_str()));  // linked statically
  EXPECT_FALSE(can_load_us(file(program("/lib/ld-musl-x86_64.so.1")).c_str()));
  EXPECT_FALSE(can_load_us(file(program(kLoader, ELFCLASS32)).c_str()));
  EXPECT_FALSE(can_load_us(file(program(kLoader, ELFCLASS64, EM_AARCH64)).c_str()));
  EXPECT_FALSE(can_load_us(file("").c_str()));
  EXPECT_FALSE(can_load_us(file(program(kLoader).substr(0, 80)).c_str()));
  EXPECT_FALSE(can_load_us("/does/not/exist"));
  EXPECT_FALSE(can_load_us("/"));
}

TEST_F(ProgramFile, ThatGainsPrivilegesCannot) {
  EXPECT_FALSE(can_load_us(file(program(kLoader), 04755).c_str()));
  EXPECT_FALSE(can_load_us(file(program(kLoader), 02755).c_str()));
}

TEST_F(ProgramFile, OfAScriptIsItsInterpreter) {
  const std::string good = file(program(kLoader));
  const std::string bad = file(program(""));
  EXPECT_TRUE(can_load_us(file("#!" + good + "\necho\n").c_str()));
  EXPECT_TRUE(can_load_us(file("#! \t" + good + " -e -x\n").c_str()));
  EXPECT_TRUE(can_load_us(file("#!" + file("#!" + good)).c_str()));
  EXPECT_FALSE(can_load_us(file("#!" + bad + "\n").c_str()));
  EXPECT_FALSE(can_load_us(file("#!\n").c_str()));
  const std::string endless = folder_ + "/endless";
  std::ofstream(endless) << "#!" << endless << "\n";
  EXPECT_FALSE(can_load_us(endless.c_str()));
}

TEST_F(ProgramFile, IsFoundInPathAsExecvpWould) {
  const std::string before = getenv("PATH");
  const std::string path = file("x");
  const std::string name = path.substr(path.rfind('/') + 1);
  char found[256];
  setenv("PATH", ("/does/not/exist:" + folder_ + ":/bin").c_str(), 1);
  EXPECT_TRUE(find_in_path(name.c_str(), found, sizeof found));
  EXPECT_EQ(found, path);
  EXPECT_FALSE(find_in_path("no-such-program", found, sizeof found));
  EXPECT_TRUE(find_in_path("relative/path", found, sizeof found));
  EXPECT_STREQ(found, "relative/path");
  EXPECT_FALSE(find_in_path("", found, sizeof found));
  EXPECT_FALSE(find_in_path(name.c_str(), found, 4));
  setenv("PATH", before.c_str(), 1);
}

}  // namespace
}  // namespace leakhunt::tracker
