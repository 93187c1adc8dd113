// Folded stacks: "tag;outer;inner bytes", a line a stack, for flamegraph.pl, speedscope and Perfetto.
#include <algorithm>
#include <ostream>
#include <string>

#include "reports/formats/formats.h"
#include "reports/formats/profile.h"

namespace leakhunt::reports {

void write_folded(const Report& report, const Moment& moment, std::ostream& out) {
  for (const Stack& stack : merged_stacks(report, make_profile(report, moment))) {
    std::string line;
    for (std::string name : stack.names) {
      std::replace(name.begin(), name.end(), ';', ':');
      line += (line.empty() ? "" : ";") + name;
    }
    out << line << ' ' << stack.bytes << '\n';
  }
}

}  // namespace leakhunt::reports
