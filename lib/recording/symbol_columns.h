// symbol_columns: how symbols, and the sums of heap graphs by call site, lie in columns (column_streams.h).
//
// An address of a symbol is mostly the next higher one that occurred in a stack, its offset follows from the
// module, and a name is mostly the one before or a new one. So of most symbols zeros are left, their line,
// and the names, which lie together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/recording/column_streams.h"

namespace leakhunt::recording {

struct WritingCoder;
struct ReadingCoder;

// Takes a payload apart: all of its integers, and the strings one after the other, each ended by a NUL. False
// when it is not as encode_symbols() writes it.
bool take_symbols(std::span<const uint8_t> payload, std::vector<uint64_t>& values,
                  std::vector<uint8_t>& text);

void code_symbols(WritingCoder& coder, std::vector<uint64_t>& values, const std::vector<uint8_t>& text);
// Appends the payload to `payload`.
void read_symbols(ReadingCoder& coder, std::vector<uint64_t>& values, std::vector<uint8_t>& payload);

bool is_graph_sites(const std::vector<uint64_t>& values);
void code_graph_sites(WritingCoder& coder, std::vector<uint64_t>& values);
void code_graph_sites(ReadingCoder& coder, std::vector<uint64_t>& values);

}  // namespace leakhunt::recording
