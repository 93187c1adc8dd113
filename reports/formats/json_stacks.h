// json_stacks: the stacks of report.json. A thousand call sites of a program with deep stacks have a hundred
// thousand frames, most of them the same: each is put into words once, and none of them into the tree of
// values.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "reports/analysis/attribution.h"

namespace leakhunt::reports {

inline constexpr int kJsonIndent = 2;

class JsonStacks {
 public:
  // What stands for the stack as the value of "stack" in an object of a list of the outermost object. The
  // attribution must outlive us. Of several runs each has its number: an address means the same in one run.
  std::string placeholder(const Attribution& attribution, size_t run = 0);

  // The text, as nlohmann-json indents it, with the stacks in the places of their placeholders.
  void write(std::string_view text, std::ostream& out);

 private:
  struct Stack {
    const Attribution* attribution = nullptr;
    size_t run = 0;
  };
  void write_stack(const Stack& stack, std::ostream& out);
  const std::string& text_of(const StackFrame& frame, size_t run, size_t depth_of_inlining);

  std::vector<Stack> stacks_;
  // By run, address, place among what was inlined there, and module.
  std::map<std::tuple<size_t, uint64_t, size_t, std::string_view>, std::string> frames_;
};

}  // namespace leakhunt::reports
