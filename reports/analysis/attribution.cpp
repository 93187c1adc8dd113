#include "reports/analysis/attribution.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace leakhunt::reports {

namespace {

constexpr std::array<std::string_view, 21> kMallocFamily = {
    "malloc",   "calloc", "realloc",  "reallocarray", "free",          "aligned_alloc", "posix_memalign",
    "memalign", "valloc", "pvalloc",  "mmap",         "mmap64",        "mremap",        "strdup",
    "strndup",  "wcsdup", "asprintf", "vasprintf",    "__libc_malloc", "__libc_calloc", "__libc_realloc",
};
constexpr std::array<std::string_view, 4> kPlumbingNamespaces = {
    "std::", "__gnu_cxx::", "__cxxabiv1::", "leakhunt::TaggedResource::"};

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// Position of `wanted` outside of every pair of <>, () and {}, or npos.
size_t find_outside(std::string_view text, char wanted) {
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == wanted && depth == 0) return i;
    if (c == '<' || c == '(' || c == '{') ++depth;
    if ((c == '>' || c == ')' || c == '}') && depth > 0) --depth;
  }
  return std::string_view::npos;
}

bool is_word(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Position of the word "operator", whose name contains brackets and spaces, or npos.
size_t find_operator(std::string_view text) {
  constexpr std::string_view kOperator = "operator";
  for (size_t at = text.find(kOperator); at != std::string_view::npos; at = text.find(kOperator, at + 1)) {
    const bool begins = at == 0 || !is_word(text[at - 1]);
    const bool ends = at + kOperator.size() == text.size() || !is_word(text[at + kOperator.size()]);
    if (begins && ends && find_outside(text.substr(0, at), '(') == std::string_view::npos) return at;
  }
  return std::string_view::npos;
}

// Where the parameters begin: the first '(' outside of template arguments that is not "(anonymous namespace)"
// and not part of a name such as "operator()".
size_t find_parameters(std::string_view function) {
  constexpr std::string_view kAnonymous = "(anonymous namespace)";
  const size_t op = find_operator(function);
  size_t from = op == std::string_view::npos ? 0 : op + std::string_view("operator").size();
  if (function.substr(from).starts_with("()")) from += 2;
  while (op != std::string_view::npos && from < function.size() && function[from] != '(') ++from;
  for (;;) {
    const size_t at = find_outside(function.substr(from), '(');
    if (at == std::string_view::npos) return function.size();
    if (!function.substr(from + at).starts_with(kAnonymous)) return from + at;
    from += at + kAnonymous.size();
  }
}

}  // namespace

std::string_view qualified_name(std::string_view function) {
  std::string_view name = function.substr(0, find_parameters(function));
  const std::string_view before_operator = name.substr(0, std::min(find_operator(name), name.size()));
  size_t skip = 0;  // the return type: up to the last space outside of brackets
  for (size_t at = 0; at < before_operator.size();) {
    const size_t space = find_outside(before_operator.substr(at), ' ');
    if (space == std::string_view::npos) break;
    at += space + 1;
    skip = at;
  }
  name.remove_prefix(skip);
  while (name.starts_with('*') || name.starts_with('&')) name.remove_prefix(1);
  return name;
}

bool is_plumbing(const StackFrame& frame) {
  if (base_name(frame.module).starts_with("libleakhunt")) return true;
  std::string_view name = qualified_name(frame.function);
  if (name.empty()) return false;
  name = name.substr(0, std::min(name.find('@'), name.size()));  // malloc@plt, malloc@@GLIBC_2.2.5
  if (name.starts_with("operator new") || name.starts_with("operator delete")) return true;
  if (std::find(kMallocFamily.begin(), kMallocFamily.end(), name) != kMallocFamily.end()) return true;
  const auto begins_name = [&](std::string_view prefix) { return name.starts_with(prefix); };
  if (std::any_of(kPlumbingNamespaces.begin(), kPlumbingNamespaces.end(), begins_name)) return true;

  const size_t colons = name.rfind("::");
  if (colons == std::string_view::npos) return false;
  const std::string_view member = name.substr(colons + 2);
  const std::string_view type = name.substr(0, colons);
  if (member == "do_allocate") return true;
  const auto type_says = [&](std::string_view word) { return type.find(word) != std::string_view::npos; };
  return member == "allocate" &&
         (type_says("memory_resource") || type_says("Resource") || type_says("llocator"));
}

std::string frame_name(const StackFrame& frame) {
  if (!frame.function.empty()) return frame.function;
  if (!frame.module.empty()) return fmt::format("{}+0x{:x}", base_name(frame.module), frame.offset);
  return fmt::format("0x{:x}", frame.address);
}

Attribution attribute(const recording::Run& run, const recording::CallSite& site) {
  Attribution result;
  for (const uint64_t address : site.frames) {
    StackFrame frame;
    frame.address = address;
    frame.offset = address;
    const auto symbol = run.symbols.find(address);
    if (symbol != run.symbols.end()) {
      frame.module = symbol->second.module;
      frame.offset = symbol->second.offset;
      for (const recording::SourceFrame& source : symbol->second.source_frames) {
        frame.function = source.function;
        frame.file = source.file;
        frame.line = source.line;
        frame.inlined = source.inlined;
        result.frames.push_back(frame);
      }
    }
    if (symbol == run.symbols.end() || symbol->second.source_frames.empty()) result.frames.push_back(frame);
  }
  const auto answers = [](const StackFrame& f) {
    return !(f.module.empty() && f.function.empty()) && !is_plumbing(f);
  };
  const auto has_module = [](const StackFrame& f) { return !f.module.empty(); };
  auto named = std::find_if(result.frames.begin(), result.frames.end(), answers);
  if (named == result.frames.end())
    named = std::find_if(result.frames.begin(), result.frames.end(), has_module);
  if (named != result.frames.end()) result.named = static_cast<size_t>(named - result.frames.begin());
  return result;
}

}  // namespace leakhunt::reports
