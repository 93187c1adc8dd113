// tiled_blas: matrix products of our own, for matrices that fit into a cache.
//
// At the sizes of tiny and small they are faster than OpenBLAS (bench/trainer), take nothing from the heap
// (OpenBLAS's small-matrix kernels do), and need no library.
#pragma once

#include <memory>

#include "lib/trainer/blas.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

// The product as Blas::multiply_and_fetch, for one instruction set each; tiled_products.h.
using Multiply = void(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c, Index c_stride,
                      const Companions& soon);
Multiply multiply_sse2;
Multiply multiply_avx2;
Multiply multiply_avx512;

enum class InstructionSet { sse2, avx2, avx512 };

// The best that this processor has.
InstructionSet best_instruction_set();

// Products with the given instruction set, which the processor must have.
std::unique_ptr<Blas> make_tiled_blas(InstructionSet set = best_instruction_set());

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
