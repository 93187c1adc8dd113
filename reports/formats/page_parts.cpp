#include "reports/formats/page_parts.h"

#include <algorithm>
#include <ostream>

#include "reports/formats/built_page.h"
#include "reports/formats/escape.h"
#include "reports/formats/labels.h"

namespace leakhunt::reports {

namespace {

// Compilers that are called from a build folder tell paths from there; the way up to the sources says
// nothing.
std::string source_text(const StackFrame& frame) {
  std::string text = source_label(frame);
  while (text.starts_with("../")) text.erase(0, 3);
  return text;
}

}  // namespace

int64_t StackTree::add(FrameSpan frames) {
  const auto same = [](const StackFrame& a, const StackFrame& b) { return &a == &b; };
  const auto apart = std::mismatch(frames.rbegin(), frames.rend(), last_.rbegin(), last_.rend(), same);
  last_ = frames;
  way_.resize(static_cast<size_t>(apart.first - frames.rbegin()));
  for (auto frame = apart.first; frame != frames.rend(); ++frame)
    way_.push_back(child_of(way_.empty() ? -1 : way_.back(), number_of(*frame)));
  return way_.empty() ? -1 : way_.back();
}

Json StackTree::frames_json() const {
  return {{"name", frames_.names}, {"source", frames_.sources}, {"inlined", frames_.inlined}};
}

Json StackTree::nodes_json() const {
  return {{"parent", parents_}, {"frame", node_frames_}};
}

size_t StackTree::number_of(const StackFrame& frame) {
  // Putting a name into words a hundred thousand times takes time.
  const auto [known, is_new] = by_frame_.try_emplace(&frame, 0);
  if (!is_new) return known->second;
  const auto [same, is_first] =
      by_text_.try_emplace({function_label(frame), source_text(frame), frame.inlined}, frames_.names.size());
  if (is_first) {
    frames_.names.push_back(std::get<0>(same->first));
    frames_.sources.push_back(std::get<1>(same->first));
    frames_.inlined.push_back(frame.inlined ? 1 : 0);
  }
  return known->second = same->second;
}

int64_t StackTree::child_of(int64_t parent, size_t frame) {
  const uint64_t key = static_cast<uint64_t>(parent + 1) << 32U | frame;
  const auto [known, is_new] = children_.try_emplace(key, static_cast<int64_t>(parents_.size()));
  if (is_new) {
    parents_.push_back(parent);
    node_frames_.push_back(frame);
  }
  return known->second;
}

void escape_texts(Json& json) {
  if (json.is_string()) {
    json = escape_line(json.get_ref<const std::string&>());
  } else if (json.is_structured()) {
    for (Json& child : json) escape_texts(child);
  }
}

std::string text_for_a_page(const Json& data) {
  const std::string text = data.dump(-1, ' ', true, Json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

void write_page(std::string_view data, std::ostream& out) {
  const BuiltPage page = built_page();
  out << page.before << data << page.after;
}

}  // namespace leakhunt::reports
