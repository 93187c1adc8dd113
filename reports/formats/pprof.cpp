// pprof's profile.proto, gzipped: for pprof, Perfetto, speedscope, Pyroscope, Parca. The numbers of the
// fields are those of github.com/google/pprof, proto/profile.proto.
#include <map>
#include <ostream>
#include <string>

#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/gzip.h"
#include "reports/formats/labels.h"
#include "reports/formats/locations.h"

namespace leakhunt::reports {

namespace {

namespace profile_field {
constexpr protozero::pbf_tag_type kSampleType = 1;
constexpr protozero::pbf_tag_type kSample = 2;
constexpr protozero::pbf_tag_type kMapping = 3;
constexpr protozero::pbf_tag_type kLocation = 4;
constexpr protozero::pbf_tag_type kFunction = 5;
constexpr protozero::pbf_tag_type kStringTable = 6;
constexpr protozero::pbf_tag_type kTimeNanos = 9;
constexpr protozero::pbf_tag_type kDurationNanos = 10;
constexpr protozero::pbf_tag_type kPeriodType = 11;
constexpr protozero::pbf_tag_type kPeriod = 12;
constexpr protozero::pbf_tag_type kComment = 13;
constexpr protozero::pbf_tag_type kDefaultSampleType = 14;
}  // namespace profile_field

class ProfileMessage {
 public:
  ProfileMessage(const Report& report, const Moment& moment)
      : report_(report), moment_(moment), locations_(report), writer_(message_) {
    string("");  // string 0 is the empty one
  }

  std::string build() {
    value_type(profile_field::kSampleType, "alloc_objects", "count");
    value_type(profile_field::kSampleType, "alloc_space", "bytes");
    value_type(profile_field::kSampleType, "inuse_objects", "count");
    value_type(profile_field::kSampleType, "inuse_space", "bytes");
    for (const ProfileRow& row : make_profile(report_, moment_).rows) sample(row);
    for (size_t i = 0; i < report_.run->modules.size(); ++i) mapping(i);
    for (size_t i = 0; i < locations_.all().size(); ++i) location(i);
    writer_.add_int64(profile_field::kTimeNanos,
                      static_cast<int64_t>(report_.run->process.start_unix_ns + time_ns()));
    writer_.add_int64(profile_field::kDurationNanos, static_cast<int64_t>(time_ns()));
    value_type(profile_field::kPeriodType, "space", "bytes");
    writer_.add_int64(profile_field::kPeriod, 1);
    const int64_t comments[] = {string("leakhunt: " + title_label(report_) + ", " + moment_.words)};
    writer_.add_packed_int64(profile_field::kComment, std::begin(comments), std::end(comments));
    writer_.add_int64(profile_field::kDefaultSampleType, string("inuse_space"));
    for (const std::string& text : strings_) writer_.add_string(profile_field::kStringTable, text);
    return std::move(message_);
  }

 private:
  uint64_t time_ns() const {
    const auto& snapshots = report_.run->snapshots;
    return snapshots.empty() ? 0 : snapshots[moment_.snapshot].time_ns;
  }

  int64_t string(const std::string& text) {
    const auto [found, added] = string_ids_.try_emplace(text, static_cast<int64_t>(strings_.size()));
    if (added) strings_.push_back(text);
    return found->second;
  }

  void value_type(protozero::pbf_tag_type field, const char* type, const char* unit) {
    protozero::pbf_writer value(writer_, field);
    value.add_int64(1, string(type));
    value.add_int64(2, string(unit));
  }

  void sample(const ProfileRow& row) {
    const std::string tag = tag_label(report_, report_.run->sites[static_cast<size_t>(row.site)].tag);
    std::vector<uint64_t> stack;
    for (const size_t index : locations_.of_site(row.site)) stack.push_back(index + 1);
    const int64_t values[] = {static_cast<int64_t>(row.counters.allocations),
                              static_cast<int64_t>(row.counters.allocated_bytes), row.blocks, row.bytes};
    const int64_t key = string("tag");
    const int64_t text = string(tag);
    protozero::pbf_writer sample(writer_, profile_field::kSample);
    sample.add_packed_uint64(1, stack.begin(), stack.end());
    sample.add_packed_int64(2, std::begin(values), std::end(values));
    protozero::pbf_writer label(sample, 3);
    label.add_int64(1, key);
    label.add_int64(2, text);
  }

  void mapping(size_t index) {
    const recording::Module& module = report_.run->modules[index];
    std::string build_id;
    for (const uint8_t byte : module.build_id) build_id += fmt::format("{:02x}", byte);
    const int64_t path = string(escape_line(module.path));
    const int64_t id = string(build_id);
    protozero::pbf_writer mapping(writer_, profile_field::kMapping);
    mapping.add_uint64(1, index + 1);
    mapping.add_uint64(2, module.begin);
    mapping.add_uint64(3, module.end);
    mapping.add_uint64(4, module.begin - module.bias);
    mapping.add_int64(5, path);
    mapping.add_int64(6, id);
    for (const protozero::pbf_tag_type has : {7U, 8U, 9U, 10U}) mapping.add_bool(has, true);
  }

  // 0: in none, or its module was not recorded.
  uint64_t mapping_of(uint64_t address) const {
    const auto& modules = report_.run->modules;
    for (size_t i = modules.size(); i > 0; --i) {
      if (address - 1 >= modules[i - 1].begin && address - 1 < modules[i - 1].end) return i;
    }
    return 0;
  }

  uint64_t function(const std::string& name, const std::string& system_name, const std::string& file) {
    const std::string key = system_name + '\n' + file;
    const auto [found, added] = function_ids_.try_emplace(key, function_ids_.size() + 1);
    if (!added) return found->second;
    const int64_t ids[] = {string(name), string(system_name), string(file)};
    protozero::pbf_writer function(writer_, profile_field::kFunction);
    function.add_uint64(1, found->second);
    for (protozero::pbf_tag_type i = 0; i < 3; ++i) function.add_int64(i + 2, ids[i]);
    return found->second;
  }

  void location(size_t index) {
    const Location& location = locations_.all()[index];
    std::vector<std::pair<uint64_t, uint32_t>> lines;
    for (const StackFrame& frame : location.frames) {
      lines.emplace_back(function(function_label(frame), escape_line(frame_name(frame)), file_label(frame)),
                         frame.line);
    }
    if (lines.empty()) lines.emplace_back(function(location.name, location.name, ""), 0);
    protozero::pbf_writer message(writer_, profile_field::kLocation);
    message.add_uint64(1, index + 1);
    if (location.address != 0) {
      message.add_uint64(2, mapping_of(location.address));
      message.add_uint64(3, location.address - 1);  // inside of the call
    }
    for (const auto& [function_id, number] : lines) {
      protozero::pbf_writer line(message, 4);
      line.add_uint64(1, function_id);
      line.add_int64(2, number);
    }
  }

  const Report& report_;
  const Moment& moment_;
  Locations locations_;
  std::string message_;
  protozero::pbf_writer writer_;
  std::vector<std::string> strings_;
  std::map<std::string, int64_t> string_ids_;
  std::map<std::string, uint64_t> function_ids_;
};

}  // namespace

void write_pprof(const Report& report, const Moment& moment, std::ostream& out) {
  GzipWriter gzip(out);
  gzip.write(ProfileMessage(report, moment).build());
  gzip.finish();
}

}  // namespace leakhunt::reports
