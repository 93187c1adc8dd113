#include "reports/importers/leaks.h"

#include "reports/importers/text_lines.h"

namespace leakhunt::reports {

void LeakList::add(std::string_view kind, const std::vector<ImportedFrame>& stack, LeakSum leak) {
  std::vector<uint64_t> frames;
  for (const ImportedFrame& frame : stack) frames.push_back(maker_.address(frame));
  recording::Counters counters{};
  counters.allocations = leak.blocks;
  counters.allocated_bytes = leak.bytes;
  maker_.add(maker_.site(maker_.tag(std::string(kind)), frames), counters);
  LeakSum& sum = listed_.try_emplace(std::string(kind)).first->second;
  sum.bytes += leak.bytes;
  sum.blocks += leak.blocks;
}

bool LeakList::complete(std::string_view kind, LeakSum all) {
  const LeakSum sum = listed(kind);
  if (sum.bytes > all.bytes || sum.blocks > all.blocks) return false;
  if (sum.bytes < all.bytes || sum.blocks < all.blocks)
    add(kind, {}, {all.bytes - sum.bytes, all.blocks - sum.blocks});
  return true;
}

void LeakList::add_freed(LeakSum freed) {
  recording::Counters counters{};
  counters.allocations = counters.frees = freed.blocks;
  counters.allocated_bytes = counters.freed_bytes = freed.bytes;
  if (freed.blocks > 0) maker_.add(maker_.site(maker_.tag("freed"), {}), counters);
}

LeakSum LeakList::listed(std::string_view kind) const {
  const auto found = listed_.find(kind);
  return found == listed_.end() ? LeakSum{} : found->second;
}

Import LeakList::take(Foreign foreign) && {
  Import import;
  import.foreign = foreign;
  import.run = std::move(maker_).take();
  import.limits.emplace_back("only what is live at the end is known: no curve, no peak");
  return import;
}

ImportedFrame frame_of_words(std::string_view words, uint64_t address) {
  ImportedFrame frame;
  frame.offset = address;
  const size_t place = words.ends_with(')') ? words.rfind(" (") : std::string_view::npos;
  recording::SourceFrame source;
  source.function = std::string(words.substr(0, place));
  if (source.function == "???") source.function.clear();
  if (place != std::string_view::npos) {
    std::string_view where = words.substr(place + 2, words.size() - place - 3);
    const size_t colon = where.rfind(':');
    std::string_view number = colon == std::string_view::npos ? "" : where.substr(colon + 1);
    const auto line = take_number(number, 10, UINT32_MAX);
    if (take(where, "in ")) {
      frame.module = std::string(where);
    } else if (line && number.empty()) {
      source.file = std::string(where.substr(0, colon));
      source.line = static_cast<uint32_t>(*line);
    } else {
      source.function = std::string(words);  // "f(int) (anonymous)": brackets of the name's own
    }
  }
  if (!source.function.empty() || !source.file.empty()) frame.sources.push_back(std::move(source));
  return frame;
}

}  // namespace leakhunt::reports
