// blas: matrix products, behind one interface with three backends.
//
// Our own tiles (tiled_blas.h), which serve by default; OpenBLAS, loaded when the program starts, so that a
// machine without it still runs; and plain C++ loops. Debian's OpenBLAS takes many virtual machines for a
// Prescott and runs at a quarter of their speed; therefore its kernel is chosen here, from what the processor
// says it can do, unless OPENBLAS_CORETYPE is set.
//
// All matrices are row-major. Thread-safe: a Blas holds no state that changes.
#pragma once

#include <memory>
#include <string>

#include "lib/trainer/tensor.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

// A matrix that is read: `stride` Reals from one stored row to the next; transposed: stored as columns x
// rows.
struct Factor {
  const Real* data;
  Index stride;
  bool transposed = false;
};

// C is rows x cols, A is rows x inner, B is inner x cols.
struct ProductShape {
  Index rows;
  Index cols;
  Index inner;
};

// Up to three matrices of the shape and stride of a product's C.
struct Companions {
  const Real* data[3] = {};
  int count = 0;
};

class Blas {
 public:
  virtual ~Blas() = default;

  // C = alpha A B + beta C. With beta 0, C is written without being read. `c_stride`: from one row of C to
  // the next.
  virtual void multiply(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c,
                        Index c_stride) const = 0;

  // The same; and meanwhile `soon`, which the caller will read next, is fetched into the cache, as far as the
  // backend knows how to.
  virtual void multiply_and_fetch(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c,
                                  Index c_stride, const Companions& /*soon*/) const {
    multiply(shape, alpha, a, b, beta, c, c_stride);
  }

  // What computes, for people: "OpenBLAS 0.3.21 (kernel SkylakeX)".
  virtual std::string name() const = 0;
};

// Plain loops; always there.
std::unique_ptr<Blas> make_plain_blas();

// OpenBLAS with one thread. Its AVX-512 kernels take and give back a small heap block in some products of odd
// sizes; the other two backends never do. Null when the library is missing or not usable, `why` then says so.
// Must be called before another thread exists: it sets environment variables that the library reads while
// loading.
std::unique_ptr<Blas> load_openblas(std::string& why);

// The kernel of OpenBLAS that suits this processor ("SkylakeX", "Haswell", "Sandybridge"), or "" to leave it
// the choice.
const char* openblas_kernel_for_this_cpu();

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
