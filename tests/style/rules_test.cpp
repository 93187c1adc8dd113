// Made-up trees: what breaks a rule is caught with file, line and mend; what only looks like it is not.
#include "tests/style/rules.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace leakhunt::style {
namespace {

namespace fs = std::filesystem;
using Files = std::vector<std::pair<std::string, std::string>>;

SourceTree tree_of(const Files& files) {
  SourceTree tree;
  for (const auto& [path, text] : files) tree[path] = read_source(path, text);
  return tree;
}

// "file:line" of each violation.
std::vector<std::string> places(const std::vector<Violation>& violations) {
  std::vector<std::string> places;
  for (const Violation& v : violations) places.push_back(v.file + ":" + std::to_string(v.line));
  return places;
}
using Places = std::vector<std::string>;

TEST(Rules, CatchAnArrowThatPointsUpwards) {
  const SourceTree tree = tree_of({{"lib/stats/trend.cpp", "\n#include \"reports/report.h\"\n"},
                                   {"lib/recording/reader.cpp", "#include \"lib/trainer/tape.h\"\n"},
                                   {"instrument/tracker/tags.cpp", "#include \"lib/recording/run.h\"\n"},
                                   {"reports/report.h", "#include \"instrument/leakhunt.h\"\n"},
                                   {"scenarios/runner/watch.cpp", "#include \"instrument/tracker/tags.h\"\n"},
                                   {"instrument/tracker/tags.h", ""},
                                   {"instrument/leakhunt.h", ""},
                                   {"lib/trainer/tape.h", ""},
                                   {"lib/recording/run.h", ""}});
  const auto violations = check_arrows(tree);
  EXPECT_EQ(places(violations),
            (Places{"instrument/tracker/tags.cpp:1", "lib/recording/reader.cpp:1", "lib/stats/trend.cpp:2",
                    "reports/report.h:1", "scenarios/runner/watch.cpp:1"}));
  EXPECT_NE(describe(violations)
                .find("lib/stats/trend.cpp:2: includes reports/report.h; lib/stats may include "
                      "lib/stats/ - move the code"),
            std::string::npos)
      << describe(violations);
}

TEST(Rules, AllowTheArrowsOfTheDesign) {
  const SourceTree tree = tree_of({{"instrument/tracker/tags.h", "#include \"lib/recording/format.h\"\n"},
                                   {"lib/recording/format.h", "#include <stdint.h>\n"},
                                   {"reports/report.cpp", "#include \"lib/recording/run.h\"\n"},
                                   {"lib/recording/run.h", "// #include \"reports/report.h\"\n"},
                                   {"scenarios/subjects/a.cpp", "#include \"instrument/leakhunt.hpp\"\n"},
                                   {"instrument/leakhunt.hpp", ""}});
  EXPECT_EQ(describe(check_arrows(tree)), "");
}

TEST(Rules, CatchAnIncludeThatIsNotWrittenFromTheRoot) {
  const SourceTree tree =
      tree_of({{"lib/stats/trend.cpp", "#include \"trend.h\"\n#include <lib/stats/trend.h>\n"},
               {"lib/stats/trend.h", ""}});
  EXPECT_EQ(places(check_arrows(tree)), (Places{"lib/stats/trend.cpp:1", "lib/stats/trend.cpp:2"}));
}

TEST(Rules, CatchASourceInNoRoom) {
  EXPECT_EQ(places(check_arrows(tree_of({{"extras/a.cpp", ""}}))), Places{"extras/a.cpp:1"});
}

TEST(Rules, CatchTheStandardLibraryInsideTheTarget) {
  const SourceTree tree =
      tree_of({{"instrument/tracker/tags.h", "#include <string.h>\n#include <vector>\n"}});
  EXPECT_EQ(places(check_tracker_headers(tree)), Places{"instrument/tracker/tags.h:2"});
}

TEST(Rules, CatchAFolderWithoutAReadmeOrWithALongOne) {
  const SourceTree tree = tree_of({{"lib/README.md", std::string(31, '\n')},
                                   {"lib/stats/trend.cpp", ""},
                                   {"tests/README.md", ""},
                                   {"tests/lib/stats/trend_test.cpp", ""},
                                   {"tests/targets/leak.c", ""}});
  EXPECT_EQ(places(check_readmes(tree)),
            (Places{"lib/README.md:31", "lib/stats/README.md:1", "tests/targets/README.md:1"}));
}

TEST(Rules, CatchALongFile) {
  const std::string line = "\n";
  std::string text;
  for (int i = 0; i < 501; ++i) text += line;
  EXPECT_EQ(places(check_lengths(tree_of({{"lib/a.cpp", text}, {"lib/b.md", text}}))),
            Places{"lib/a.cpp:501"});
}

TEST(Rules, CatchAHeaderThatDoesNotSayWhatItIs) {
  const SourceTree tree = tree_of({{"lib/good.h", "// good: what is good.\n#pragma once\n"},
                                   {"lib/no_comment.h", "#pragma once\n"},
                                   {"lib/no_pragma.h", "// no_pragma: without #pragma once\n"}});
  EXPECT_EQ(places(check_headers(tree)), (Places{"lib/no_comment.h:1", "lib/no_pragma.h:1"}));
}

TEST(Rules, CatchNamesThatSayNothing) {
  const SourceTree tree = tree_of({{"lib/string_utils.h", ""},
                                   {"lib/misc/a.cpp", ""},
                                   {"reports/report_manager.cpp", ""},
                                   {"lib/community.h", ""},
                                   {"lib/utility_function.h", ""}});
  EXPECT_EQ(places(check_names(tree)),
            (Places{"lib/misc/a.cpp:1", "lib/string_utils.h:1", "reports/report_manager.cpp:1"}));
}

TEST(Rules, CatchForbiddenCallsInTheHotPath) {
  for (const std::string line : {"void* p = malloc(8);", "return malloc(size);", "  free(block);",
                                 "if (x) printf(\"\");", "std::atomic<int> a;", "Tag* tag = new Tag;",
                                 "pthread_mutex_lock(&lock);", "throw 1;", "x = (calloc(1, 2));"}) {
    EXPECT_EQ(check_hot_path(tree_of({{"instrument/tracker/a.cpp", line + "\n"}})).size(), 1u) << line;
    EXPECT_EQ(check_hot_path(tree_of({{"reports/a.cpp", line + "\n"}})).size(), 0u) << line;
  }
}

TEST(Rules, LetPassWhatOnlyLooksForbidden) {
  for (const std::string line :
       {"void* block = real.malloc(size);", "LEAKHUNT_HOOK void* malloc(size_t size) {",
        "int puts(const char*);", "// malloc( is what we are inside of", "say(\"malloc() failed; new Tag\");",
        "/* std::vector */ int x;", "void* operator new(size_t size) {", "tracker->free(block);",
        "on_free(block);", "X(malloc, void*, (size_t))",
        "size_t count = 1'000; char c = '\"'; int renew = 1;"}) {
    EXPECT_EQ(describe(check_hot_path(tree_of({{"instrument/hooks/a.cpp", line + "\n"}}))), "") << line;
  }
}

TEST(Rules, CatchMarksOfUnfinishedWork) {
  const std::string mark = std::string("// TO") + "DO: later\n";
  EXPECT_EQ(places(check_marks(tree_of({{"lib/a.h", "\n" + mark}, {"lib/README.md", mark}}))),
            Places{"lib/a.h:2"});
}

TEST(Rules, CatchASourceThatNobodyBuilds) {
  const SourceTree tree = tree_of({{"lib/CMakeLists.txt", "add_library(lib a.cpp)\n"},
                                   {"lib/a.cpp", ""},
                                   {"lib/b.cpp", ""},
                                   {"instrument/CMakeLists.txt", "file(GLOB sources os/*.cpp)\n"},
                                   {"instrument/os/c.cpp", ""}});
  EXPECT_EQ(places(check_dead_files(tree)), Places{"lib/b.cpp:1"});
}

// From the disk, as the checkout is read: with git's list where there is git, and without.
TEST(Rules, ReadATreeFromTheDisk) {
  std::string pattern = (fs::temp_directory_path() / "leakhunt style XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  const fs::path root = pattern;
  for (const std::string path : {"lib/a.cpp", "lib/untracked.cpp", "build/lib/b.cpp", ".cache/c.cpp"}) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << "#include \"reports/x.h\"\n";
  }
  EXPECT_EQ(places(check_arrows(read_tree(root))), (Places{"lib/a.cpp:1", "lib/untracked.cpp:1"}));
  const std::string git = "git -C '" + root.string() + "' ";
  ASSERT_EQ(std::system((git + "init -q && " + git + "add lib/a.cpp").c_str()), 0);
  EXPECT_EQ(places(check_arrows(read_tree(root))), Places{"lib/a.cpp:1"});
  fs::remove_all(root);
}

}  // namespace
}  // namespace leakhunt::style
