// leaks: what the three leak checkers' files have in common: kinds of leaks with bytes, blocks and a stack.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "reports/importers/importer.h"
#include "reports/importers/run_maker.h"

namespace leakhunt::reports {

struct LeakSum {
  uint64_t bytes = 0;
  uint64_t blocks = 0;
};

// Everything that is lost is live at the end, and nothing is known of before.
class LeakList {
 public:
  void set_command(std::string_view command) { maker_.set_command(command); }
  void add(std::string_view kind, const std::vector<ImportedFrame>& stack, LeakSum leak);
  // What the tool says of a kind in all; the part that it did not list gets a site without a stack. False:
  // more was listed than that.
  bool complete(std::string_view kind, LeakSum all);
  // Of what was allocated and freed again only the sums are known.
  void add_freed(LeakSum freed);
  LeakSum listed(std::string_view kind) const;
  Import take(Foreign foreign) &&;

 private:
  RunMaker maker_;
  std::map<std::string, LeakSum, std::less<>> listed_;
};

// "main (p.c:5)", "operator new(unsigned long) (vg_replace_malloc.c:334)", "??? (in /usr/lib/libc.so.6)".
ImportedFrame frame_of_words(std::string_view words, uint64_t address);

}  // namespace leakhunt::reports
