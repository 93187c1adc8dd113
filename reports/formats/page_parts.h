// page_parts: what the data of every page for a browser is made of: stacks as tables, names as one printable
// line each, and the page around them. The page itself is html/.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "reports/analysis/attribution.h"
#include "reports/formats/json_values.h"

namespace leakhunt::reports {

// Stacks share what they have in common: a tree whose nodes are frames, the root outermost. A call site is
// the node of its innermost frame. The frames must outlive it.
class StackTree {
 public:
  // Innermost frame first. -1 for a site without a stack.
  int64_t add(FrameSpan frames);

  Json frames_json() const;  // "name", "source", "inlined", each a list by frame
  Json nodes_json() const;   // "parent", "frame", each a list by node

 private:
  size_t number_of(const StackFrame& frame);
  int64_t child_of(int64_t parent, size_t frame);

  struct {
    std::vector<std::string> names;
    std::vector<std::string> sources;
    std::vector<int> inlined;
  } frames_;
  FrameSpan last_;            // that was added
  std::vector<int64_t> way_;  // its nodes, outermost first
  std::unordered_map<const StackFrame*, size_t> by_frame_;
  std::map<std::tuple<std::string, std::string, bool>, size_t> by_text_;
  std::vector<int64_t> parents_;
  std::vector<size_t> node_frames_;
  std::unordered_map<uint64_t, int64_t> children_;
};

// Every text in it becomes one line of printable text.
void escape_texts(Json& json);

// As text that may stand within a script element: ASCII, without "<".
std::string text_for_a_page(const Json& data);

// The page with that data in it. Nothing where why_no_page() says why.
void write_page(std::string_view data, std::ostream& out);

}  // namespace leakhunt::reports
