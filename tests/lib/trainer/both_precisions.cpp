#include "tests/lib/trainer/both_precisions.h"

#include <cstdio>
#include <memory>

#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/training.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

std::vector<double> losses_of_tiny(std::uint64_t iterations, unsigned threads) {
  Seams seams;
  const std::unique_ptr<Blas> blas = make_tiled_blas();
  const Dataset dataset(built_in_text, *seams.memory.dataset);
  auto options = TrainingOptions::of(modes[0], dataset.vocabulary_size(), iterations);
  options.sample_every = 0;
  options.threads = threads;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"), std::fclose);
  std::vector<double> losses(iterations);
  train(options, dataset, *blas, seams, nowhere.get(), losses);
  return losses;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
