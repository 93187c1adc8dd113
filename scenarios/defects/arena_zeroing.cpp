// arena-zeroing: every temporary is zeroed before it is handed out.
//
// Nobody reads the zeros: an operation writes its temporary before it reads it. Costs no growth but time, and
// pages: a chunk, too, is zeroed as a whole when it is made, so that all of it is resident, whether an
// iteration comes that far or not. The bytes that are written in vain are those that the tag `arena.tensor`
// counts as allocated in each iteration, and the chunk once.
#include <cstring>

#include "lib/trainer/arena.h"
#include "scenarios/defects/defect.h"

namespace leakhunt::defects {
inline namespace LEAKHUNT_PRECISION {
namespace {

class ZeroingArena final : public trainer::Arena {
 public:
  using Arena::Arena;

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return std::memset(Arena::do_allocate(bytes, alignment), 0, bytes);
  }
};

class ZeroedChunks final : public std::pmr::memory_resource {
 public:
  explicit ZeroedChunks(std::pmr::memory_resource& chunks) : chunks_(chunks) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return std::memset(chunks_.allocate(bytes, alignment), 0, bytes);
  }
  void do_deallocate(void* chunk, std::size_t bytes, std::size_t alignment) override {
    chunks_.deallocate(chunk, bytes, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::pmr::memory_resource& chunks_;
};

}  // namespace

void apply_arena_zeroing(trainer::Seams& seams, std::uint64_t) {
  static ZeroedChunks chunks(*seams.memory.arena_chunks);
  seams.memory.arena_chunks = &chunks;
  seams.make_arena = [](std::pmr::memory_resource& from, std::size_t chunk_bytes,
                        trainer::ArenaObserver* observer) -> std::unique_ptr<trainer::Arena> {
    return std::make_unique<ZeroingArena>(from, chunk_bytes, observer);
  };
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::defects
