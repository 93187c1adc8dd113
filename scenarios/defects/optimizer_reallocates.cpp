// optimizer-reallocates: m and v are allocated anew at each step, and the old ones are lost.
//
// The values are carried over, so the training goes on as if nothing had happened. Per iteration: 2 x the
// bytes of all parameters, unreachable.
#include <algorithm>
#include <vector>

#include "lib/trainer/adam.h"
#include "scenarios/defects/defect.h"
#include "scenarios/defects/forgetful_resource.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

class Reallocation final : public trainer::TrainingObserver {
 public:
  void before_optimizer_step(trainer::Adam& adam) override {
    m_.assign(adam.m().begin(), adam.m().end());
    v_.assign(adam.v().begin(), adam.v().end());
    adam.allocate_moments();
    std::copy(m_.begin(), m_.end(), adam.m().begin());
    std::copy(v_.begin(), v_.end(), adam.v().begin());
  }

 private:
  std::vector<trainer::Real> m_;  // keeps its capacity from the first step on
  std::vector<trainer::Real> v_;
};

}  // namespace

void apply_optimizer_reallocates(trainer::Seams& seams, std::uint64_t) {
  static ForgetfulResource m(*seams.memory.optimizer_m);
  static ForgetfulResource v(*seams.memory.optimizer_v);
  static Reallocation reallocation;
  seams.memory.optimizer_m = &m;
  seams.memory.optimizer_v = &v;
  seams.training_observers.push_back(&reallocation);
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
