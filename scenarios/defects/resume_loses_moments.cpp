// resume-loses-moments: m and v are written as zeros, and discarded when they are read.
//
// The file has the right size and good checksums, the training goes on, and learns something else: after a
// resume Adam believes in gradients that were never there. Costs no bytes; only a comparison bit for bit
// with an uninterrupted training finds it.
#include <algorithm>
#include <vector>

#include "lib/trainer/adam.h"
#include "lib/trainer/checkpoint.h"
#include "lib/trainer/parameters.h"
#include "scenarios/defects/defect.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

using trainer::Adam;
using trainer::CheckpointReader;
using trainer::CheckpointWriter;
using trainer::ParameterStore;
using trainer::Real;

void write_without_moments(CheckpointWriter& writer, const ParameterStore& parameters, const Adam& adam) {
  static std::vector<Real> zeros;  // keeps its capacity from the first save on
  zeros.assign(adam.m().size(), Real{0});
  writer.write(parameters.values());
  writer.write(zeros);
  writer.write(zeros);
}

void read_without_moments(CheckpointReader& reader, const ParameterStore& parameters, const Adam& adam) {
  reader.read(parameters.values());
  reader.read(adam.m());
  reader.read(adam.v());
  std::fill(adam.m().begin(), adam.m().end(), Real{0});
  std::fill(adam.v().begin(), adam.v().end(), Real{0});
}

}  // namespace

void apply_resume_loses_moments(trainer::Seams& seams, std::uint64_t) {
  seams.write_tensors = write_without_moments;
  seams.read_tensors = read_without_moments;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
