// schedule_of: the schedule of a scenario that a test writes down; tables of mistakes.
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/runner/scenario.h"
#include "tests/scenarios/runner/scratch_directory.h"

namespace leakhunt::runner {

// Line 1 says which program.
inline std::string with_program(std::string_view rest) {
  return "program = \"sh\"\n" + std::string(rest);
}

// Errors name the file as "made.toml", without its directory.
inline tl::expected<Schedule, std::string> schedule_of(std::string_view content,
                                                       std::vector<std::string> overrides = {},
                                                       std::string defect = {}) {
  const ScratchDirectory scratch;
  auto schedule = make_schedule(
      {scratch.write("made.toml", content), std::move(overrides), "/nowhere", std::move(defect)});
  if (schedule) return schedule;
  std::string error = schedule.error();
  const std::string directory = scratch.path().string() + "/";
  for (size_t at = error.find(directory); at != std::string::npos; at = error.find(directory)) {
    error.erase(at, directory.size());
  }
  return tl::unexpected(error);
}

struct Mistake {
  std::string content;
  std::string line;  // the beginning of the complaint
};

inline void expect_mistakes(std::span<const Mistake> mistakes) {
  for (const Mistake& mistake : mistakes) {
    const auto schedule = schedule_of(mistake.content);
    ASSERT_FALSE(schedule.has_value()) << mistake.content;
    EXPECT_EQ(schedule.error().substr(0, mistake.line.size()), mistake.line);
    EXPECT_EQ(schedule.error().find('\n'), std::string::npos) << schedule.error();
    EXPECT_NE(schedule.error().find("; "), std::string::npos) << "no mend: " << schedule.error();
  }
}

}  // namespace leakhunt::runner
