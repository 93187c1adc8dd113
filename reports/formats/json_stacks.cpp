#include "reports/formats/json_stacks.h"

#include <charconv>
#include <ostream>

#include <nlohmann/json.hpp>

namespace leakhunt::reports {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kFrameLevel = 4;  // the outermost object, its list, the list's object, its list of frames

std::string indentation(int level) {
  return std::string(static_cast<size_t>(level * kJsonIndent), ' ');
}

// Without its number: no text of a recording can look so, since a line's end in it is written as "\n".
std::string key_and_quote() {
  return "\n" + indentation(kFrameLevel - 1) + "\"stack\": \"";
}

Json frame_json(const StackFrame& frame) {
  Json json = {{"function", frame.function}, {"file", frame.file},     {"line", frame.line},
               {"inlined", frame.inlined},   {"module", frame.module}, {"offset", frame.offset}};
  if (!frame.note.empty()) json["note"] = frame.note;
  return json;
}

}  // namespace

std::string JsonStacks::placeholder(const Attribution& attribution) {
  stacks_.push_back(&attribution);
  return std::to_string(stacks_.size() - 1);
}

void JsonStacks::write(std::string_view text, std::ostream& out) {
  const std::string key = key_and_quote();
  for (;;) {
    const size_t at = text.find(key);
    if (at == std::string_view::npos) break;
    const std::string_view number = text.substr(at + key.size());
    size_t stack = 0;
    const auto end = std::from_chars(number.data(), number.data() + number.size(), stack).ptr;
    out << text.substr(0, at + key.size() - 1);
    write_stack(stacks_.at(stack)->frames, out);
    text = number.substr(static_cast<size_t>(end - number.data()) + 1);
  }
  out << text;
}

void JsonStacks::write_stack(const FrameList& stack, std::ostream& out) {
  if (stack.empty()) {
    out << "[]";
    return;
  }
  const std::string indent = "\n" + indentation(kFrameLevel);
  const char* before = "[";
  for (const StackFrame& frame : stack) {
    out << before << indent << text_of(frame);
    before = ",";
  }
  out << "\n" << indentation(kFrameLevel - 1) << "]";
}

const std::string& JsonStacks::text_of(const StackFrame& frame) {
  const auto [known, is_new] = frames_.try_emplace(&frame);
  if (!is_new) return known->second;
  const std::string flat = frame_json(frame).dump(kJsonIndent, ' ', true, Json::error_handler_t::replace);
  const std::string indent = indentation(kFrameLevel);
  for (const char c : flat) {
    known->second += c;
    if (c == '\n') known->second += indent;
  }
  return known->second;
}

}  // namespace leakhunt::reports
