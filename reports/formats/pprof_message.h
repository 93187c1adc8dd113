// pprof_message: the parts that every profile of pprof is made of: its table of strings, functions and value
// types. The numbers of the fields are those of github.com/google/pprof, proto/profile.proto.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <protozero/pbf_writer.hpp>

namespace leakhunt::reports {

namespace profile_field {
inline constexpr protozero::pbf_tag_type kSampleType = 1;
inline constexpr protozero::pbf_tag_type kSample = 2;
inline constexpr protozero::pbf_tag_type kMapping = 3;
inline constexpr protozero::pbf_tag_type kLocation = 4;
inline constexpr protozero::pbf_tag_type kFunction = 5;
inline constexpr protozero::pbf_tag_type kStringTable = 6;
inline constexpr protozero::pbf_tag_type kTimeNanos = 9;
inline constexpr protozero::pbf_tag_type kDurationNanos = 10;
inline constexpr protozero::pbf_tag_type kPeriodType = 11;
inline constexpr protozero::pbf_tag_type kPeriod = 12;
inline constexpr protozero::pbf_tag_type kComment = 13;
inline constexpr protozero::pbf_tag_type kDefaultSampleType = 14;
}  // namespace profile_field

class PprofMessage {
 public:
  PprofMessage() : writer_(message_) { string(""); }  // string 0 is the empty one

  protozero::pbf_writer& writer() { return writer_; }

  int64_t string(const std::string& text);
  void value_type(protozero::pbf_tag_type field, const char* type, const char* unit);
  // alloc_objects, alloc_space, inuse_objects, inuse_space: in this order a sample's values are.
  void heap_value_types();
  uint64_t function(const std::string& name, const std::string& system_name, const std::string& file);
  // `lines`: functions and line numbers, innermost first. Address 0: it has none, and no mapping.
  void location(uint64_t id, uint64_t mapping, uint64_t address,
                std::span<const std::pair<uint64_t, uint32_t>> lines);
  void sample(std::span<const uint64_t> stack, std::span<const int64_t> values, const std::string& tag);
  // Bytes are the unit of the period, inuse_space is shown first; then gzipped.
  void finish(const std::string& comment, std::ostream& out);

 private:
  std::string message_;
  protozero::pbf_writer writer_;
  std::vector<std::string> strings_;
  std::map<std::string, int64_t> string_ids_;
  std::map<std::string, uint64_t> function_ids_;
};

}  // namespace leakhunt::reports
