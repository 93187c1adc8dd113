// trainer_bench: iterations per second of tiny and small, beside the matrix products of an iteration alone.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/training.h"

namespace {

namespace trainer = leakhunt::trainer;
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

// Writes down what it is asked for, and lets another do it.
class RecordingBlas final : public trainer::Blas {
 public:
  explicit RecordingBlas(const Blas& real) : real_(real) {}
  void multiply(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c,
                Index c_stride) const override {
    calls_.push_back({shape, a, b, beta, c_stride});
    real_.multiply(shape, alpha, a, b, beta, c, c_stride);
  }
  std::string name() const override { return real_.name(); }
  const std::vector<Call>& calls() const { return calls_; }

 private:
  const Blas& real_;
  mutable std::vector<Call> calls_;
};

// Seams whose only observer notes how many products had been asked for when the first iteration ended.
class FirstIteration final : public trainer::TrainingObserver {
 public:
  explicit FirstIteration(const RecordingBlas& blas) : blas_(blas) {}
  void iteration_ended(std::uint64_t number) override {
    if (number == 0) products = blas_.calls().size();
  }
  std::size_t products = 0;

 private:
  const RecordingBlas& blas_;
};

double train(const trainer::Mode& mode, std::uint64_t iterations, const trainer::Blas& blas,
             trainer::Seams& seams) {
  const trainer::Dataset dataset(trainer::built_in_text, *seams.memory.dataset);
  auto options = trainer::TrainingOptions::of(mode, dataset.vocabulary_size(), iterations);
  options.sample_every = 0;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"), std::fclose);
  return trainer::train(options, dataset, blas, seams, nowhere.get()).iterations_per_second;
}

std::vector<Call> products_of_an_iteration(const trainer::Mode& mode) {
  const std::unique_ptr<trainer::Blas> plain = trainer::make_plain_blas();
  const RecordingBlas recording(*plain);
  FirstIteration first(recording);
  trainer::Seams seams;
  seams.training_observers.push_back(&first);
  train(mode, 1, recording, seams);
  return {recording.calls().begin(), recording.calls().begin() + static_cast<std::ptrdiff_t>(first.products)};
}

// Iterations per second if an iteration were its matrix products and nothing else.
double repeat_products(const std::vector<Call>& calls, std::uint64_t iterations, const trainer::Blas& blas) {
  constexpr Index room = 1024 * 1024;
  static std::vector<Real> a(room, 0.5);
  static std::vector<Real> b(room, 0.25);
  static std::vector<Real> c(room);
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < iterations; ++i) {
    for (const Call& call : calls) {
      blas.multiply(call.shape, 1, {a.data(), call.a.stride, call.a.transposed},
                    {b.data(), call.b.stride, call.b.transposed}, call.beta, c.data(), call.c_stride);
    }
    std::fill_n(c.begin(), 64, 0);  // sums onto C must not grow for ever
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return static_cast<double>(iterations) / seconds.count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void compare(const trainer::Mode& mode, std::uint64_t iterations, const trainer::Blas& blas, int rounds) {
  const std::vector<Call> calls = products_of_an_iteration(mode);
  double operations = 0;
  for (const Call& call : calls) {
    operations += 2.0 * static_cast<double>(call.shape.rows * call.shape.cols * call.shape.inner);
  }
  std::vector<double> speeds;
  std::vector<double> ceilings;
  std::vector<double> shares;
  for (int round = 0; round < rounds; ++round) {
    trainer::Seams seams;
    speeds.push_back(train(mode, iterations, blas, seams));
    ceilings.push_back(repeat_products(calls, iterations, blas));
    shares.push_back(speeds.back() / ceilings.back());
  }
  std::printf("%-6s %-44s %9.1f it/s %9.1f it/s %6.1f GFLOP/s %5.0f %%\n", std::string(mode.name).c_str(),
              blas.name().c_str(), median(speeds), median(ceilings), median(ceilings) * operations * 1e-9,
              100 * median(shares));
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 5;
  std::vector<std::unique_ptr<trainer::Blas>> backends;
  backends.push_back(trainer::make_tiled_blas());
  std::string why;
  backends.push_back(trainer::load_openblas(why));
  if (backends.back() == nullptr) std::printf("without OpenBLAS: %s\n", why.c_str());
  std::printf("%-6s %-44s %14s %14s %14s %7s\n", "mode", "matrix products", "training", "products only", "",
              "share");
  for (const auto& [mode, iterations] :
       {std::pair{trainer::modes[0], 1'500}, std::pair{trainer::modes[1], 150}}) {
    for (const auto& blas : backends) {
      if (blas != nullptr) compare(mode, static_cast<std::uint64_t>(iterations), *blas, rounds);
    }
  }
  return 0;
}
