#include "lib/trainer/blas.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "lib/trainer/kernels.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace {

// Row by row of C, so that the innermost loop runs along rows of C and (when B is not transposed) of B.
void multiply_plainly(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c,
                      Index c_stride) {
  for (Index i = 0; i < shape.rows; ++i) {
    Real* row = c + i * c_stride;
    kernels::scale_or_clear(shape.cols, beta, row);
    for (Index p = 0; p < shape.inner; ++p) {
      const Real factor = alpha * (a.transposed ? a.data[p * a.stride + i] : a.data[i * a.stride + p]);
      if (b.transposed) {
        for (Index j = 0; j < shape.cols; ++j) row[j] += factor * b.data[j * b.stride + p];
      } else {
        kernels::add_scaled(shape.cols, factor, b.data + p * b.stride, row);
      }
    }
  }
}

class PlainBlas final : public Blas {
 public:
  void multiply(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c,
                Index c_stride) const override {
    multiply_plainly(shape, alpha, a, b, beta, c, c_stride);
  }
  std::string name() const override { return "plain C++ loops"; }
};

// The part of cblas.h that is used; its header is not needed to build, nor its library to run.
constexpr int row_major = 101;
constexpr int no_transpose = 111;
constexpr int transpose = 112;
using CblasGemm = void (*)(int order, int transpose_a, int transpose_b, int m, int n, int k, Real alpha,
                           const Real* a, int lda, const Real* b, int ldb, Real beta, Real* c, int ldc);
constexpr const char* gemm_name = sizeof(Real) == sizeof(double) ? "cblas_dgemm" : "cblas_sgemm";
using OpenblasText = char* (*)();

class OpenBlas final : public Blas {
 public:
  OpenBlas(CblasGemm gemm, std::string name) : gemm_(gemm), name_(std::move(name)) {}

  void multiply(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c,
                Index c_stride) const override {
    // A single row is bound by memory, not by arithmetic; and OpenBLAS would take a buffer from the heap for
    // it.
    if (shape.rows == 1) return multiply_plainly(shape, alpha, a, b, beta, c, c_stride);
    const auto whole = [](Index value) { return static_cast<int>(value); };
    gemm_(row_major, a.transposed ? transpose : no_transpose, b.transposed ? transpose : no_transpose,
          whole(shape.rows), whole(shape.cols), whole(shape.inner), alpha, a.data, whole(a.stride), b.data,
          whole(b.stride), beta, c, whole(c_stride));
  }
  std::string name() const override { return name_; }

 private:
  CblasGemm gemm_;
  std::string name_;
};

// "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." -> "OpenBLAS 0.3.21"
std::string name_and_version(const char* configuration) {
  const char* space = std::strchr(configuration, ' ');
  const char* end = space != nullptr ? std::strchr(space + 1, ' ') : nullptr;
  return end != nullptr ? std::string(configuration, end) : std::string(configuration);
}

}  // namespace

std::unique_ptr<Blas> make_plain_blas() {
  return std::make_unique<PlainBlas>();
}

const char* openblas_kernel_for_this_cpu() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512cd");
  if (avx512) return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
  if (__builtin_cpu_supports("avx")) return "Sandybridge";
#endif
  return "";
}

std::unique_ptr<Blas> load_openblas(std::string& why) {
  const char* kernel = openblas_kernel_for_this_cpu();
  if (*kernel != '\0') setenv("OPENBLAS_CORETYPE", kernel, /*overwrite=*/0);
  setenv("OPENBLAS_NUM_THREADS", "1",
         /*overwrite=*/1);  // at these sizes its threads cost more than they bring

  // Never closed: the library is used until the process ends.
  void* library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    why = dlerror();
    return nullptr;
  }
  const auto gemm = reinterpret_cast<CblasGemm>(dlsym(library, gemm_name));
  const auto configuration = reinterpret_cast<OpenblasText>(dlsym(library, "openblas_get_config"));
  const auto core = reinterpret_cast<OpenblasText>(dlsym(library, "openblas_get_corename"));
  if (gemm == nullptr) {
    why = std::string("libopenblas.so.0 has no ") + gemm_name;
    return nullptr;
  }
  std::string name = configuration != nullptr ? name_and_version(configuration()) : "OpenBLAS";
  name += std::string(" (kernel ") + (core != nullptr ? core() : "unknown") + ")";
  return std::make_unique<OpenBlas>(gemm, std::move(name));
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
