// json_stacks: the stacks of report.json, as tables. A thousand call sites of a program with deep stacks have
// a hundred thousand frames, most of them the same: each frame and each stack is written once, and referred
// to by its index.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "reports/analysis/attribution.h"
#include "reports/formats/json_values.h"

namespace leakhunt::reports {

class JsonStacks {
 public:
  // The index of the stack in "stacks". Of several runs each has its number: an address means the same in one
  // run. The attribution must outlive us.
  size_t add(const Attribution& attribution, size_t run = 0);

  // The object, as nlohmann-json indents it, with two more keys at its end: "frames", and "stacks", lists of
  // indices into them, innermost first. Each frame and each stack is one line.
  void write(const Json& object, std::ostream& out) const;

 private:
  size_t number_of(const StackFrame& frame, size_t run, size_t depth_of_inlining);

  std::vector<std::string> frames_;  // as JSON
  std::map<std::string, size_t> frame_numbers_;
  // By run, address, place among what was inlined there, and module: a name is put into words once.
  std::map<std::tuple<size_t, uint64_t, size_t, std::string_view>, size_t> known_;
  std::vector<std::vector<size_t>> stacks_;
  std::map<std::vector<size_t>, size_t> stack_numbers_;
};

}  // namespace leakhunt::reports
