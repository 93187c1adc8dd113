// rate: does growth go on at its pace, or does it die away? Both functions compare it with a rate that decays
// as exp(-decay * x), x from 0 to 1 over the span that was seen: decay 0 is a straight line, 1 a cache whose
// filling takes about as long as it was watched, below 0 growth gets faster.
#pragma once

#include <span>

#include "lib/stats/trend.h"

namespace leakhunt::stats {

// What happened at some moments: `y` is the amount that was added at `x`.
struct Rate {
  double per_step = 0;   // amounts over distance
  Interval interval;     // of per_step
  double decay = 0;      // maximum likelihood
  double deviation = 0;  // standard deviation of decay, if it is 1; 0 for a clockwork
};

// The rate of a process that renews itself at each event (the scatter of distances and amounts is measured,
// and whether a longer distance has a larger amount, as where a mark came late), from the first to the last
// event; what lies between two events counts in the middle between them, so that a clockwork has decay 0
// exactly. Fewer than three events: all 0. `confidence` is that of the interval, which allows for one amount
// that belongs beyond either end. O(n).
//
// Sources: D. R. Cox, "Renewal Theory" (1962), chapter 8 (variance of a cumulative process); the mean
// position as the sufficient statistic of a log-linear rate: D. R. Cox and P. A. W. Lewis, "The Statistical
// Analysis of Series of Events" (1966), section 3.3.
Rate rate_of_events(std::span<const Point> events, double confidence);

// The same of levels that were measured with noise: the slope and the curvature of a parabola through them
// (least squares), with the scatter around it. `deviation` has points - 3 degrees of freedom. Fewer than four
// points: all 0. O(n).
Rate rate_of_levels(std::span<const Point> levels, double confidence);

// By how much the slope through these levels may be off because what makes them rise comes at random, so that
// they wander around their line: half the width of an interval. 0 for levels with independent errors, about.
// Compares differences over a quarter of the points with those from one to the next.
double wandering(std::span<const Point> levels, double confidence);

// Probability that levels which do not rise in the long run climb as clearly as these: Student's test of the
// mean difference, whose variance allows for both noise around a level and a random walk. Fewer than six
// levels: 1. Source: W. K. Newey and K. D. West, "A Simple, Positive Semi-Definite, Heteroskedasticity and
// Autocorrelation Consistent Covariance Matrix", Econometrica 55 (1987).
double chance_of_climb(std::span<const double> levels);

}  // namespace leakhunt::stats
