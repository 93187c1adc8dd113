// UnboundedArena: an overflow always appends a chunk at the end of the chain, however many the last iteration
// left there.
//
// The reset goes back to the first chunk, which is used again; all others are held and never used. Per
// iteration: (chunks an iteration needs - 1) x arena_chunk_bytes(model), reachable from the arena.
#pragma once

#include "lib/trainer/arena.h"

namespace leakhunt::defects {

class UnboundedArena : public trainer::Arena {
 public:
  using Arena::Arena;

 private:
  Chunk* advance(Chunk* current, std::size_t payload_bytes) override {
    while (current->next != nullptr) current = current->next;
    current->next = new_chunk(payload_bytes);
    return current->next;
  }
};

}  // namespace leakhunt::defects
