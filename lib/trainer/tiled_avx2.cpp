// 12 of the 16 registers hold the tile, two the row of B, two numbers of A.
#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/tiled_products.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

void multiply_avx2(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c, Index c_stride,
                   const Companions& soon) {
  TiledProduct<32 / sizeof(Real), 6, 2>::multiply({shape, alpha, a, b, beta, c, c_stride, soon, {}});
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
