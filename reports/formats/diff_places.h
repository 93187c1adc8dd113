// diff_places: a difference in words: what came of it, why, and at which lines of the source.
#pragma once

#include <string>
#include <vector>

#include "reports/diff.h"

namespace leakhunt::reports {

// Call sites that differ in the same way at one line of the source, however many stacks lead there.
struct ChangedPlace {
  std::vector<const SiteDiff*> rows;  // greatest effect first
  bool alike = false;
  std::string function;
  std::string source;
  Figures was;
  Figures is;

  const SiteDiff& first() const { return *rows.front(); }
  Figures difference() const { return is - was; }
};

// Greatest effect first.
std::vector<ChangedPlace> places_that_differ(const Diff& diff);

const TagDiff& heap_of(const Diff& diff);
const TagDiff& mappings_of(const Diff& diff);

// "live heap grew by 4,784 B, from 3,216 B to 8,000 B; of 3 call sites, 1 appeared, 2 grew". All sentences
// here are one line of printable text.
std::string conclusion(const Diff& diff);
// Which place did most of that: "most of it is grow (grow.cpp:12) in tag x: +1,584 B of the +2,000 B that was
// gained;
// ...". Empty where the heap is the same.
std::string cause(const Diff& diff, const std::vector<ChangedPlace>& places);

}  // namespace leakhunt::reports
