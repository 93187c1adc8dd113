#include "reports/analysis/attribution.h"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include <fmt/format.h>

namespace leakhunt::reports {

namespace {

constexpr std::array<std::string_view, 21> kMallocFamily = {
    "malloc",   "calloc", "realloc",  "reallocarray", "free",          "aligned_alloc", "posix_memalign",
    "memalign", "valloc", "pvalloc",  "mmap",         "mmap64",        "mremap",        "strdup",
    "strndup",  "wcsdup", "asprintf", "vasprintf",    "__libc_malloc", "__libc_calloc", "__libc_realloc",
};
// What libc allocates for whoever calls it: malloc in another form.
constexpr std::array<std::string_view, 12> kLibcGives = {
    "strdup",   "strndup", "wcsdup",      "asprintf", "vasprintf", "getline",
    "getdelim", "getcwd",  "IO_getdelim", "realpath", "tempnam",   "canonicalize_file_name",
};
constexpr std::array<std::string_view, 4> kPlumbingNamespaces = {
    "std::", "__gnu_cxx::", "__cxxabiv1::", "leakhunt::TaggedResource::"};

// Of Rust's crates alloc and hashbrown only what no C++ program is likely to call so.
constexpr std::array<std::string_view, 15> kRustPlumbing = {
    "__rust_alloc",    "__rust_realloc",       "__rdl_",           "__rg_",        "alloc::alloc::",
    "alloc::boxed::",  "alloc::collections::", "alloc::raw_vec::", "alloc::rc::",  "alloc::slice::",
    "alloc::string::", "alloc::sync::",        "alloc::vec::",     "alloc::fmt::", "hashbrown::",
};

// How the kernel calls a program whose file is gone.
constexpr std::string_view kDeleted = " (deleted)";

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

// A return type may be an expression: "decltype (::new (0) T(declval<int>())) std::construct_at<T>(T*, int)".
std::string_view without_decltype(std::string_view function) {
  constexpr std::string_view kWord = "decltype";
  if (!function.starts_with(kWord)) return function;
  size_t at = kWord.size();
  if (at < function.size() && function[at] == ' ') ++at;
  if (at == function.size() || function[at] != '(') return function;
  int depth = 0;
  for (; at < function.size(); ++at) {
    if (function[at] == '(') ++depth;
    if (function[at] == ')' && --depth == 0) return function.substr(at + 1);
  }
  return function;
}

bool is_anonymous(const StackFrame& frame) {
  return frame.module == recording::kAnonymousCode;
}

// "__GI___strdup", "__vasprintf_internal", "__asprintf_chk": libc's own names for what it gives away.
bool is_libc_plumbing(std::string_view module, std::string_view name) {
  if (!base_name(module).starts_with("libc.so") && !base_name(module).starts_with("libc-")) return false;
  if (name.starts_with("__GI_")) name.remove_prefix(5);
  name.remove_prefix(std::min(name.find_first_not_of('_'), name.size()));
  for (const std::string_view suffix : {"_internal", "_chk"}) {
    if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  }
  return std::find(kLibcGives.begin(), kLibcGives.end(), name) != kLibcGives.end();
}

// What stands between a Rust program and its allocator. Its debug information calls the standard library's
// sources /rustc/<commit>/library/...; a method of a trait is "<alloc::vec::Vec<T> as Trait>::method".
bool is_rust_plumbing(std::string_view file, std::string_view name) {
  if (file.starts_with("/rustc/")) return true;
  if (name.starts_with('<')) name.remove_prefix(1);
  return std::any_of(kRustPlumbing.begin(), kRustPlumbing.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

std::string_view qualified_name(std::string_view function) {
  function = without_decltype(function);
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

std::string shorten_templates(std::string_view function, size_t width) {
  if (function.size() <= width) return std::string(function);
  constexpr std::string_view kOperator = "operator";
  const size_t op = find_operator(function);
  std::string text;
  size_t depth = 0;
  for (size_t i = 0; i < function.size(); ++i) {
    if (i == op && depth == 0) {  // what follows is a sign, not a bracket
      const size_t end = function.find_first_not_of("<>=-!+*/%^&|~,[]()", i + kOperator.size());
      text += function.substr(i, end - i);
      if (end == std::string_view::npos) break;
      i = end - 1;
      continue;
    }
    const char c = function[i];
    const bool of_arrow = c == '>' && i > 0 && function[i - 1] == '-';  // Rust: fn() -> T
    if (c == '>' && depth > 0 && !of_arrow) --depth;
    if (depth == 0) text += c;
    if (c == '<' && i > 0) {  // at the very beginning it is Rust's "<Type as Trait>::method"
      if (depth == 0) text += "…";
      ++depth;
    }
  }
  return text;
}

bool is_plumbing(const StackFrame& frame) {
  if (base_name(frame.module).starts_with("libleakhunt")) return true;
  std::string_view name = qualified_name(frame.function);
  if (name.empty()) return false;
  name = name.substr(0, std::min(name.find('@'), name.size()));  // malloc@plt, malloc@@GLIBC_2.2.5
  if (is_rust_plumbing(frame.file, name) || is_libc_plumbing(frame.module, name)) return true;
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
  if (is_anonymous(frame)) return fmt::format("[anonymous code 0x{:x}]", frame.address);
  std::string_view module = base_name(frame.module);
  if (module.ends_with(kDeleted)) module.remove_suffix(kDeleted.size());
  if (!module.empty()) return fmt::format("{}+0x{:x}", module, frame.offset);
  return fmt::format("0x{:x}", frame.address);
}

Attributor::Attributor(const recording::Run& run) : run_(run), table_(std::make_shared<StackFrames>()) {}

Attributor::Expanded Attributor::expand(const recording::CallSite& site, uint64_t address) {
  const recording::Symbol* symbol = symbol_of(run_, site, address);
  Expanded& known = symbol != nullptr ? symbols_[symbol] : unknown_[address];
  if (known.count != 0) return known;
  static const recording::SourceFrame kUnknown;
  const bool is_named = symbol != nullptr && !symbol->source_frames.empty();
  const std::span<const recording::SourceFrame> sources =
      is_named ? std::span(symbol->source_frames) : std::span(&kUnknown, 1);
  known = {static_cast<uint32_t>(table_->size()), static_cast<uint32_t>(sources.size())};
  for (const recording::SourceFrame& source : sources) {
    StackFrame& frame = table_->emplace_back();
    frame.function = source.function;
    frame.file = source.file;
    frame.line = source.line;
    frame.inlined = source.inlined;
    frame.address = address;
    frame.offset = symbol != nullptr ? symbol->offset : address;
    if (symbol != nullptr) {
      frame.module = symbol->module;
      frame.note = symbol->note;
    }
    // Code made at run time answers where it has a name; otherwise whoever called it says more.
    const bool has_module = !frame.module.empty() && !is_anonymous(frame);
    const bool answers = (has_module || !frame.function.empty()) && !is_plumbing(frame);
    answers_.push_back(answers ? Answers::kYes : has_module ? Answers::kIfNobodyElse : Answers::kNo);
  }
  return known;
}

Attribution Attributor::attribute(const recording::CallSite& site) {
  const std::vector<uint64_t>& addresses = site.frames;
  size_t shared = 0;  // outermost return addresses, as in the site before
  if (last_ != nullptr && last_->module_epoch == site.module_epoch) {
    const auto apart =
        std::mismatch(addresses.rbegin(), addresses.rend(), last_->frames.rbegin(), last_->frames.rend());
    shared = static_cast<size_t>(apart.first - addresses.rbegin());
  }
  last_ = &site;
  if (shared < begins_.size()) {
    numbers_.resize(begins_[shared]);
    begins_.resize(shared);
  }
  for (size_t i = addresses.size() - shared; i-- > 0;) {
    begins_.push_back(static_cast<uint32_t>(numbers_.size()));
    const Expanded expanded = expand(site, addresses[i]);
    for (uint32_t frame = expanded.count; frame-- > 0;) numbers_.push_back(expanded.first + frame);
  }

  std::vector<uint32_t> numbers(numbers_.rbegin(), numbers_.rend());
  const auto first = [&](Answers least) {
    return std::find_if(numbers.begin(), numbers.end(),
                        [&](uint32_t frame) { return answers_[frame] >= least; });
  };
  auto named = first(Answers::kYes);
  if (named == numbers.end()) named = first(Answers::kIfNobodyElse);
  Attribution result;
  if (named != numbers.end()) result.named = static_cast<size_t>(named - numbers.begin());
  result.frames = FrameList(table_, std::move(numbers));
  return result;
}

Attribution attribute(const recording::Run& run, const recording::CallSite& site) {
  return Attributor(run).attribute(site);
}

}  // namespace leakhunt::reports
