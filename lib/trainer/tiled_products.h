// tiled_products: the matrix product for one instruction set, as a template.
//
// Included by one source file for each instruction set, and compiled there with its flags (see
// CMakeLists.txt); hence the anonymous namespace, and no standard function that the linker could share
// between those files.
//
// C is computed in tiles of Rows x (Vectors * Width) that stay in registers while the inner dimension passes
// by:
//
//            B: inner x (Vectors * Width), a row of vectors at a time
//   A: Rows x inner, one number at a time     tile += a(i, p) * b(p, .)
//
// A is read where it lies, either way round. B is read where it lies when its rows are near enough; otherwise
// it is copied, panel by panel, into a small buffer: by the first tile on its way, or beforehand, when it has
// to be turned round or its last columns filled up.
#pragma once

#include <utility>

#include "lib/trainer/blas.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {
namespace {

// The panel of B after the one at work: fetched while this one's tiles are computed, a vector of each of a
// few rows at a time.
struct NextPanel {
  Factor b;
  Index fetched;
  Index all;
};

// C = alpha A B + beta C, or a part of it.
struct Product {
  ProductShape shape;
  Real alpha;
  Factor a;
  Factor b;
  Real beta;
  Real* c;
  Index c_stride;
  Companions soon;
  NextPanel next;
};

// Width: Reals in a vector. Rows x MaxVectors: the tile; with the vectors of B it must fit into the
// registers.
template <Index Width, int Rows, int MaxVectors>
class TiledProduct {
 public:
  // Adds up stretches of at most panel_rows of the inner dimension.
  static void multiply(const Product& all) {
    alignas(64) Real panel[panel_rows * Width * MaxVectors];  // 48 KiB at most, on the stack: nothing to keep
    Product part = all;
    for (Index start = 0; start < all.shape.inner; start += panel_rows) {
      part.shape.inner = smaller(panel_rows, all.shape.inner - start);
      part.a.data = all.a.data + start * (all.a.transposed ? all.a.stride : 1);
      part.b.data = all.b.data + start * (all.b.transposed ? 1 : all.b.stride);
      multiply_stretch(part, panel);
      part.beta = 1;
      part.soon.count = 0;  // they have come with the first stretch
    }
  }

 private:
  // A vector that may lie anywhere in memory.
  typedef Real Vector __attribute__((vector_size(Width * sizeof(Real)), aligned(sizeof(Real)), may_alias));

  static constexpr Index panel_rows = 256;
  static constexpr Index rows_ahead =
      8;  // of B, asked for before they are needed: no prefetcher guesses them

  static constexpr Index steps_between_fetches = 8;

  static constexpr Index smaller(Index a, Index b) { return a < b ? a : b; }
  static Vector& at(Real* place) { return *reinterpret_cast<Vector*>(place); }
  static const Vector& at(const Real* place) { return *reinterpret_cast<const Vector*>(place); }

  // Goes along the columns.
  static void multiply_stretch(const Product& all, Real* panel) {
    Product part = all;
    for (Index j = 0; j < all.shape.cols; j += part.shape.cols) {
      // Four vectors left go in two and two: in a tile of one vector each addition waits for the one before.
      const Index left = (all.shape.cols - j + Width - 1) / Width;
      const Index vectors = MaxVectors == 3 && left == 4 ? 2 : smaller(left, MaxVectors);
      part.shape.cols = smaller(vectors * Width, all.shape.cols - j);
      part.b.data = all.b.data + j * (all.b.transposed ? all.b.stride : 1);
      part.c = all.c + j;
      for (int i = 0; i < part.soon.count; ++i) part.soon.data[i] = all.soon.data[i] + j;
      part.next = panel_at(all, j + part.shape.cols);
      if constexpr (MaxVectors >= 3) {
        if (vectors == 3) multiply_panel<3>(part, panel);
      }
      if (vectors == 2) multiply_panel<2>(part, panel);
      if (vectors == 1) multiply_panel<1>(part, panel);
    }
  }

  // Worth fetching if it exists, and if there are tiles to do it meanwhile.
  static NextPanel panel_at(const Product& all, Index j) {
    const Factor b{all.b.data + j * (all.b.transposed ? all.b.stride : 1), all.b.stride, all.b.transposed};
    return {b, 0, j < all.shape.cols && all.shape.rows > 2 * Rows ? all.shape.inner : 0};
  }

  // Goes down the rows.
  template <int Vectors>
  static void multiply_panel(Product part, Real* panel) {
    if (part.b.transposed || part.shape.cols != Vectors * Width) {
      copy_panel<Vectors>(part, panel);
      part.b = {panel, Vectors * Width};
    } else if (lies_badly(part)) {
      multiply_tile<Rows, Vectors, true>(part, panel);
      next_rows<Rows>(part);
      part.b = {panel, Vectors * Width};
    }
    multiply_rows<Rows, Vectors>(part);
    multiply_rows<4, Vectors>(part);
    multiply_rows<1, Vectors>(part);
  }

  // Rows of B that are far apart fall into few sets of the cache and drive each other out before the next
  // tile.
  static bool lies_badly(const Product& part) {
    constexpr Index near_bytes = 32 * 1024;
    return part.shape.rows > 2 * Rows && part.shape.inner * part.b.stride * sizeof(Real) > near_bytes;
  }

  template <int Vectors>
  static void copy_panel(const Product& part, Real* panel) {
    constexpr Index width = Vectors * Width;
    const Factor b = part.b;
    if (part.shape.cols < width) {
      for (Index i = 0; i < part.shape.inner * width; ++i) panel[i] = 0;
    }
    if (!b.transposed) {
      for (Index p = 0; p < part.shape.inner; ++p) {
        for (Index j = 0; j < part.shape.cols; ++j) panel[p * width + j] = b.data[p * b.stride + j];
      }
      return;
    }
    const Index whole = part.shape.inner - part.shape.inner % Width;
    for (Index j = 0; j < part.shape.cols; j += Width) {
      const Index cols = smaller(Width, part.shape.cols - j);
      Index p = 0;
      for (; cols == Width && p < whole; p += Width) {
        copy_square(b.data + j * b.stride + p, b.stride, panel + p * width + j, width);
      }
      for (; p < part.shape.inner; ++p) {
        for (Index i = j; i < j + cols; ++i) panel[p * width + i] = b.data[i * b.stride + p];
      }
    }
  }

  // Width x Width numbers, transposed. After log2(Width) rounds, in each of which the rows of the upper half
  // are shuffled into those of the lower one like cards, every number has changed its row for its column.
  static void copy_square(const Real* from, Index from_stride, Real* to, Index to_stride) {
    constexpr auto all = std::make_index_sequence<Width>();
    Vector rows[Width];
    Vector shuffled[Width];
    for (Index i = 0; i < Width; ++i) rows[i] = at(from + i * from_stride);
    for (Index round = 1; round < Width; round *= 2) {
      for (Index i = 0; i < Width / 2; ++i) {
        shuffled[2 * i] = shuffle<0>(rows[i], rows[i + Width / 2], all);
        shuffled[2 * i + 1] = shuffle<Width / 2>(rows[i], rows[i + Width / 2], all);
      }
      for (Index i = 0; i < Width; ++i) rows[i] = shuffled[i];
    }
    for (Index i = 0; i < Width; ++i) at(to + i * to_stride) = rows[i];
  }

  // a[First], b[First], a[First + 1], b[First + 1] ...
  template <Index First, Index... I>
  static Vector shuffle(Vector a, Vector b, std::index_sequence<I...>) {
    return __builtin_shufflevector(a, b, (First + I / 2 + I % 2 * Width)...);
  }

  // Tiles of TileRows rows, as many as fit; `part` is moved on to the rows that are left.
  template <int TileRows, int Vectors>
  static void multiply_rows(Product& part) {
    while (part.shape.rows >= TileRows) {
      multiply_tile<TileRows, Vectors, false>(part, nullptr);
      next_rows<TileRows>(part);
    }
  }

  template <int TileRows>
  static void next_rows(Product& part) {
    part.shape.rows -= TileRows;
    part.a.data += TileRows * (part.a.transposed ? 1 : part.a.stride);
    part.c += TileRows * part.c_stride;
    for (int i = 0; i < part.soon.count; ++i) part.soon.data[i] += TileRows * part.c_stride;
  }

  // One tile of C. With Keep, the vectors of B that pass by are copied into `panel`.
  template <int TileRows, int Vectors, bool Keep>
  static void multiply_tile(Product& part, Real* panel) {
    const Index row_step = part.a.transposed ? 1 : part.a.stride;
    const Index inner_step = part.a.transposed ? part.a.stride : 1;
    const Real* a = part.a.data;
    const Real* b = part.b.data;
    Vector tile[TileRows][Vectors];
    for (Index i = 0; i < TileRows; ++i) {
      for (Index v = 0; v < Vectors; ++v)
        tile[i][v] = Vector{};  // one by one: as a whole it would go by way of memory
    }
    Index row = 0;
    for (Index p = 0; p < part.shape.inner; ++p) {
      if (p % steps_between_fetches == 0) fetch<TileRows, Vectors>(part, row++);
      if constexpr (Keep) {
        for (Index v = 0; v < Vectors; ++v) {
          at(panel + (p * Vectors + v) * Width) = at(b + v * Width);
          __builtin_prefetch(b + rows_ahead * part.b.stride + v * Width);
        }
      }
      for (Index i = 0; i < TileRows; ++i) {
        const Real factor = a[i * row_step];
        for (Index v = 0; v < Vectors; ++v) tile[i][v] += factor * at(b + v * Width);
      }
      a += inner_step;
      b += part.b.stride;
    }
    if (part.shape.cols == Vectors * Width) {
      store_whole<TileRows, Vectors>(part, tile);
    } else {
      store_part<TileRows, Vectors>(part, tile);
    }
  }

  // What will be needed soon, a little at a time, so that the memory can bring it while the tile is computed:
  // this row of C and of its companions, and some of the next panel. Into the second cache: the first one is
  // full of B.
  template <int TileRows, int Vectors>
  static void fetch(Product& part, Index row) {
    if (row < TileRows) {
      const Index place = row * part.c_stride;
      for (Index v = 0; v < Vectors; ++v) __builtin_prefetch(part.c + place + v * Width, 1, 2);
      for (int i = 0; i < part.soon.count; ++i) {
        for (Index v = 0; v < Vectors; ++v) __builtin_prefetch(part.soon.data[i] + place + v * Width, 0, 2);
      }
    }
    if (part.next.fetched < part.next.all) fetch_next_panel<Vectors>(part.next);
  }

  template <int Vectors>
  static void fetch_next_panel(NextPanel& next) {
    const Index n = next.fetched++;
    const Factor b = next.b;
    const Real* first =
        b.data + (b.transposed ? n % Width * Vectors * b.stride + n / Width * Width : n * b.stride);
    for (Index v = 0; v < Vectors; ++v)
      __builtin_prefetch(first + v * (b.transposed ? b.stride : Width), 0, 2);
  }

  // The tile into C. All unrolled, or the tile would go there by way of memory.
  template <int TileRows, int Vectors>
  static void store_whole(const Product& part, const Vector (&tile)[TileRows][Vectors]) {
    Real* c = part.c;
    const Real alpha = part.alpha;
    const Real beta = part.beta;
    if (beta == 0) {
#pragma GCC unroll 8
      for (Index i = 0; i < TileRows; ++i, c += part.c_stride) {
#pragma GCC unroll 3
        for (Index v = 0; v < Vectors; ++v) at(c + v * Width) = alpha * tile[i][v];
      }
      return;
    }
#pragma GCC unroll 8
    for (Index i = 0; i < TileRows; ++i, c += part.c_stride) {
#pragma GCC unroll 3
      for (Index v = 0; v < Vectors; ++v) at(c + v * Width) = alpha * tile[i][v] + beta * at(c + v * Width);
    }
  }

  // A tile that reaches beyond the last column is finished outside of C.
  template <int TileRows, int Vectors>
  static void store_part(const Product& part, const Vector (&tile)[TileRows][Vectors]) {
    Real outside[TileRows * Vectors * Width];
#pragma GCC unroll 8
    for (Index i = 0; i < TileRows; ++i) {
#pragma GCC unroll 3
      for (Index v = 0; v < Vectors; ++v) at(outside + (i * Vectors + v) * Width) = part.alpha * tile[i][v];
    }
    for (Index i = 0; i < TileRows; ++i) {
      Real* c = part.c + i * part.c_stride;
      const Real* row = outside + i * Vectors * Width;
      for (Index j = 0; j < part.shape.cols; ++j) c[j] = part.beta == 0 ? row[j] : row[j] + part.beta * c[j];
    }
  }
};

}  // namespace
}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
