// What every x86-64 has, and what other processors' vector units are served with.
#include "lib/trainer/tiled_blas.h"
#include "lib/trainer/tiled_products.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

void multiply_sse2(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c, Index c_stride,
                   const Companions& soon) {
  TiledProduct<16 / sizeof(Real), 4, 2>::multiply({shape, alpha, a, b, beta, c, c_stride, soon, {}});
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
