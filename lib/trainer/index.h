// index: the numbers that count rows, symbols and bytes; the same in every precision.
#pragma once

#include <cstddef>
#include <cstdint>

namespace leakhunt::trainer {

// Sizes and positions inside matrices.
using Index = std::size_t;

// A symbol of the vocabulary: its number, from 0.
using Token = std::int32_t;

}  // namespace leakhunt::trainer
