// placeholders: {name} in a scenario's arguments and environment. Called by scenario.cpp only.
//
// Only a whole identifier in braces is one: {"a": 1} and { echo; } are left alone. {{name}} stands for
// {name}.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace leakhunt::runner {

class Placeholders {
 public:
  void define(std::string name, std::string value) { values_[std::move(name)] = std::move(value); }

  // The text with every {name} replaced, once: what a value brings in stays as it is. The error is the first
  // name that is not defined.
  tl::expected<std::string, std::string> fill(std::string_view text);

  // The names that were asked for in fill(), defined or not.
  const std::set<std::string>& used() const { return used_; }
  std::vector<std::string_view> names() const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::set<std::string> used_;
};

}  // namespace leakhunt::runner
