// scenario_layers: the TOML of a scenario's file, and that of each --set, checked for unknown keys. Called by
// scenario_values.cpp only.
#pragma once

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <filesystem>
#include <span>
#include <string>

#include <tl/expected.hpp>

#include "scenarios/runner/key_rules.h"

namespace leakhunt::runner {

// One source of values: the file, or one --set.
struct Layer {
  toml::table table;
  std::string origin;  // the file's path, or "--set key=value"
  bool has_lines = true;

  std::string place(toml::source_index line) const;
};

// The errors are whole lines.
tl::expected<Layer, std::string> read_layer(const std::filesystem::path& file,
                                            std::span<const KeyRule> rules);
// `override` is "key=value".
tl::expected<Layer, std::string> parse_override(const std::string& override, std::span<const KeyRule> rules);

}  // namespace leakhunt::runner
