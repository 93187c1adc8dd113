// RunBuilder, continued: what became of blocks: which live, by birth, and where others were freed.
#include <utility>

#include "lib/recording/freed_codec.h"
#include "lib/recording/run_builder.h"

namespace leakhunt::recording {

bool RunBuilder::take_cohorts(Decoder& in) {
  const CohortsHeader header = decode_cohorts(in);
  if (in.failed) return false;
  if (cohorts_damaged_) {  // until the table's end has passed
    cohorts_damaged_ = header.more;
    return true;
  }
  if (cohorts_open_ && open_cohorts_.iteration != header.iteration) return false;
  if (!cohorts_open_) open_cohorts_ = {header.iteration, {}};
  std::vector<Cohort>& rows = open_cohorts_.rows;
  for (uint64_t left = header.row_count; left > 0; --left) {
    const CohortRow row = decode_cohort_row(in);
    const bool ascends =
        rows.empty() || std::pair(rows.back().site, rows.back().birth) < std::pair(row.site, row.birth);
    if (in.failed || !ascends || !reach_sites(static_cast<uint64_t>(row.site) + 1)) return false;
    rows.push_back({row.site, row.birth, row.blocks, row.bytes});
  }
  cohorts_open_ = header.more;
  if (!header.more) run_.cohorts.push_back(std::exchange(open_cohorts_, {}));
  return true;
}

bool RunBuilder::take_freed_place(Decoder& in) {
  const FreedPlaceHeader header = decode_freed_place(in);
  if (in.failed) return false;
  FreedPlace place{header.site, header.samples, {}};
  place.stack.module_epoch = module_epoch_;
  place.stack.frames.reserve(header.frame_count);
  uint64_t frame = 0;
  for (uint64_t i = 0; i < header.frame_count; ++i)
    place.stack.frames.push_back(frame = decode_frame(in, frame));
  if (in.failed || !reach_sites(static_cast<uint64_t>(header.site) + 1)) return false;
  if (header.first) run_.freed_places.clear();
  run_.freed_places.push_back(std::move(place));
  return true;
}

}  // namespace leakhunt::recording
