#include "lib/stats/significance.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace leakhunt::stats {

double normal_tail(double z) {
  return 0.5 * std::erfc(z / std::sqrt(2.0));
}

double student_tail(double t, double degrees) {
  const double z = (8 * degrees + 1) / (8 * degrees + 3) * std::sqrt(degrees * std::log1p(t * t / degrees));
  return normal_tail(t < 0 ? -z : z);
}

double kendall_tail(size_t count, size_t discordant) {
  // share[d]: of all orders of the values so far, those with d falling pairs. One more value adds 0 to i
  // pairs.
  std::vector<double> share = {1};
  for (size_t i = 1; i < count; ++i) {
    std::vector<double> next(share.size() + i, 0);
    for (size_t d = 0; d < share.size(); ++d) {
      for (size_t more = 0; more <= i; ++more) next[d + more] += share[d] / static_cast<double>(i + 1);
    }
    share = std::move(next);
  }
  const size_t end = std::min(discordant + 1, share.size());
  return std::accumulate(share.begin(), share.begin() + static_cast<ptrdiff_t>(end), 0.0);
}

}  // namespace leakhunt::stats
