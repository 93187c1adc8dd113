#include "lib/trainer/tape.h"

#include <new>

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

Tape::Tape(std::pmr::memory_resource& nodes) : nodes_(nodes) {}

Tape::~Tape() {
  release(newest_);
  release(free_);
}

void Tape::record(const Node& node) {
  Node* slot = free_;
  if (slot != nullptr) {
    free_ = slot->previous;
  } else {
    slot = new_node();
  }
  *slot = node;
  slot->previous = newest_;
  newest_ = slot;
  ++size_;
}

void Tape::backward(Workspace& workspace, BackwardObserver* observer) {
  std::size_t place = 0;
  for (const Node* node = newest_; node != nullptr; node = node->previous) {
    const bool observed = observer != nullptr && node->weight.grad != nullptr;
    if (observed) observer->before(place);
    node->backward(*node, workspace);
    if (observed) observer->after(place++);
  }
}

void Tape::reset() {
  Node* newest = newest_;
  newest_ = nullptr;
  size_ = 0;
  recycle(newest);
}

void Tape::recycle(Node* newest) {
  while (newest != nullptr) {
    Node* previous = newest->previous;
    newest->previous = free_;
    free_ = newest;
    newest = previous;
  }
}

Node* Tape::new_node() {
  void* block = nodes_.allocate(sizeof(Node), alignof(Node));
  return ::new (block) Node;
}

void Tape::release(Node* newest) {
  while (newest != nullptr) {
    Node* previous = newest->previous;
    nodes_.deallocate(newest, sizeof(Node), alignof(Node));
    newest = previous;
  }
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
