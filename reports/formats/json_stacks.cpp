#include "reports/formats/json_stacks.h"

#include <ostream>

namespace leakhunt::reports {

namespace {

constexpr int kIndent = 2;

std::string frame_text(const StackFrame& frame) {
  Json json = {{"function", frame.function}, {"file", frame.file},     {"line", frame.line},
               {"inlined", frame.inlined},   {"module", frame.module}, {"offset", frame.offset}};
  if (!frame.note.empty()) json["note"] = frame.note;
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

// "key": a list with an item a line, at the end of the outermost object.
void write_list(std::string_view key, const std::vector<std::string>& items, std::ostream& out) {
  out << ",\n  \"" << key << "\": [";
  const char* before = "\n    ";
  for (const std::string& item : items) {
    out << before << item;
    before = ",\n    ";
  }
  out << (items.empty() ? "]" : "\n  ]");
}

}  // namespace

size_t JsonStacks::add(const Attribution& attribution, size_t run) {
  std::vector<size_t> stack;
  stack.reserve(attribution.frames.size());
  size_t depth = 0;
  for (const StackFrame& frame : attribution.frames) {
    stack.push_back(number_of(frame, run, depth));
    depth = frame.inlined ? depth + 1 : 0;
  }
  const auto [known, is_new] = stack_numbers_.try_emplace(stack, stacks_.size());
  if (is_new) stacks_.push_back(std::move(stack));
  return known->second;
}

size_t JsonStacks::number_of(const StackFrame& frame, size_t run, size_t depth_of_inlining) {
  const auto [known, is_new] = known_.try_emplace({run, frame.address, depth_of_inlining, frame.module}, 0);
  if (!is_new) return known->second;
  std::string text = frame_text(frame);
  const auto [number, is_first] = frame_numbers_.try_emplace(text, frames_.size());
  if (is_first) frames_.push_back(std::move(text));
  return known->second = number->second;
}

void JsonStacks::write(const Json& object, std::ostream& out) const {
  std::string text = object.dump(kIndent, ' ', true, Json::error_handler_t::replace);
  text.resize(text.rfind('\n'));  // without the last "}"
  out << text;
  write_list("frames", frames_, out);
  std::vector<std::string> stacks;
  stacks.reserve(stacks_.size());
  for (const std::vector<size_t>& stack : stacks_) stacks.push_back(Json(stack).dump());
  write_list("stacks", stacks, out);
  out << "\n}\n";
}

}  // namespace leakhunt::reports
