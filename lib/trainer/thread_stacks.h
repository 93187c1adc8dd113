// thread_stacks: memory for the stacks of threads: mapped, with a page below each that must not be touched.
//
// Stacks of our own, instead of the 8 MB that a thread gets by default, are named memory like everything
// else: what is reserved is known, and what is touched can be told apart.
#pragma once

#include <cstddef>
#include <memory_resource>

namespace leakhunt::trainer {

// Measured in train_threaded: a worker touches 60 KiB, 48 of them the panel of a matrix product
// (tiled_products.h), and one that only sleeps 8. The rest is margin; what is not touched is not resident.
#if defined(__SANITIZE_THREAD__)  // which keeps 0.9 MB of its own on every stack
inline constexpr std::size_t worker_stack_bytes = 2048 * 1024;
#else
inline constexpr std::size_t worker_stack_bytes = 256 * 1024;
#endif

// Hands out whole pages, each block with a guard page below it, in which an overflow ends the program.
// Thread-safe; lives until the process ends.
std::pmr::memory_resource& mapped_stacks();

}  // namespace leakhunt::trainer
