#include "tests/style/rules.h"

#include <algorithm>
#include <array>
#include <regex>
#include <set>
#include <sstream>

namespace leakhunt::style {
namespace {

constexpr size_t kMaxLines = 500;
constexpr size_t kMaxReadmeLines = 30;

// --- the arrows

struct Room {
  std::string_view folder;                    // the longest match counts
  std::vector<std::string_view> may_include;  // folders end with '/'
};

const std::vector<Room>& rooms() {
  static const std::vector<Room> table{
      {"lib/recording", {"lib/recording/"}},
      {"lib/machine_code", {"lib/machine_code/"}},
      {"lib/symbols", {"lib/symbols/", "lib/recording/run.h"}},
      {"lib/stats", {"lib/stats/"}},
      {"lib/trainer", {"lib/trainer/", "lib/recording/fast_crc.h"}},
      {"instrument/os", {"instrument/os/", "lib/recording/format.h", "lib/recording/codec.h"}},
      {"instrument/unwind", {"instrument/unwind/", "instrument/os/"}},
      {"instrument/heap_graph",
       {"instrument/heap_graph/", "instrument/os/", "lib/recording/format.h", "lib/recording/codec.h",
        "lib/recording/graph_codec.h"}},
      {"instrument/tracker",
       {"instrument/tracker/", "instrument/heap_graph/", "instrument/unwind/", "instrument/os/",
        "lib/recording/format.h", "lib/recording/codec.h", "lib/recording/counter_arithmetic.h",
        "lib/recording/freed_codec.h", "lib/recording/sampling_codec.h", "lib/recording/graph_codec.h"}},
      {"instrument/hooks",
       {"instrument/hooks/", "instrument/tracker/", "instrument/unwind/", "instrument/os/",
        "instrument/runtime.h"}},
      {"instrument",
       {"instrument/", "lib/recording/format.h", "lib/recording/codec.h", "lib/recording/freed_codec.h",
        "lib/recording/sampling_codec.h", "lib/recording/counter_arithmetic.h", "lib/recording/graph_codec.h",
        "lib/recording/attach_call.h"}},
      {"reports/analysis",
       {"reports/analysis/", "reports/formats/units.h", "reports/formats/escape.h", "lib/recording/",
        "lib/stats/"}},
      {"reports", {"reports/", "lib/recording/", "lib/stats/"}},
      {"scenarios",
       {"scenarios/", "lib/", "instrument/leakhunt.h", "instrument/leakhunt.hpp",
        "instrument/os/control_group.h"}},
      {"cli", {"cli/", "scenarios/", "reports/", "lib/"}},
      {"docs", {"instrument/leakhunt.h"}},
      {"bench", {"bench/", "cli/", "scenarios/", "reports/", "instrument/", "lib/"}},
      {"tests", {"tests/", "bench/", "cli/", "scenarios/", "reports/", "instrument/", "lib/"}},
  };
  return table;
}

bool is_inside(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/';
}

const Room* room_of(std::string_view path) {
  const Room* found = nullptr;
  for (const Room& room : rooms()) {
    const bool closer = found == nullptr || room.folder.size() > found->folder.size();
    if (is_inside(path, room.folder) && closer) found = &room;
  }
  return found;
}

bool allows(const Room& room, std::string_view included) {
  return std::ranges::any_of(room.may_include, [&](std::string_view allowed) {
    return allowed.ends_with('/') ? included.starts_with(allowed) : included == allowed;
  });
}

std::string listed(const std::vector<std::string_view>& words) {
  std::string text;
  for (const std::string_view word : words) (text += text.empty() ? "" : ", ") += word;
  return text;
}

struct Include {
  size_t line = 0;
  std::string path;
  bool quoted = false;
};

std::vector<Include> includes_of(const SourceFile& file) {
  static const std::regex pattern(R"re(^\s*#\s*include\s*(["<])([^">]+)[">])re");
  std::vector<Include> includes;
  for (size_t i = 0; i < file.code.size(); ++i) {
    std::smatch match;
    if (file.code[i].find('#') == std::string::npos) continue;  // commented out
    if (std::regex_search(file.lines[i], match, pattern))
      includes.push_back({i + 1, match[2], match[1] == "\""});
  }
  return includes;
}

// --- the hot path

constexpr std::array<std::string_view, 3> kHotFolders = {"instrument/hooks", "instrument/tracker",
                                                         "instrument/unwind"};

constexpr std::array<std::string_view, 31> kForbiddenCalls = {"malloc",
                                                              "calloc",
                                                              "realloc",
                                                              "reallocarray",
                                                              "free",
                                                              "aligned_alloc",
                                                              "posix_memalign",
                                                              "memalign",
                                                              "strdup",
                                                              "printf",
                                                              "fprintf",
                                                              "sprintf",
                                                              "snprintf",
                                                              "vsnprintf",
                                                              "dprintf",
                                                              "puts",
                                                              "fputs",
                                                              "fopen",
                                                              "fwrite",
                                                              "fflush",
                                                              "getline",
                                                              "backtrace",
                                                              "dl_iterate_phdr",
                                                              "dladdr",
                                                              "syslog",
                                                              "atexit",
                                                              "pthread_mutex_lock",
                                                              "pthread_create",
                                                              "pthread_rwlock_rdlock",
                                                              "pthread_rwlock_wrlock",
                                                              "sem_wait"};

// What is allowed in one file, and why.
struct Excuse {
  std::string_view file;
  std::string_view call;
  std::string_view why;
};
constexpr std::array<Excuse, 1> kExcuses = {
    {{"instrument/unwind/eh_frame.cpp", "dl_iterate_phdr()",
      "glibc before 2.35 has no _dl_find_object(); its lock is recursive, and a module is looked for once"}}};

bool is_excused(std::string_view file, std::string_view call) {
  return std::ranges::any_of(kExcuses, [&](const Excuse& e) { return e.file == file && e.call == call; });
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Does `name(` stand at `at` as a call? real.malloc(, ->free( and declarations ("void* malloc(") are none.
bool is_call(const std::string& code, size_t at, std::string_view name) {
  if (code.compare(at + name.size(), 1, "(") != 0) return false;
  size_t before = at;
  if (before > 0 && (is_word(code[before - 1]) || code[before - 1] == '.')) return false;
  while (before > 0 && code[before - 1] == ' ') --before;
  if (before == 0) return true;
  const char last = code[before - 1];
  if (last == '*' || last == '&' || (last == '>' && before > 1 && code[before - 2] == '-')) return false;
  if (!is_word(last)) return true;
  size_t word = before;
  while (word > 0 && is_word(code[word - 1])) --word;
  const std::string_view previous = std::string_view(code).substr(word, before - word);
  return previous == "return" || previous == "else" || previous == "do";  // otherwise a type: a declaration
}

// The forbidden thing that a line of code calls; empty when it is clean.
std::string forbidden_in(const std::string& code) {
  static const std::regex standard_library(R"(\bstd::)");
  static const std::regex heap_new(R"(\bnew\b)");
  static const std::regex operator_new(R"(\boperator\s+new\b)");
  static const std::regex throwing(R"(\b(throw|dynamic_cast|typeid)\b)");
  for (const std::string_view name : kForbiddenCalls) {
    for (size_t at = 0; (at = code.find(name, at)) != std::string::npos; at += name.size()) {
      if (is_call(code, at, name)) return std::string(name) + "()";
    }
  }
  std::smatch match;
  if (std::regex_search(code, standard_library)) return "the C++ standard library";
  if (std::regex_search(std::regex_replace(code, operator_new, ""), heap_new)) return "operator new";
  if (std::regex_search(code, match, throwing)) return match.str();
  return {};
}

// --- reports

// Runs `check` on each file of the tree that `of` accepts.
template <typename Of, typename Check>
std::vector<Violation> for_each_file(const SourceTree& tree, Of of, Check check) {
  std::vector<Violation> violations;
  for (const auto& [path, file] : tree) {
    if (!of(path)) continue;
    const auto report = [&violations, &path = path](size_t line, std::string message) {
      violations.push_back({path, line, std::move(message)});
    };
    check(path, file, report);
  }
  return violations;
}

bool is_source(std::string_view path) {
  return is_cpp(path) || is_script(path);
}

}  // namespace

std::string describe(const std::vector<Violation>& violations) {
  std::ostringstream text;
  for (const Violation& v : violations) text << v.file << ':' << v.line << ": " << v.message << '\n';
  return text.str();
}

std::vector<Violation> check_arrows(const SourceTree& tree) {
  return for_each_file(tree, is_cpp, [&](const std::string& path, const SourceFile& file, auto report) {
    const Room* room = room_of(path);
    if (room == nullptr)
      return report(1, "is in no room; put it into one, or add a row to the table of rules.cpp");
    for (const Include& include : includes_of(file)) {
      const bool ours = tree.contains(include.path);
      if (include.quoted && !ours) {
        report(include.line,
               "includes \"" + include.path +
                   "\", which is no tracked file; write it from the root (\"lib/recording/run.h\"), "
                   "and commit it, or use <> for a library's header");
      } else if (!include.quoted && ours) {
        report(include.line, "includes <" + include.path + ">; our own files are included with quotes");
      } else if (ours && !allows(*room, include.path)) {
        report(include.line, "includes " + include.path + "; " + std::string(room->folder) + " may include " +
                                 listed(room->may_include) +
                                 " - move the code to a room above both, or pass the value in");
      }
    }
  });
}

std::vector<Violation> check_tracker_headers(const SourceTree& tree) {
  const auto inside_target = [](std::string_view path) {
    return is_cpp(path) && path.starts_with("instrument/") && path != "instrument/leakhunt.hpp";
  };
  return for_each_file(tree, inside_target, [](const std::string&, const SourceFile& file, auto report) {
    for (const Include& include : includes_of(file)) {
      if (include.quoted || include.path.ends_with(".h")) continue;
      report(include.line,
             "includes <" + include.path + ">; inside the target there is libc only: use its .h headers");
    }
  });
}

namespace {

// The rooms and the folders in them: "lib" and "lib/trainer" of "lib/trainer/programs/train_full.cpp".
std::set<std::string> folders_to_explain(const SourceTree& tree) {
  std::set<std::string> folders;
  for (const auto& [path, file] : tree) {
    if (room_of(path) == nullptr && !path.starts_with("scripts/")) continue;
    const size_t first = path.find('/');
    const size_t second = path.find('/', first + 1);
    folders.insert(path.substr(0, first));
    if (second != std::string::npos) folders.insert(path.substr(0, second));
  }
  return folders;
}

bool has_folder(const SourceTree& tree, const std::string& folder) {
  const auto first = tree.lower_bound(folder + "/");
  return first != tree.end() && is_inside(first->first, folder);
}

}  // namespace

std::vector<Violation> check_readmes(const SourceTree& tree) {
  std::vector<Violation> violations;
  for (const std::string& folder : folders_to_explain(tree)) {
    const std::string readme = folder + "/README.md";
    const auto found = tree.find(readme);
    if (found != tree.end()) {
      if (found->second.lines.size() <= kMaxReadmeLines) continue;
      violations.push_back(
          {readme, kMaxReadmeLines + 1, "has more than 30 lines; move what is longer to docs/"});
    } else if (!folder.starts_with("tests/") || !has_folder(tree, folder.substr(6))) {
      violations.push_back({readme, 1, "is missing; say what the folder is for and what to read first"});
    }
  }
  return violations;
}

std::vector<Violation> check_lengths(const SourceTree& tree) {
  return for_each_file(tree, is_source, [](const std::string&, const SourceFile& file, auto report) {
    if (file.lines.size() <= kMaxLines) return;
    report(kMaxLines + 1, "is " + std::to_string(file.lines.size()) + " lines long, of at most " +
                              std::to_string(kMaxLines) + "; which noun in it deserves a file of its own?");
  });
}

std::vector<Violation> check_headers(const SourceTree& tree) {
  return for_each_file(tree, is_header, [](const std::string&, const SourceFile& file, auto report) {
    const bool begins_with_comment =
        !file.lines.empty() && (file.lines[0].starts_with("// ") || file.lines[0].starts_with("/* "));
    if (!begins_with_comment)
      report(1, "begins without a comment; say what lives here, who calls it, what must hold");
    if (std::ranges::find(file.code, "#pragma once") == file.code.end())
      report(1, "has no #pragma once; add it");
  });
}

std::vector<Violation> check_names(const SourceTree& tree) {
  static const std::regex nameless(R"((^|[/_-])(utils?|helpers?|common|managers?|misc)(?=[/_.-]|$))");
  const auto all = [](std::string_view) { return true; };
  return for_each_file(tree, all, [](const std::string& path, const SourceFile&, auto report) {
    std::smatch match;
    if (!std::regex_search(path, match, nameless)) return;
    report(1, "is named \"" + match[2].str() + "\", which says nothing; name it after the noun it holds");
  });
}

std::vector<Violation> check_hot_path(const SourceTree& tree) {
  const auto is_hot = [](std::string_view path) {
    return is_cpp(path) &&
           std::ranges::any_of(kHotFolders, [&](auto folder) { return is_inside(path, folder); });
  };
  return for_each_file(tree, is_hot, [](const std::string& path, const SourceFile& file, auto report) {
    for (size_t i = 0; i < file.code.size(); ++i) {
      const std::string found = forbidden_in(file.code[i]);
      if (found.empty() || is_excused(path, found)) continue;
      report(i + 1,
             "uses " + found +
                 ", which may allocate, lock or throw inside malloc; use instrument/os, or do it at start");
    }
  });
}

std::vector<Violation> check_marks(const SourceTree& tree) {
  static const std::regex mark(
      "\\b(TO"
      "DO|FIX"
      "ME|XX"
      "X|HA"
      "CK)\\b");
  return for_each_file(tree, is_source, [](const std::string&, const SourceFile& file, auto report) {
    for (size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(file.lines[i], match, mark)) continue;
      report(i + 1, "says " + match.str() + "; finish it, or open an issue and delete the line");
    }
  });
}

std::vector<Violation> check_dead_files(const SourceTree& tree) {
  std::string build;
  std::set<std::string_view> globbed;  // folders whose CMakeLists.txt takes what it finds
  for (const auto& [path, file] : tree) {
    if (!path.ends_with("CMakeLists.txt")) continue;
    for (const std::string& line : file.lines) {
      build += line + '\n';
      if (line.find("GLOB") != std::string::npos) globbed.insert(folder_of(path));
    }
  }
  const auto is_compiled = [](std::string_view path) {
    return path.ends_with(".cpp") || path.ends_with(".c");
  };
  return for_each_file(tree, is_compiled, [&](const std::string& path, const SourceFile&, auto report) {
    const std::string_view name = std::string_view(path).substr(folder_of(path).size() + 1);
    const bool in_glob = std::ranges::any_of(globbed, [&](auto folder) { return is_inside(path, folder); });
    // A loop over names in a CMakeLists.txt lists programs without their ending.
    const std::regex named("(^|[^a-z0-9_])" + std::string(stem_of(path)) + "([^a-z0-9_]|$)");
    if (in_glob || std::regex_search(build, named)) return;
    report(1, std::string(name) + " is in no CMakeLists.txt; add it to one, or delete it");
  });
}

}  // namespace leakhunt::style
