#include "lib/trainer/blas.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "lib/trainer/random.h"
#include "lib/trainer/tiled_blas.h"

namespace leakhunt::trainer {
namespace {

std::vector<Real> drawn(Index count, Random& random) {
  std::vector<Real> values(count);
  for (Real& value : values) value = random.normal();
  return values;
}

// One product in a backend, against the sum written out; matrices lie inside larger ones.
void expect_right(const Blas& blas, ProductShape shape, bool a_transposed, bool b_transposed, Real alpha,
                  Real beta) {
  Random random(shape.rows * 1000 + shape.cols * 10 + shape.inner);
  const Index a_stride = (a_transposed ? shape.rows : shape.inner) + 3;
  const Index b_stride = (b_transposed ? shape.inner : shape.cols) + 1;
  const Index c_stride = shape.cols + 2;
  const auto a = drawn((a_transposed ? shape.inner : shape.rows) * a_stride, random);
  const auto b = drawn((b_transposed ? shape.cols : shape.inner) * b_stride, random);
  const auto before = drawn(shape.rows * c_stride, random);
  auto c = before;
  blas.multiply(shape, alpha, {a.data(), a_stride, a_transposed}, {b.data(), b_stride, b_transposed}, beta,
                c.data(), c_stride);
  for (Index i = 0; i < shape.rows; ++i) {
    for (Index j = 0; j < c_stride; ++j) {
      const Index place = i * c_stride + j;
      Real expected = before[place];
      if (j < shape.cols) {
        Real sum = 0;
        for (Index p = 0; p < shape.inner; ++p) {
          sum += (a_transposed ? a[p * a_stride + i] : a[i * a_stride + p]) *
                 (b_transposed ? b[j * b_stride + p] : b[p * b_stride + j]);
        }
        expected = alpha * sum + beta * expected;
      }
      ASSERT_NEAR(c[place], expected, 1e-11)
          << blas.name() << ": " << shape.rows << "x" << shape.cols << "x" << shape.inner
          << (a_transposed ? " A^T" : "") << (b_transposed ? " B^T" : "") << " at " << i << ", " << j;
    }
  }
}

void expect_right_everywhere(const Blas& blas) {
  constexpr Index sizes[] = {1, 2, 7, 8, 9, 17, 32, 33, 64};
  for (Index rows : sizes) {
    for (Index cols : sizes) {
      for (Index inner : {1u, 5u, 16u, 35u, 64u}) {
        for (int transposes = 0; transposes < 4; ++transposes) {
          expect_right(blas, {rows, cols, inner}, (transposes & 1) != 0, (transposes & 2) != 0, 1, 0);
        }
      }
    }
  }
  for (Real beta : {0.0, 1.0, -0.5}) {
    expect_right(blas, {13, 21, 34}, false, true, 0.25, beta);
    expect_right(blas, {64, 128, 512}, false, false, 1, beta);
    expect_right(blas, {128, 512, 64}, true, false, 1, beta);
  }
}

TEST(Blas, PlainLoopsAreRight) {
  expect_right_everywhere(*make_plain_blas());
}

TEST(Blas, OpenBlasIsRight) {
  std::string why;
  const std::unique_ptr<Blas> blas = load_openblas(why);
  if (blas == nullptr) GTEST_SKIP() << why;
  expect_right_everywhere(*blas);
}

TEST(TiledBlas, IsRightWithEveryInstructionSetOfThisProcessor) {
  for (InstructionSet set : {InstructionSet::sse2, InstructionSet::avx2, InstructionSet::avx512}) {
    if (set <= best_instruction_set()) expect_right_everywhere(*make_tiled_blas(set));
  }
}

// What is fetched on the way is a hint, even where it does not exist.
TEST(TiledBlas, FetchesCompanionsWithoutReadingThem) {
  Random random(3);
  const auto a = drawn(70 * 300, random);
  const auto b = drawn(300 * 50, random);
  for (InstructionSet set : {InstructionSet::sse2, InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > best_instruction_set()) continue;
    const std::unique_ptr<Blas> blas = make_tiled_blas(set);
    std::vector<Real> alone(70 * 50);
    std::vector<Real> in_company(70 * 50);
    blas->multiply({70, 50, 300}, 1, {a.data(), 70, true}, {b.data(), 50}, 0, alone.data(), 50);
    blas->multiply_and_fetch({70, 50, 300}, 1, {a.data(), 70, true}, {b.data(), 50}, 0, in_company.data(), 50,
                             {{a.data(), nullptr, b.data()}, 3});
    EXPECT_EQ(in_company, alone) << blas->name();
  }
}

TEST(TiledBlas, IsRightBeyondOneStretchOfTheInnerDimension) {
  const std::unique_ptr<Blas> blas = make_tiled_blas();
  for (Real beta : {0.0, 1.0, 0.5}) {
    expect_right(*blas, {9, 30, 600}, false, true, 2, beta);
    expect_right(*blas, {70, 100, 257}, true, false, -1, beta);
  }
}

TEST(Blas, WritesOverWhateverIsThereWhenBetaIsZero) {
  std::string why;
  const std::unique_ptr<Blas> open = load_openblas(why);
  const std::unique_ptr<Blas> plain = make_plain_blas();
  const std::unique_ptr<Blas> tiled = make_tiled_blas();
  for (const Blas* blas : {plain.get(), tiled.get(), open.get()}) {
    if (blas == nullptr) continue;
    const Real a[] = {1, 2, 3, 4};
    Real c[] = {std::nan(""), std::nan(""), std::nan(""), std::nan("")};
    blas->multiply({2, 2, 2}, 1, {a, 2}, {a, 2}, 0, c, 2);
    EXPECT_EQ(c[0], 7) << blas->name();
    EXPECT_EQ(c[3], 22) << blas->name();
  }
}

TEST(Blas, SaysWhichBackendAndKernelItIs) {
  std::string why;
  const std::unique_ptr<Blas> blas = load_openblas(why);
  if (blas == nullptr) GTEST_SKIP() << why;
  EXPECT_EQ(blas->name().substr(0, 8), "OpenBLAS");
  const std::string kernel = openblas_kernel_for_this_cpu();
  if (std::getenv("OPENBLAS_CORETYPE") == kernel) {
    EXPECT_NE(blas->name().find(kernel), std::string::npos) << blas->name();
  }
}

}  // namespace
}  // namespace leakhunt::trainer
