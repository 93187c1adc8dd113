#include "tests/lib/trainer/both_precisions.h"

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/training.h"
#include "tests/lib/trainer/counting_resource.h"

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

namespace {

// Looks at the resources when the first iteration is over: all are in use then.
struct Inventory final : TrainingObserver {
  Inventory() {
    seams.memory = {.parameters = &parameters,
                    .gradients = &gradients,
                    .optimizer_m = &m,
                    .optimizer_v = &v,
                    .tape_nodes = &nodes,
                    .arena_chunks = &chunks,
                    .scratch = nullptr,
                    .dataset = &data,
                    .batches = &batches,
                    .samples = &samples,
                    .checkpoints = &checkpoints};
    seams.training_observers.push_back(this);
  }
  void iteration_ended(std::uint64_t) override {
    const auto add = [&](const char* tag, const CountingResource& resource) {
      counted.push_back({tag, resource.live_blocks(), resource.live_bytes()});
    };
    counted.clear();
    add("parameter", parameters);
    add("gradient", gradients);
    add("optimizer.m", m);
    add("optimizer.v", v);
    add("arena.chunk", chunks);
    add("tape.node", nodes);
    add("sample", samples);
    add("dataset", data);
    add("batch", batches);
  }
  CountingResource parameters, gradients, m, v, nodes, chunks, data, batches, samples, checkpoints;
  Seams seams;
  std::vector<PlannedMemory> counted;
};

}  // namespace

std::vector<PlannedMemory> memory_of_training(const Mode& mode, unsigned threads) {
  Inventory inventory;
  const std::unique_ptr<Blas> blas = make_tiled_blas();
  const Dataset dataset(built_in_text, *inventory.seams.memory.dataset);
  auto options = TrainingOptions::of(mode, dataset.vocabulary_size(), 2);
  options.threads = threads;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere(std::fopen("/dev/null", "w"), std::fclose);
  train(options, dataset, *blas, inventory.seams, nowhere.get());
  return inventory.counted;
}

PiecewiseTraining train_in_pieces(const std::vector<std::uint64_t>& ends, const std::string& folder) {
  CountingResource checkpoints;
  Seams seams;
  seams.memory.checkpoints = &checkpoints;
  const std::unique_ptr<Blas> blas = make_tiled_blas();
  const Dataset dataset(built_in_text, *seams.memory.dataset);
  PiecewiseTraining all{};
  all.losses.resize(ends.back());
  for (const std::uint64_t end : ends) {
    auto options = TrainingOptions::of(modes[0], dataset.vocabulary_size(), end);
    options.sample_every = 30;
    options.checkpoint_every = 70;
    options.out = folder;
    if (end != ends.front()) options.resume = folder + "/model.lhc";
    char* text = nullptr;
    std::size_t length = 0;
    std::FILE* out = open_memstream(&text, &length);
    const TrainingResult result =
        train(options, dataset, *blas, seams, out, std::span(all.losses).first(end));
    std::fclose(out);
    all.sample = text;
    std::free(text);
    all.sample.erase(0, all.sample.rfind("---- sample"));
    all.first_loss = result.first_loss;
    all.last_loss = result.last_loss;
    all.text_loss = result.text_loss;
  }
  all.live_checkpoint_bytes = checkpoints.live_bytes();
  return all;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
