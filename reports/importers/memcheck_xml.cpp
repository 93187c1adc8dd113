// The report of Valgrind's memcheck as XML (--xml=yes), protocol 4: one element a line, as Valgrind writes
// it. Of its errors the leaks are read. It has neither the sums of the text nor what is still reachable,
// unless Valgrind was asked to show it. Definition: Valgrind, docs/internals/xml-output-protocol4.txt.
#include <optional>

#include <fmt/format.h>

#include "reports/importers/importer.h"
#include "reports/importers/leaks.h"
#include "reports/importers/text_lines.h"

namespace leakhunt::reports {

namespace {

using Wrong = tl::unexpected<ImportError>;

std::string unescaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const char* meant = take(text, "&lt;")     ? "<"
                        : take(text, "&gt;")   ? ">"
                        : take(text, "&quot;") ? "\""
                        : take(text, "&apos;") ? "'"
                        : take(text, "&amp;")  ? "&"
                                               : nullptr;
    if (meant != nullptr) {
      result += meant;
    } else {
      result += text.front();
      text.remove_prefix(1);
    }
  }
  return result;
}

// The content of "<name>content</name>"; none: the line is another one.
std::optional<std::string_view> content(std::string_view line, std::string_view name) {
  const std::string begin = fmt::format("<{}>", name);
  const std::string end = fmt::format("</{}>", name);
  if (!line.starts_with(begin) || !line.ends_with(end) || line.size() < begin.size() + end.size())
    return std::nullopt;
  return line.substr(begin.size(), line.size() - begin.size() - end.size());
}

std::string_view kind_of(std::string_view name) {
  if (name == "Leak_DefinitelyLost") return kDefinitelyLost;
  if (name == "Leak_IndirectlyLost") return kIndirectlyLost;
  if (name == "Leak_PossiblyLost") return kPossiblyLost;
  if (name == "Leak_StillReachable") return kStillReachable;
  return {};
}

struct Frame {
  uint64_t address = 0;
  std::string object;
  std::string function;
  std::string directory;
  std::string file;
  uint32_t line = 0;
};

ImportedFrame imported(const Frame& frame) {
  ImportedFrame result;
  result.module = frame.object;
  result.offset = frame.address;
  const std::string path = frame.directory.empty() || frame.file.empty() || frame.file.starts_with('/')
                               ? frame.file
                               : frame.directory + "/" + frame.file;
  if (!frame.function.empty() || !path.empty())
    result.sources.push_back({frame.function, path, frame.line, false});
  return result;
}

class XmlReader {
 public:
  explicit XmlReader(std::string_view text) : lines_(text) {}

  Imported read() {
    bool complete = false;
    while (const auto line = lines_.next()) {
      std::string_view text = *line;
      while (take(text, " ")) continue;
      complete = complete || text == "</valgrindoutput>";
      if (auto read = read_line(text); !read) return Wrong(read.error());
    }
    if (!complete)
      return wrong("the file ends before </valgrindoutput>: it was cut off, or the program was killed");
    leaks_.set_command(command_);
    Import import = std::move(leaks_).take(Foreign::kMemcheckXml);
    import.limits.emplace_back(
        "memcheck's XML has no sums: what it was not asked to show (--show-leak-kinds=all) is missing");
    return import;
  }

 private:
  tl::unexpected<ImportError> wrong(std::string what) {
    return Wrong(ImportError{lines_.number(), std::move(what)});
  }

  tl::expected<void, ImportError> read_line(std::string_view line) {
    if (line == "<argv>" || line == "</argv>") in_arguments_ = line == "<argv>";
    if (line == "<error>") begin_error();
    if (line == "</error>") return end_error();
    if (line == "<stack>") ++stacks_;
    if (line == "<frame>") frame_.emplace();
    if (line == "</frame>") end_frame();
    if (in_arguments_) take_argument(line);
    if (const auto tool = content(line, "tool"); tool && *tool != "memcheck")
      return wrong(fmt::format("this is the XML of {}, and only memcheck's can be read", *tool));
    return frame_ ? read_frame(line) : read_error(line);
  }

  void take_argument(std::string_view line) {
    auto argument = content(line, "exe");
    if (!argument) argument = content(line, "arg");
    if (argument) command_ += (command_.empty() ? "" : " ") + unescaped(*argument);
  }

  void begin_error() {
    kind_ = {};
    sum_ = {};
    direct_.reset();
    stack_.clear();
    stacks_ = 0;
  }

  tl::expected<void, ImportError> end_error() {
    if (kind_.empty()) return {};  // an invalid read, say
    if (sum_.blocks == 0) return wrong("the leak that ends here says neither its bytes nor its blocks");
    leaks_.add(kind_, stack_, {direct_.value_or(sum_.bytes), sum_.blocks});
    kind_ = {};
    return {};
  }

  void end_frame() {
    if (frame_ && stacks_ == 1) stack_.push_back(imported(*frame_));
    frame_.reset();
  }

  tl::expected<void, ImportError> read_error(std::string_view line) {
    if (const auto kind = content(line, "kind")) kind_ = kind_of(*kind);
    for (const auto& [name, value] :
         {std::pair{"leakedbytes", &sum_.bytes}, {"leakedblocks", &sum_.blocks}}) {
      auto text = content(line, name);
      if (!text) continue;
      const auto number = take_number(*text);
      if (!number || !text->empty()) return wrong(fmt::format("<{}> is no number", name));
      *value = *number;
    }
    // "1,024 (1,000 direct, 24 indirect) bytes in 1 blocks are definitely lost in ..."
    if (auto text = content(line, "text")) {
      const bool split = take_grouped_number(*text) && take(*text, " (");
      const auto direct = split ? take_grouped_number(*text) : std::nullopt;
      if (direct && take(*text, " direct")) direct_ = direct;
    }
    return {};
  }

  tl::expected<void, ImportError> read_frame(std::string_view line) {
    if (auto text = content(line, "ip")) {
      take(*text, "0x");
      const auto address = take_number(*text, 16, UINT64_MAX);
      if (!address) return wrong("<ip> is no address");
      frame_->address = *address;
    }
    if (auto text = content(line, "line")) {
      const auto number = take_number(*text, 10, UINT32_MAX);
      if (!number) return wrong("<line> is no number");
      frame_->line = static_cast<uint32_t>(*number);
    }
    for (const auto& [name, value] : {std::pair{"obj", &frame_->object},
                                      {"fn", &frame_->function},
                                      {"dir", &frame_->directory},
                                      {"file", &frame_->file}}) {
      if (const auto text = content(line, name)) *value = unescaped(*text);
    }
    return {};
  }

  TextLines lines_;
  LeakList leaks_;
  std::string command_;
  bool in_arguments_ = false;
  std::string_view kind_;  // of the error that is read; empty: no leak
  LeakSum sum_;
  std::optional<uint64_t> direct_;
  int stacks_ = 0;
  std::optional<Frame> frame_;
  std::vector<ImportedFrame> stack_;
};

}  // namespace

Imported import_memcheck_xml(std::string_view text) {
  return XmlReader(text).read();
}

}  // namespace leakhunt::reports
