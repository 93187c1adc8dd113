// significance: how likely chance alone would look like this. Exact where the number of cases is small.
#pragma once

#include <cstddef>

namespace leakhunt::stats {

// Probability of a standard normal value above z.
double normal_tail(double z);

// Probability of a value above t in Student's distribution. Source: D. L. Wallace, "Bounds on Normal
// Approximations to Student's and the Chi-Square Distributions", Ann. Math. Statist. 30 (1959), section 2;
// off by less than 0.02 in z from 3 degrees of freedom on.
double student_tail(double t, double degrees);

// Probability that `count` values in random order have at most `discordant` pairs that fall: the exact
// distribution of Kendall's statistic (the Mahonian numbers). O(count^3); count <= 64.
double kendall_tail(size_t count, size_t discordant);

}  // namespace leakhunt::stats
