// The limits of control groups, read from files as kernels and containers show them, in a directory of our
// own.
#include "instrument/os/control_group.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>

namespace leakhunt::tracker {
namespace {

namespace fs = std::filesystem;

constexpr char kVersion2[] =
    "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n";
constexpr char kVersion1[] =
    "31 23 0:28 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:13 - cgroup cgroup rw,memory\n";

class ControlGroups : public testing::Test {
 protected:
  ControlGroups() {
    std::string pattern = fs::temp_directory_path() / "leakhunt-test-XXXXXX";
    if (mkdtemp(pattern.data()) != nullptr) root_ = pattern;
  }
  ~ControlGroups() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  // The files of a group of version 2.
  void group(const std::string& path, const std::string& max, const std::string& used,
             const std::string& stat = "anon 1\nfile 2\n") {
    write(path + "/memory.max", max + "\n");
    write(path + "/memory.high", "max\n");
    write(path + "/memory.current", used + "\n");
    write(path + "/memory.stat", stat);
    write(path + "/cgroup.procs", "17\n");
  }
  void group_of_version_1(const std::string& path, const std::string& limit, const std::string& used,
                          const std::string& stat = "inactive_file 9\n") {
    write(path + "/memory.limit_in_bytes", limit + "\n");
    write(path + "/memory.usage_in_bytes", used + "\n");
    write(path + "/memory.stat", stat);
    write(path + "/cgroup.procs", "1\n2\n3\n");
  }
  void process(const std::string& groups, const std::string& mounts) {
    write("/proc/self/cgroup", groups);
    write("/proc/self/mountinfo", mounts);
  }
  GroupRoom look() { return group_->look(root_.c_str()); }

  std::string root_;
  std::unique_ptr<ControlGroup> group_ = std::make_unique<ControlGroup>();
};

TEST_F(ControlGroups, WithoutThemThereIsNoLimit) {
  EXPECT_FALSE(look().is_limited());
  process("0::/user.slice\n", "23 1 0:22 / /proc rw - proc proc rw\n");
  EXPECT_FALSE(look().is_limited());
  process("0::/user.slice\n", kVersion2);
  group("/sys/fs/cgroup/user.slice", "max", "5000000");
  EXPECT_FALSE(look().is_limited());
}

TEST_F(ControlGroups, FilesInMemoryThatNobodyMapsCanBeHadAgain) {
  process("0::/a.slice\n", kVersion2);
  group("/sys/fs/cgroup/a.slice", "1000000", "700000",
        "anon 1\ninactive_file 100000\nactive_file 90000\nfile_mapped 30000\nworkingset_inactive_file 7\n");
  const GroupRoom room = look();
  EXPECT_EQ(room.limit, 1'000'000u);
  EXPECT_EQ(room.left, 300'000u + 100'000u + 60'000u);
  EXPECT_EQ(room.processes, 1u);
}

TEST_F(ControlGroups, ThatWhichLeavesLeastCountsOfAllAbove) {
  process("0::/a.slice/b.scope\n", kVersion2);
  group("/sys/fs/cgroup/a.slice/b.scope", "900000", "100000");
  group("/sys/fs/cgroup/a.slice", "2000000", "1500000");
  group("/sys/fs/cgroup", "max", "1");
  EXPECT_EQ(look().limit, 2'000'000u);
  EXPECT_EQ(look().left, 500'000u);
  write("/sys/fs/cgroup/a.slice/b.scope/memory.current", "800000\n");
  EXPECT_EQ(look().limit, 900'000u);
}

TEST_F(ControlGroups, ALimitThatOnlyHoldsUpCountsAsWell) {
  process("0::/a\n", kVersion2);
  group("/sys/fs/cgroup/a", "max", "1000");
  write("/sys/fs/cgroup/a/memory.high", "64000\n");
  EXPECT_EQ(look().limit, 64'000u);
}

TEST_F(ControlGroups, MoreThanTheLimitInUseLeavesNothing) {
  process("0::/a\n", kVersion2);
  group("/sys/fs/cgroup/a", "1000", "4000");
  EXPECT_EQ(look().left, 0u);
}

TEST_F(ControlGroups, OfVersion1TheOneWithTheMemoryIsTaken) {
  process("9:name=systemd:/x\n5:cpu,cpuacct:/y\n4:hugetlb,memory:/docker/0a1b\n0::/z\n", kVersion1);
  group_of_version_1("/sys/fs/cgroup/memory/docker/0a1b", "536870912", "8000",
                     "inactive_file 1\ntotal_inactive_file 3000\ntotal_active_file 500\n");
  group_of_version_1("/sys/fs/cgroup/memory/docker", "9223372036854771712", "9000");
  group_of_version_1("/sys/fs/cgroup/memory", "9223372036854771712", "9000");
  const GroupRoom room = look();
  EXPECT_EQ(room.limit, 536'870'912u);
  EXPECT_EQ(room.left, 536'870'912u - 8000 + 3500);
  EXPECT_EQ(room.processes, 3u);
}

// The path is that of the machine, and what is mounted is the group itself.
TEST_F(ControlGroups, InAContainerOfVersion1TheMountIsTheGroup) {
  process("4:memory:/docker/0a1b\n",
          "35 31 0:32 /docker/0a1b /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  group_of_version_1("/sys/fs/cgroup/memory", "64000", "4000");
  EXPECT_EQ(look().left, 60'000u);
  process("4:memory:/docker/0a1b/inner\n",
          "35 31 0:32 /docker/0a1b /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  group_of_version_1("/sys/fs/cgroup/memory/inner", "32000", "4000");
  EXPECT_EQ(look().left, 28'000u);
}

TEST_F(ControlGroups, InANamespaceOfItsOwnThePathIsTheRoot) {
  process("0::/\n", kVersion2);
  group("/sys/fs/cgroup", "64000", "4000");
  EXPECT_EQ(look().left, 60'000u);
  process("0::/../sibling\n", kVersion2);  // moved out of what it may see
  EXPECT_EQ(look().left, 60'000u);
}

TEST_F(ControlGroups, APlaceWithASpaceIsFound) {
  process("0::/a\n", "29 23 0:26 / /sys/c\\040g rw - cgroup2 cgroup2 rw\n");
  group("/sys/c g/a", "64000", "4000");
  EXPECT_EQ(look().left, 60'000u);
}

TEST_F(ControlGroups, AProcessThatIsMovedHasTheLimitOfItsNewGroup) {
  process("0::/a\n", kVersion2);
  group("/sys/fs/cgroup/a", "64000", "4000");
  group("/sys/fs/cgroup/b", "32000", "4000");
  EXPECT_EQ(look().limit, 64'000u);
  write("/proc/self/cgroup", "0::/b\n");
  EXPECT_EQ(look().limit, 32'000u);
  write("/proc/self/cgroup", "");
  EXPECT_FALSE(look().is_limited());
}

TEST_F(ControlGroups, MountsWithLongOptionsAreReadPast) {
  process("0::/a\n",
          "22 1 0:20 / / rw - overlay overlay rw,lowerdir=" + std::string(100'000, 'x') + "\n" + kVersion2);
  group("/sys/fs/cgroup/a", "64000", "4000");
  EXPECT_EQ(look().limit, 64'000u);
}

TEST_F(ControlGroups, APathThatIsTooLongIsNone) {
  process("0::/" + std::string(1100, 'a') + "\n", kVersion2);
  EXPECT_FALSE(look().is_limited());
  const std::string nearly(1000, 'a');
  process("0::/" + nearly + "\n", kVersion2);
  EXPECT_FALSE(look().is_limited());
}

// Whatever stands in the files: an answer that fits together, or none. The seed is printed on failure.
TEST_F(ControlGroups, NonsenseInTheFilesDoesNoHarm) {
  constexpr unsigned kSeed = 20'261;
  std::mt19937 random(kSeed);
  const std::string paths[] = {"/proc/self/cgroup", "/proc/self/mountinfo", "/sys/fs/cgroup/a/memory.max",
                               "/sys/fs/cgroup/a/memory.current", "/sys/fs/cgroup/a/memory.stat"};
  const std::string texts[] = {"4:memory:/a\n0::/a\n", std::string(kVersion1) + kVersion2, "64000\n",
                               "4000\n",
                               "inactive_file 5\nactive_file 18446744073709551615\nfile_mapped 2\n"};
  const std::string pieces = "/: -\\040\n19:,max";
  for (int round = 0; round < 400; ++round) {
    for (size_t file = 0; file < std::size(paths); ++file) {
      std::string text = texts[file];
      for (unsigned changes = random() % 4; changes > 0 && !text.empty(); --changes) {
        const size_t at = random() % text.size();
        const char piece = random() % 8 == 0 ? '\0' : pieces[random() % pieces.size()];
        if (random() % 3 == 0)
          text.resize(at);
        else if (random() % 2 == 0)
          text[at] = piece;
        else
          text.insert(at, random() % 50, piece);
      }
      write(paths[file], text);
    }
    const GroupRoom room = look();
    EXPECT_LE(room.left, room.limit) << "seed " << kSeed << ", round " << round;
    EXPECT_GE(room.processes, 1u) << "seed " << kSeed << ", round " << round;
  }
}

}  // namespace
}  // namespace leakhunt::tracker
