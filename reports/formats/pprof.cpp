// pprof's profile.proto, gzipped: for pprof, Perfetto, speedscope, Pyroscope, Parca.
#include <ostream>
#include <string>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/formats.h"
#include "reports/formats/labels.h"
#include "reports/formats/locations.h"
#include "reports/formats/pprof_message.h"

namespace leakhunt::reports {

namespace {

class ProfileMessage {
 public:
  ProfileMessage(const Report& report, const Moment& moment)
      : report_(report), moment_(moment), locations_(report) {}

  void write(std::ostream& out) {
    message_.heap_value_types();
    for (const ProfileRow& row : make_profile(report_, moment_).rows) sample(row);
    for (size_t i = 0; i < report_.run->modules.size(); ++i) mapping(i);
    for (size_t i = 0; i < locations_.all().size(); ++i) location(i);
    message_.writer().add_int64(profile_field::kTimeNanos,
                                static_cast<int64_t>(report_.run->process.start_unix_ns + time_ns()));
    message_.writer().add_int64(profile_field::kDurationNanos, static_cast<int64_t>(time_ns()));
    message_.finish("leakhunt: " + title_label(report_) + ", " + moment_.words, out);
  }

 private:
  uint64_t time_ns() const {
    const auto& snapshots = report_.run->snapshots;
    return snapshots.empty() ? 0 : snapshots[moment_.snapshot].time_ns;
  }

  void sample(const ProfileRow& row) {
    std::vector<uint64_t> stack;
    for (const size_t index : locations_.of_site(row.site)) stack.push_back(index + 1);
    const int64_t values[] = {static_cast<int64_t>(row.counters.allocations),
                              static_cast<int64_t>(row.counters.allocated_bytes), row.blocks, row.bytes};
    message_.sample(stack, values, tag_label(report_, report_.run->sites[static_cast<size_t>(row.site)].tag));
  }

  void mapping(size_t index) {
    const recording::Module& module = report_.run->modules[index];
    std::string build_id;
    for (const uint8_t byte : module.build_id) build_id += fmt::format("{:02x}", byte);
    const int64_t path = message_.string(escape_line(module.path));
    const int64_t id = message_.string(build_id);
    protozero::pbf_writer mapping(message_.writer(), profile_field::kMapping);
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

  void location(size_t index) {
    const Location& location = locations_.all()[index];
    std::vector<std::pair<uint64_t, uint32_t>> lines;
    for (const StackFrame& frame : location.frames) {
      lines.emplace_back(
          message_.function(function_label(frame), escape_line(frame_name(frame)), file_label(frame)),
          frame.line);
    }
    if (lines.empty()) lines.emplace_back(message_.function(location.name, location.name, ""), 0);
    const bool placed = location.address != 0;
    message_.location(index + 1, placed ? mapping_of(location.address) : 0, placed ? location.address - 1 : 0,
                      lines);  // inside of the call
  }

  const Report& report_;
  const Moment& moment_;
  Locations locations_;
  PprofMessage message_;
};

}  // namespace

void write_pprof(const Report& report, const Moment& moment, std::ostream& out) {
  ProfileMessage(report, moment).write(out);
}

}  // namespace leakhunt::reports
