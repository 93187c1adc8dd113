// precision: the trainer is compiled once for single and once for double precision, from the same sources.
//
// LEAKHUNT_PRECISION, f32 or f64, is given by the build; whoever includes the trainer without saying gets
// f64. Everything that depends on Real lives in an inline namespace of that name, so that both fit into one
// program: f32::train() and f64::train(). What does not depend on it lives in leakhunt::trainer itself, once.
#pragma once

#ifndef LEAKHUNT_PRECISION
#define LEAKHUNT_PRECISION f64
#endif

namespace leakhunt::trainer {

namespace precisions {
using f32 = float;
using f64 = double;
}  // namespace precisions

inline namespace LEAKHUNT_PRECISION {
using Real = precisions::LEAKHUNT_PRECISION;
}

}  // namespace leakhunt::trainer
