#include "tests/reports/hostile_run.h"

#include <memory>
#include <random>

#include "tests/reports/synthetic_run.h"

namespace leakhunt::reports {

namespace {

using recording::Run;

class Chance {
 public:
  explicit Chance(uint32_t seed) : engine_(seed) {}
  // 0 to below - 1; the same on every platform, unlike std::uniform_int_distribution.
  size_t below(size_t limit) { return engine_() % limit; }
  std::string name() {
    std::string name = hostile_names()[below(hostile_names().size())];
    return below(3) == 0 ? name + hostile_names()[below(hostile_names().size())] : name;
  }

 private:
  std::mt19937 engine_;
};

SyntheticSite random_site(Chance& chance) {
  const auto size = static_cast<int64_t>(1 + chance.below(5000));
  const auto level = static_cast<int64_t>(chance.below(20));
  const bool grows = chance.below(3) == 0;
  SyntheticSite site;
  site.tag = chance.below(4) == 0 ? "heap" : chance.name();
  site.function = chance.name();
  site.block_bytes = size;
  site.live_bytes = [=](size_t i) { return size * (level + static_cast<int64_t>(grows ? i : i % 2)); };
  site.temporary_blocks = chance.below(4);
  const size_t kind = chance.below(6);
  site.kind = kind == 0   ? recording::SiteKind::kMapping
              : kind == 1 ? recording::SiteKind::kNested
                          : recording::SiteKind::kBlock;
  return site;
}

// A stack of its own, of up to 9 addresses, some of them shared with other sites.
void replace_stack(Run& run, recording::CallSite& site, Chance& chance) {
  site.frames.clear();
  for (size_t depth = chance.below(10); depth > 0; --depth) {
    const uint64_t address = 0x7000'0000 + 16 * chance.below(40);
    site.frames.push_back(address);
    if (run.symbols.contains(address) || chance.below(5) == 0) continue;
    recording::Symbol& symbol = run.symbols[address];
    symbol.address = address;
    symbol.module = chance.below(3) == 0 ? "" : "/opt/" + chance.name();
    symbol.offset = address - 0x7000'0000;
    const size_t inlined = chance.below(3);
    for (size_t i = 0; i < inlined; ++i)
      symbol.source_frames.push_back({chance.name(), chance.name(), 7, true});
    symbol.source_frames.push_back({chance.name(), chance.below(2) == 0 ? "" : chance.name(), 8, false});
  }
  site.truncated = chance.below(4) == 0;
}

}  // namespace

const std::vector<std::string>& hostile_names() {
  static const std::vector<std::string> names = {
      "<script>alert('x')</script>",
      "two\nlines\r\nand\ttabs",
      "\x1b[31mred\x1b]0;title\x07",
      "a;b;c 99",
      "\"quotes\" and 'others' and `ticks` and \\ back",
      "not \xff\xfe UTF-8 \xc3",
      "Type<" + std::string(9990, 'x') + ">",
      "=1+2|cmd",
      "\u202ereversed\u2066",
      "::error file=x::y%0A%",
      "]]>&amp;<!-- -->",
      "\uFFFE\uFFFF non-characters \u0085",
      "operator--(int)",
      "--- heap",
      "| a | b |\n# heading",
      "",
      "{\"json\": [}",
      "  spaces  ",
      "µ ünï→code 漢字",
      std::string("nul\0inside", 10),
  };
  return names;
}

Run hostile_run(uint32_t seed) {
  Chance chance(seed);
  SyntheticOptions options;
  options.iterations = 30 + chance.below(50);
  options.warm_up = 5;
  options.clock = chance.below(3) == 0 ? recording::SnapshotKind::kTick : recording::SnapshotKind::kIteration;
  std::vector<SyntheticSite> sites;
  for (size_t count = 1 + chance.below(12); count > 0; --count) sites.push_back(random_site(chance));
  Run run = make_run(sites, options);
  for (recording::CallSite& site : run.sites) {
    if (chance.below(3) > 0) replace_stack(run, site, chance);
  }
  run.scenario->name = chance.name();
  run.scenario->defect = chance.name();
  run.process.executable = "/home/" + chance.name();
  run.process.command_line = {chance.name(), chance.name()};
  run.modules.push_back({0x7000'0000, 0x7000'0000, 0x7001'0000, "/opt/" + chance.name(), {1, 2, 0xff}});
  if (chance.below(4) == 0) run.outcome->stopped_for = chance.name();
  if (chance.below(4) == 0) run.budget.peak_rss_bytes = 1000;
  return run;
}

}  // namespace leakhunt::reports
