// json_stacks: the stacks of report.json. A thousand call sites of a program with deep stacks have a hundred
// thousand frames, most of them the same: each is put into words once, and none of them into the tree of
// values.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "reports/analysis/attribution.h"

namespace leakhunt::reports {

inline constexpr int kJsonIndent = 2;

class JsonStacks {
 public:
  // What stands for the stack as the value of "stack" in an object of a list of the outermost object. The
  // attribution must outlive us.
  std::string placeholder(const Attribution& attribution);

  // The text, as nlohmann-json indents it, with the stacks in the places of their placeholders.
  void write(std::string_view text, std::ostream& out);

 private:
  void write_stack(const FrameList& stack, std::ostream& out);
  const std::string& text_of(const StackFrame& frame);

  std::vector<const Attribution*> stacks_;
  std::unordered_map<const StackFrame*, std::string> frames_;
};

}  // namespace leakhunt::reports
