// tape: what was computed, so that it can be differentiated backwards.
//
// Each operation that is to be differentiated records one Node during the forward pass: what it read, what it
// wrote, and the function that carries the gradient back. backward() walks the nodes from the newest to the
// oldest; reset() puts them on a free list, from which the next iteration takes them again.
#pragma once

#include <cstddef>
#include <memory_resource>

#include "lib/trainer/tensor.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

struct Workspace;

// One recorded operation. Which fields are used is the operation's own affair (ops.cpp); the tensors are
// views.
struct Node {
  void (*backward)(const Node&, Workspace&) = nullptr;
  Node* previous = nullptr;  // recorded just before this one; on the free list: the next free one
  Tensor in = {};
  Tensor out = {};
  Tensor weight = {};
  Tensor bias = {};
  const Real* saved = nullptr;    // kept by the forward pass, read by the backward pass
  const Token* tokens = nullptr;  // rows of `out`
  Index detail = 0;               // number of heads, first position ...
};

// Stands beside the backward pass; called around every node that has parameters.
class BackwardObserver {
 public:
  virtual ~BackwardObserver() = default;
  // The node that is number `place` of those with parameters, from 0, is about to add to their gradients.
  virtual void before(std::size_t place) = 0;
  // It has.
  virtual void after(std::size_t place) = 0;
};

class Tape {
 public:
  // Nodes are allocated one by one from `nodes`, which must outlive the tape.
  explicit Tape(std::pmr::memory_resource& nodes);
  virtual ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  // Appends `node`.
  void record(const Node& node);

  // Calls every recorded node's backward, the newest first. The last operation's `out.grad` must be set.
  void backward(Workspace& workspace) { backward(workspace, nullptr); }
  // The same, under the eyes of `observer`, which may be null.
  void backward(Workspace& workspace, BackwardObserver* observer);

  // Forgets what was recorded.
  void reset();

  // Nodes recorded since the last reset.
  std::size_t size() const { return size_; }

  // Bytes one recorded operation occupies.
  static constexpr std::size_t node_bytes = sizeof(Node);

 protected:
  // Takes over the list of nodes (linked by `previous`) that a reset has emptied the tape of.
  virtual void recycle(Node* newest);

 private:
  Node* new_node();
  void release(Node* newest);

  std::pmr::memory_resource& nodes_;
  Node* newest_ = nullptr;
  Node* free_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
