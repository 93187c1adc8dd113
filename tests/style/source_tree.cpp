#include "tests/style/source_tree.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>

namespace leakhunt::style {
namespace fs = std::filesystem;

namespace {

bool ends_with_one_of(std::string_view path, std::initializer_list<std::string_view> endings) {
  for (const std::string_view ending : endings) {
    if (path.ends_with(ending)) return true;
  }
  return false;
}

// Empty when git cannot tell.
std::vector<std::string> tracked_files(const fs::path& root) {
  if (!fs::exists(root / ".git")) return {};
  // The checkout may belong to somebody else (a container's root reads its host's files).
  const std::string command = "git -c safe.directory='*' -C '" + root.string() + "' ls-files -z 2>/dev/null";
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  std::vector<std::string> paths(1);
  for (int c = 0; (c = fgetc(pipe)) != EOF;) {
    if (c == '\0') {
      paths.emplace_back();
    } else {
      paths.back() += static_cast<char>(c);
    }
  }
  paths.pop_back();
  return pclose(pipe) == 0 ? paths : std::vector<std::string>{};
}

std::vector<std::string> all_files(const fs::path& root) {
  std::vector<std::string> paths;
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::recursive_directory_iterator();
       ++entry) {
    const std::string name = entry->path().filename().string();
    if (entry->is_directory() && (name.starts_with(".") || name == "build" || name == "out")) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file()) {
      paths.push_back(entry->path().lexically_relative(root).generic_string());
    }
  }
  return paths;
}

// Blanks what is not code, so that a rule about calls is not caught by a sentence about them. Raw strings are
// read as plain ones, which is enough for our sources.
class CodeView {
 public:
  std::string next_line(const std::string& line) {
    std::string code = line;
    char quote = 0;
    for (size_t i = 0; i < line.size(); ++i) {
      const std::string_view rest = std::string_view(line).substr(i);
      if (in_comment_) {
        if (rest.starts_with("*/")) in_comment_ = false, code[i++] = ' ';
        code[i] = ' ';
      } else if (quote != 0) {
        if (rest.front() == quote) {
          quote = 0;
          continue;
        }
        if (rest.front() == '\\' && rest.size() > 1) code[i++] = ' ';
        code[i] = ' ';
      } else if (rest.starts_with("//")) {
        return code.substr(0, i);
      } else if (rest.starts_with("/*")) {
        in_comment_ = true;
        code[i] = ' ';
      } else if (rest.front() == '"' || (rest.front() == '\'' && !follows_digit(line, i))) {
        quote = rest.front();
      }
    }
    return code;
  }

 private:
  // 100'000 is a number
  static bool follows_digit(const std::string& line, size_t at) {
    return at > 0 && std::isxdigit(static_cast<unsigned char>(line[at - 1])) != 0;
  }
  bool in_comment_ = false;
};

}  // namespace

bool is_header(std::string_view path) {
  return ends_with_one_of(path, {".h", ".hpp"});
}
bool is_cpp(std::string_view path) {
  return is_header(path) || ends_with_one_of(path, {".c", ".cpp"});
}
bool is_script(std::string_view path) {
  const std::string_view name = path.substr(folder_of(path).size());
  return path.ends_with(".sh") || (path.starts_with("scripts/") && name.find('.') == std::string_view::npos);
}

std::string_view folder_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

std::string_view stem_of(std::string_view path) {
  if (const size_t slash = path.rfind('/'); slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return path.substr(0, path.find('.'));
}

SourceFile read_source(std::string_view path, const std::string& text) {
  SourceFile file;
  std::istringstream lines(text);
  CodeView view;
  for (std::string line; std::getline(lines, line);) {
    if (is_cpp(path)) file.code.push_back(view.next_line(line));
    file.lines.push_back(std::move(line));
  }
  return file;
}

SourceTree read_tree(const fs::path& root) {
  std::vector<std::string> paths = tracked_files(root);
  if (paths.empty()) paths = all_files(root);
  SourceTree tree;
  for (const std::string& path : paths) {
    std::ifstream file(root / path, std::ios::binary);
    if (!file || !fs::is_regular_file(root / path)) continue;  // deleted, not yet committed
    tree[path] = read_source(path, {std::istreambuf_iterator<char>(file), {}});
  }
  return tree;
}

}  // namespace leakhunt::style
