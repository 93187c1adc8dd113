// What the page of a difference is told: its rows add up to the difference, however many of them there are.
// What it draws of them is tested in a browser: tests/reports/html.
#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "reports/formats/diff_formats.h"
#include "tests/reports/hostile_run.h"
#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {
namespace {

using nlohmann::json;

json data_of(const recording::Run& before, const recording::Run& after) {
  const Report first = analyse(before);
  const Report second = analyse(after);
  const auto side = [](const Report& report) {
    return DiffSide{&report, report.timeline.end_snapshot(*report.run), true, "at the end", "x"};
  };
  std::ostringstream out;
  write_diff_html(make_diff(side(first), side(second)), out);
  const std::string page = out.str();
  const size_t begin = page.find("leakhunt-data\">") + 15;
  return json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

bool has_page() {
  return all_diff_formats().back().why_not().empty();
}

// By figure, over the rows of blocks.
int64_t sum(const json& sites, const char* side, size_t figure) {
  int64_t result = 0;
  for (size_t i = 0; i < sites["kind"].size(); ++i) {
    if (sites["kind"][i] == 0) result += sites[side][i][figure].get<int64_t>();
  }
  return result;
}

TEST(DiffPage, RowsAddUpToTheHeap) {
  if (!has_page()) GTEST_SKIP() << all_diff_formats().back().why_not();
  for (uint32_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(seed);
    const json data = data_of(hostile_run(seed), hostile_run(seed + 1));
    for (const char* side : {"was", "is"}) {
      for (size_t figure = 0; figure < 6; ++figure)
        EXPECT_EQ(sum(data["sites"], side, figure), data["totals"][0][side][figure].get<int64_t>());
    }
  }
}

TEST(DiffPage, ManyCallSitesAreRowsByTagAndLoseNothing) {
  if (!has_page()) GTEST_SKIP() << all_diff_formats().back().why_not();
  std::vector<SyntheticSite> sites;
  for (size_t i = 0; i < 10'300; ++i) {
    sites.push_back({i % 2 == 0 ? "even" : "odd", "f" + std::to_string(i),
                     [i](size_t) { return static_cast<int64_t>(16 * (i + 1)); }});
  }
  SyntheticOptions options;
  options.iterations = 3;
  options.warm_up = 1;
  const json data = data_of(recording::Run(), make_run(sites, options));
  const json& rows = data["sites"];
  EXPECT_EQ(rows["alone"], 10'000);
  ASSERT_EQ(rows["members"].size(), 2u);
  EXPECT_EQ(rows["members"][0].get<int>() + rows["members"][1].get<int>(), 300);
  EXPECT_EQ(rows["tag"].size(), 10'002u);
  EXPECT_EQ(rows["stack"].back(), -1);
  EXPECT_EQ(sum(rows, "is", 0), 16 * 10'300 * 10'301 / 2);
}

TEST(DiffPage, StacksOfBothRunsKeepTheirNamesWhateverTheirAddresses) {
  if (!has_page()) GTEST_SKIP() << all_diff_formats().back().why_not();
  const auto run = [](const char* name) {
    return make_run({{"heap", name, [](size_t) { return 64; }}}, {.iterations = 30, .warm_up = 3});
  };
  const json data = data_of(run("old_one"), run("new_one"));
  std::vector<std::string> names = data["frames"]["name"];
  for (const char* name : {"old_one", "new_one"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
}

}  // namespace
}  // namespace leakhunt::reports
