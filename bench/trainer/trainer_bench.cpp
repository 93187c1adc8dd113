// trainer_bench: how fast each mode trains, beside what one core could do at best.
//
// Of each mode the fastest of many iterations, because others may use the machine, and with it the share that
// went into matrix products. Beside it the same products with nothing between them (the ceiling), and two
// floors that hold for any trainer: the multiplications at the speed of a loop that does nothing else, and
// the bytes of one step of Adam.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "bench/trainer/cpu_clock.h"
#include "bench/trainer/floors.h"
#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/training.h"

namespace {

namespace trainer = leakhunt::trainer;
namespace bench = leakhunt::bench;
using trainer::Factor;
using trainer::Index;
using trainer::ProductShape;
using trainer::Real;

// One call of Blas::multiply without its data.
struct Call {
  ProductShape shape;
  Factor a;
  Factor b;
  Real beta;
  Index c_stride;
};

// Notes what it is asked for and how long another takes to do it.
class WatchingBlas final : public trainer::Blas {
 public:
  explicit WatchingBlas(const Blas& real) : real_(real) {}
  void multiply(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c,
                Index c_stride) const override {
    multiply_and_fetch(shape, alpha, a, b, beta, c, c_stride, {});
  }
  void multiply_and_fetch(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c,
                          Index c_stride, const trainer::Companions& soon) const override {
    const double start = bench::cpu_seconds();
    real_.multiply_and_fetch(shape, alpha, a, b, beta, c, c_stride, soon);
    seconds += bench::cpu_seconds() - start;
    calls.push_back({shape, a, b, beta, c_stride});
  }
  std::string name() const override { return real_.name(); }

  mutable double seconds = 0;
  mutable std::vector<Call> calls;

 private:
  const Blas& real_;
};

// What an iteration took, and how much of it was products.
struct Iteration {
  double seconds = 1e9;
  double products = 0;
  std::vector<Call> calls;
};

// Keeps the fastest iteration. The first ones touch fresh memory and do not count.
class Fastest final : public trainer::TrainingObserver {
 public:
  explicit Fastest(WatchingBlas* blas) : blas_(blas) {}
  void iteration_ended(std::uint64_t number) override {
    const double seconds = bench::cpu_seconds() - start_;
    if (number > 1 && seconds < best.seconds) {
      best.seconds = seconds;
      if (blas_ != nullptr) best.products = blas_->seconds;
      if (blas_ != nullptr) best.calls = blas_->calls;
    }
    if (blas_ != nullptr) blas_->seconds = 0;
    if (blas_ != nullptr) blas_->calls.clear();
    start_ = bench::cpu_seconds();
  }

  Iteration best;

 private:
  WatchingBlas* blas_;
  double start_ = bench::cpu_seconds();
};

// `watched`: null, or `blas`, of which everything is to be noted.
Iteration fastest_iteration(const trainer::Mode& mode, std::uint64_t iterations, const trainer::Blas& blas,
                            WatchingBlas* watched) {
  trainer::Seams seams;
  Fastest fastest(watched);
  seams.training_observers.push_back(&fastest);
  const trainer::Dataset dataset(trainer::built_in_text, *seams.memory.dataset);
  auto options = trainer::TrainingOptions::of(mode, dataset.vocabulary_size(), iterations);
  options.sample_every = 0;
  options.sample_length = 1;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"), std::fclose);
  trainer::train(options, dataset, blas, seams, nowhere.get());
  return fastest.best;
}

// The seconds of an iteration that is its matrix products and nothing else.
double repeat_products(const std::vector<Call>& calls, std::uint64_t iterations, const trainer::Blas& blas) {
  constexpr Index room = 1024 * 1024;
  static std::vector<Real> a(room, 0.5);
  static std::vector<Real> b(room, 0.25);
  static std::vector<Real> c(room);
  double best = 1e9;
  for (std::uint64_t i = 0; i < iterations; ++i) {
    const double start = bench::cpu_seconds();
    for (const Call& call : calls) {
      blas.multiply(call.shape, 1, {a.data(), call.a.stride, call.a.transposed},
                    {b.data(), call.b.stride, call.b.transposed}, call.beta, c.data(), call.c_stride);
    }
    best = std::min(best, bench::cpu_seconds() - start);
    std::fill(c.begin(), c.end(), Real{0});  // sums onto C must not grow for ever
  }
  return best;
}

double operations_of(const std::vector<Call>& calls) {
  double operations = 0;
  for (const Call& call : calls) {
    operations += 2.0 * static_cast<double>(call.shape.rows * call.shape.cols * call.shape.inner);
  }
  return operations;
}

void compare(const trainer::Mode& mode, std::uint64_t iterations, const trainer::Blas& blas, double peak) {
  const double plain = fastest_iteration(mode, iterations, blas, nullptr).seconds;
  WatchingBlas watching(blas);
  const Iteration watched = fastest_iteration(mode, iterations, watching, &watching);
  const double alone = repeat_products(watched.calls, iterations, blas);
  const double operations = operations_of(watched.calls);
  const double floor = operations / peak;
  const double bytes = bench::seconds_of_adam_bytes(mode.model.parameter_count());
  std::printf("%-6s %-42s %8.1f %6.1f %8.2f %8.2f %8.1f %6.1f %5.0f %% %8.1f %8.2f %5.0f %%\n",
              std::string(mode.name).c_str(), blas.name().c_str(), 1 / plain, operations * 1e-6,
              watched.products * 1e3, (watched.seconds - watched.products) * 1e3, 1 / alone,
              operations / alone * 1e-9, 100 * alone / plain, 1 / floor, bytes * 1e3, 100 * floor / plain);
  std::fflush(stdout);
}

// Enough for a second or two.
std::uint64_t iterations_of(const trainer::Mode& mode) {
  return std::max<std::uint64_t>(12, 60'000'000 / mode.model.parameter_count());
}

}  // namespace

// trainer_bench [ROUNDS] [MODE ...]: more rounds make more iterations to choose the fastest from.
int main(int argc, char** argv) {
  const bool counted = argc > 1 && std::atoi(argv[1]) > 0;
  const auto rounds = static_cast<std::uint64_t>(counted ? std::atoi(argv[1]) : 3);
  const auto asked_for = [&](const trainer::Mode& mode) {
    const int first = counted ? 2 : 1;
    return argc <= first ||
           std::any_of(argv + first, argv + argc, [&](char* name) { return mode.name == name; });
  };
  std::vector<std::unique_ptr<trainer::Blas>> backends;
  backends.push_back(trainer::make_tiled_blas());
  std::string why;
  backends.push_back(trainer::load_openblas(why));
  if (backends.back() == nullptr) std::printf("without OpenBLAS: %s\n", why.c_str());
  const double peak = bench::multiplications_per_second();
  std::printf("a loop of nothing but fused multiplications and additions: %.1f GFLOP/s\n", peak * 1e-9);
  std::printf("%-6s %-42s %8s %6s %8s %8s %8s %6s %7s %8s %8s %7s\n", "", "", "training", "MFLOP", "products",
              "rest", "products", "alone", "", "at peak", "Adam's", "");
  std::printf("%-6s %-42s %8s %6s %8s %8s %8s %6s %7s %8s %8s %7s\n", "mode", "matrix products", "it/s",
              "/it", "ms/it", "ms/it", "it/s", "GFL/s", "share", "it/s", "bytes ms", "share");
  for (const trainer::Mode& mode : trainer::modes) {
    if (!asked_for(mode)) continue;
    for (const auto& blas : backends) {
      if (blas != nullptr) compare(mode, rounds * iterations_of(mode) / 3, *blas, peak);
    }
  }
  return 0;
}
