// generate_text: generate in one precision.
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include "lib/trainer/checkpoint.h"
#include "lib/trainer/programs/generate_options.h"
#include "lib/trainer/sampler.h"
#include "lib/trainer/tiled_blas.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace {

// A model without what training needs: no gradients, no moments.
class Writer {
 public:
  Writer(const GenerateOptions& options, CheckpointReader& checkpoint)
      : options_(options),
        vocabulary_(checkpoint.vocabulary()),
        random_(static_cast<std::uint64_t>(options.seed)),
        model_(checkpoint.header().model, without_gradients(), random_),
        blas_(make_tiled_blas()),
        arena_(*std::pmr::new_delete_resource(), arena_chunk_bytes(model_.config(), sizeof(Real))),
        sampler_(model_, vocabulary_, *blas_, arena_, *std::pmr::new_delete_resource(),
                 static_cast<Index>(options.length)) {
    checkpoint.read(model_.parameters().values());
  }

  void write(const std::string& prompt) {
    const auto tokens = vocabulary_.encode(prompt, *std::pmr::new_delete_resource());
    if (tokens.empty()) return;
    const std::string_view text =
        sampler_.generate(tokens, static_cast<Index>(options_.length), options_.temperature, random_);
    std::printf("%s%.*s\n", prompt.c_str(), static_cast<int>(text.size()), text.data());
    std::fflush(stdout);
  }

 private:
  static TrainerMemory without_gradients() {
    TrainerMemory memory = plain_memory();
    memory.gradients = nullptr;
    return memory;
  }

  const GenerateOptions& options_;
  const Vocabulary& vocabulary_;
  Random random_;
  Transformer model_;
  std::unique_ptr<Blas> blas_;
  Arena arena_;
  Sampler sampler_;
};

// A line that cannot be continued is said to be so, and the next one is read.
int answer_lines(Writer& writer) {
  const bool person = isatty(STDIN_FILENO) != 0;
  std::string line;
  const auto next_line = [&] {
    if (person) std::fputs("> ", stdout);
    std::fflush(stdout);
    return static_cast<bool>(std::getline(std::cin, line));
  };
  while (next_line()) {
    try {
      writer.write(line);
    } catch (const std::invalid_argument& error) {
      std::fprintf(stderr, "generate: %s\n", error.what());
    }
  }
  return 0;
}

}  // namespace

int generate_text(const GenerateOptions& options, CheckpointReader& checkpoint) {
  Writer writer(options, checkpoint);
  if (options.interactive) return answer_lines(writer);
  writer.write(options.prompt);
  return 0;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
