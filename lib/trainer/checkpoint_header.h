// checkpoint_header: what a checkpoint says of a training besides its tensors, and how that is written.
//
//   file := header, vocabulary, crc32c, then parameters, m, v, each followed by its crc32c
//
// Everything is little-endian; docs/checkpoint-format.md draws it byte by byte. Independent of the precision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "lib/trainer/dataset.h"
#include "lib/trainer/modes.h"
#include "lib/trainer/random.h"
#include "lib/trainer/schedule.h"

namespace leakhunt::trainer {

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;

  bool operator==(const AdamOptions&) const = default;
};

// Where a training stands: what the next iteration depends on besides parameters, m and v.
struct TrainingState {
  std::uint64_t iterations = 0;  // done
  std::uint64_t adam_steps = 0;
  Random::State batch_random = {};  // the next batch's place in the text comes from it
  double first_loss = 0;            // of the first iteration
  double loss_sum = 0;              // since the last progress line
  std::uint64_t loss_count = 0;     // iterations in that sum
};

struct CheckpointHeader {
  std::uint64_t real_bytes;  // of each number in the tensors: 4 or 8
  ModelConfig model;
  AdamOptions adam;
  Schedule schedule;
  std::uint64_t seed;
  TextIdentity text;
  TrainingState state;
};

inline constexpr char checkpoint_magic[8] = {'L', 'E', 'A', 'K', 'C', 'K', 'P', 'T'};
inline constexpr std::uint32_t checkpoint_version = 1;

// Sizes in bytes, as the header gives them: of everything before the vocabulary, of everything before the
// tensors, of one tensor with its checksum, of the file.
inline constexpr std::size_t checkpoint_fixed_bytes = 232;
inline constexpr std::size_t checkpoint_crc_bytes = 4;
std::size_t checkpoint_header_bytes(std::uint64_t vocabulary);
std::size_t checkpoint_file_bytes(const CheckpointHeader& header);

// Writes the fixed part to `out`, checkpoint_fixed_bytes of them.
void encode(const CheckpointHeader& header, std::byte* out);

// Reads the fixed part; its magic, its version and the checksum behind it are the caller's to check.
CheckpointHeader decode_checkpoint_header(const std::byte* in);

// The whole header's length, as the fixed part states it: what is needed before anything can be trusted.
std::uint32_t stated_header_bytes(const std::byte* in);

// What is impossible in `header`, in a few words; empty when it is sound. What it describes is then small
// enough for its sizes to be computed.
std::string flaw_in(const CheckpointHeader& header);

}  // namespace leakhunt::trainer
