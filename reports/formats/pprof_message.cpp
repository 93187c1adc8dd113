#include "reports/formats/pprof_message.h"

#include "reports/formats/gzip.h"

namespace leakhunt::reports {

int64_t PprofMessage::string(const std::string& text) {
  const auto [found, added] = string_ids_.try_emplace(text, static_cast<int64_t>(strings_.size()));
  if (added) strings_.push_back(text);
  return found->second;
}

void PprofMessage::value_type(protozero::pbf_tag_type field, const char* type, const char* unit) {
  protozero::pbf_writer value(writer_, field);
  value.add_int64(1, string(type));
  value.add_int64(2, string(unit));
}

void PprofMessage::heap_value_types() {
  value_type(profile_field::kSampleType, "alloc_objects", "count");
  value_type(profile_field::kSampleType, "alloc_space", "bytes");
  value_type(profile_field::kSampleType, "inuse_objects", "count");
  value_type(profile_field::kSampleType, "inuse_space", "bytes");
}

uint64_t PprofMessage::function(const std::string& name, const std::string& system_name,
                                const std::string& file) {
  const std::string key = system_name + '\n' + file;
  const auto [found, added] = function_ids_.try_emplace(key, function_ids_.size() + 1);
  if (!added) return found->second;
  const int64_t ids[] = {string(name), string(system_name), string(file)};
  protozero::pbf_writer function(writer_, profile_field::kFunction);
  function.add_uint64(1, found->second);
  for (protozero::pbf_tag_type i = 0; i < 3; ++i) function.add_int64(i + 2, ids[i]);
  return found->second;
}

void PprofMessage::location(uint64_t id, uint64_t mapping, uint64_t address,
                            std::span<const std::pair<uint64_t, uint32_t>> lines) {
  protozero::pbf_writer message(writer_, profile_field::kLocation);
  message.add_uint64(1, id);
  if (address != 0) {
    message.add_uint64(2, mapping);
    message.add_uint64(3, address);
  }
  for (const auto& [function_id, number] : lines) {
    protozero::pbf_writer line(message, 4);
    line.add_uint64(1, function_id);
    line.add_int64(2, number);
  }
}

void PprofMessage::sample(std::span<const uint64_t> stack, std::span<const int64_t> values,
                          const std::string& tag) {
  const int64_t key = string("tag");
  const int64_t text = string(tag);
  protozero::pbf_writer sample(writer_, profile_field::kSample);
  sample.add_packed_uint64(1, stack.begin(), stack.end());
  sample.add_packed_int64(2, values.begin(), values.end());
  protozero::pbf_writer label(sample, 3);
  label.add_int64(1, key);
  label.add_int64(2, text);
}

void PprofMessage::finish(const std::string& comment, std::ostream& out) {
  value_type(profile_field::kPeriodType, "space", "bytes");
  writer_.add_int64(profile_field::kPeriod, 1);
  const int64_t comments[] = {string(comment)};
  writer_.add_packed_int64(profile_field::kComment, std::begin(comments), std::end(comments));
  writer_.add_int64(profile_field::kDefaultSampleType, string("inuse_space"));
  for (const std::string& text : strings_) writer_.add_string(profile_field::kStringTable, text);
  GzipWriter gzip(out);
  gzip.write(message_);
  gzip.finish();
}

}  // namespace leakhunt::reports
