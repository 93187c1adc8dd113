// 24 of the 32 registers hold the tile, three the row of B.
#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/tiled_products.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

void multiply_avx512(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c, Index c_stride,
                     const Companions& soon) {
  TiledProduct<64 / sizeof(Real), 8, 3>::multiply({shape, alpha, a, b, beta, c, c_stride, soon, {}});
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
