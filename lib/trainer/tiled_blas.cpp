#include "lib/trainer/tiled_blas.h"

#include "lib/trainer/kernels.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace {

struct Kernel {
  Multiply* multiply;
  const char* name;
};

Kernel kernel_for(InstructionSet set) {
#if defined(__x86_64__)
  if (set == InstructionSet::avx512) return {multiply_avx512, "AVX-512"};
  if (set == InstructionSet::avx2) return {multiply_avx2, "AVX2"};
#endif
  return {multiply_sse2, "128-bit"};
}

class TiledBlas final : public Blas {
 public:
  explicit TiledBlas(Kernel kernel) : kernel_(kernel) {}

  void multiply(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c,
                Index c_stride) const override {
    multiply_and_fetch(shape, alpha, a, b, beta, c, c_stride, {});
  }
  void multiply_and_fetch(ProductShape shape, Real alpha, Factor a, Factor b, Real beta, Real* c,
                          Index c_stride, const Companions& soon) const override {
    // A single row uses every element of B once: copying them first would double the work.
    if (shape.rows == 1 && !b.transposed) {
      kernels::scale_or_clear(shape.cols, beta, c);
      for (Index p = 0; p < shape.inner; ++p) {
        const Real factor = alpha * a.data[p * (a.transposed ? a.stride : 1)];
        kernels::add_scaled(shape.cols, factor, b.data + p * b.stride, c);
      }
      return;
    }
    kernel_.multiply(shape, alpha, a, b, beta, c, c_stride, soon);
  }
  std::string name() const override { return std::string("own tiles (kernel ") + kernel_.name + ")"; }

 private:
  Kernel kernel_;
};

}  // namespace

InstructionSet best_instruction_set() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) return InstructionSet::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return InstructionSet::avx2;
#endif
  return InstructionSet::sse2;
}

std::unique_ptr<Blas> make_tiled_blas(InstructionSet set) {
  return std::make_unique<TiledBlas>(kernel_for(set));
}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
