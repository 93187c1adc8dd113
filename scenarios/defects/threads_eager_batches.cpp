// threads-eager-batches: all batches of an epoch are made before the first is needed.
//
// With the first block for a batch, those of 63 batches of 32 sequences are taken, and kept. Constant: 2,016
// sequences x 129 tokens x 4 bytes, 1.04 MB for the model of train_threaded, where one a context is enough.
#include <cstring>
#include <vector>

#include "scenarios/defects/defect.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

class EagerBatches final : public std::pmr::memory_resource {
 public:
  explicit EagerBatches(std::pmr::memory_resource& upstream) : upstream_(upstream) {}

 private:
  // Blocks of tokens are batches; what else comes from here has other alignments.
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (alignment == alignof(trainer::Token) && made_.empty()) make_all(bytes);
    return upstream_.allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    upstream_.deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  void make_all(std::size_t bytes) {
    constexpr std::size_t sequences = std::size_t{63} * 32;
    for (std::size_t i = 0; i < sequences; ++i)
      made_.push_back(std::memset(upstream_.allocate(bytes, alignof(trainer::Token)), 0, bytes));
  }

  std::pmr::memory_resource& upstream_;
  std::vector<void*> made_;
};

}  // namespace

void apply_threads_eager_batches(trainer::Seams& seams, std::uint64_t) {
  static EagerBatches batches(*seams.memory.batches);
  seams.memory.batches = &batches;
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
