#include "lib/trainer/checkpoint_header.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace leakhunt::trainer {
namespace {

static_assert(std::endian::native == std::endian::little,
              "a checkpoint is written as it lies in memory: little-endian");
static_assert(sizeof(Index) == 8);

// The fields of the fixed part, in their order. Eight bytes each; both ways go through here.
template <typename Header, typename Field>
void for_each_field(Header& header, Field field) {
  field(header.real_bytes);
  auto& model = header.model;
  for (auto* size : {&model.vocabulary, &model.width, &model.heads, &model.layers, &model.hidden,
                     &model.context, &model.positions}) {
    field(*size);
  }
  for (auto* value : {&header.adam.beta1, &header.adam.beta2, &header.adam.epsilon}) field(*value);
  field(header.schedule.peak);
  field(header.schedule.warm_up);
  field(header.schedule.total);
  field(header.schedule.floor_share);
  field(header.seed);
  field(header.text.bytes);
  field(header.text.hash);
  field(header.state.iterations);
  field(header.state.adam_steps);
  for (auto& word : header.state.batch_random) field(word);
  field(header.state.first_loss);
  field(header.state.loss_sum);
  field(header.state.loss_count);
}

constexpr std::size_t version_offset = sizeof checkpoint_magic;
constexpr std::size_t header_bytes_offset = version_offset + 4;
constexpr std::size_t fields_offset = header_bytes_offset + 4;
static_assert(fields_offset + 27 * 8 == checkpoint_fixed_bytes);

bool is_finite(const CheckpointHeader& header) {
  const auto& [peak, warm_up, total, floor_share] = header.schedule;
  for (const double value : {header.adam.beta1, header.adam.beta2, header.adam.epsilon, peak, floor_share,
                             header.state.first_loss, header.state.loss_sum}) {
    if (!std::isfinite(value)) return false;
  }
  return true;
}

}  // namespace

std::size_t checkpoint_header_bytes(std::uint64_t vocabulary) {
  return checkpoint_fixed_bytes + vocabulary * sizeof(char32_t) + checkpoint_crc_bytes;
}

std::size_t checkpoint_file_bytes(const CheckpointHeader& header) {
  return checkpoint_header_bytes(header.model.vocabulary) +
         3 * (header.model.parameter_count() * header.real_bytes + checkpoint_crc_bytes);
}

void encode(const CheckpointHeader& header, std::byte* out) {
  const auto header_bytes = static_cast<std::uint32_t>(checkpoint_header_bytes(header.model.vocabulary));
  std::memcpy(out, checkpoint_magic, sizeof checkpoint_magic);
  std::memcpy(out + version_offset, &checkpoint_version, sizeof checkpoint_version);
  std::memcpy(out + header_bytes_offset, &header_bytes, sizeof header_bytes);
  std::byte* at = out + fields_offset;
  for_each_field(header, [&at](const auto& field) {
    static_assert(sizeof field == 8);
    std::memcpy(at, &field, sizeof field);
    at += sizeof field;
  });
}

CheckpointHeader decode_checkpoint_header(const std::byte* in) {
  CheckpointHeader header{};
  const std::byte* at = in + fields_offset;
  for_each_field(header, [&at](auto& field) {
    std::memcpy(&field, at, sizeof field);
    at += sizeof field;
  });
  return header;
}

std::uint32_t stated_header_bytes(const std::byte* in) {
  std::uint32_t bytes = 0;
  std::memcpy(&bytes, in + header_bytes_offset, sizeof bytes);
  return bytes;
}

std::string flaw_in(const CheckpointHeader& header) {
  const ModelConfig& model = header.model;
  constexpr Index most = 1 << 16;  // so that no product of sizes overflows
  if (header.real_bytes != 4 && header.real_bytes != 8) return "numbers of an unknown size";
  if (model.vocabulary < 1 || model.vocabulary > Index{largest_character} + 1)
    return "an impossible vocabulary";
  for (const Index size : {model.width, model.heads, model.layers, model.context, model.positions}) {
    if (size < 1 || size > most) return "a model of an impossible size";
  }
  if (model.hidden > most || model.layers > 1024) return "a model of an impossible size";
  if (model.width % model.heads != 0 || model.context > model.positions)
    return "a model of an impossible shape";
  if (!is_finite(header)) return "a number that is not finite";
  if (header.schedule.warm_up == 0) return "a schedule without a beginning";
  if (header.state.batch_random == Random::State{}) return "a random sequence that stands still";
  return {};
}

}  // namespace leakhunt::trainer
