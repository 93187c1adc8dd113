// diagnosis: what a report has to say of a scenario's defect, part by part: [[diagnosis]] of its file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace leakhunt::runner {

// About one tag. What is given is expected; with any of the second group of one finding in that tag, since a
// tag may have several.
struct ExpectedDiagnosis {
  std::string tag;
  std::string growth_class;                // "slow"; of the finding, or else of the tag
  std::optional<uint64_t> period;          // iterations
  std::optional<uint64_t> peak_bytes;      // of the tag, within 1 %
  std::optional<uint64_t> resident_bytes;  // of them at the end, by the ledger, within 1 %
  bool largest = false;                    // no tag had a higher peak
  // Of a finding.
  std::string function;                        // a part of the name of the one that answers for it
  std::string file;                            // its name, without folders
  std::optional<double> bytes_per_iteration;   // within 1 %
  std::optional<double> blocks_per_iteration;  // within 1 %
  std::string held;                            // "definitely lost", "reachable": what most of its blocks are
  std::string holder;                          // a part of the words for who holds them, or did last

  bool of_finding() const {
    return !function.empty() || !file.empty() || bytes_per_iteration || blocks_per_iteration ||
           !held.empty() || !holder.empty();
  }
  std::string place = {};  // "scenarios/x.toml:20", for messages
};

}  // namespace leakhunt::runner
