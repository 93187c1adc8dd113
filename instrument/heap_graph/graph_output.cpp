#include "instrument/heap_graph/graph_output.h"

#include "instrument/heap_graph/scratch.h"
#include "instrument/os/proc_self.h"

namespace leakhunt::tracker {

using recording::RecordType;
using recording::SiteId;

namespace {

constexpr size_t kRecordBytes = 64 << 10;
constexpr uint32_t kLongWay = 60;
constexpr uint32_t kWanted = 1;  // nodes to be, until they are numbered: their ways are followed
constexpr uint32_t kOnTheWay = 2;
constexpr uint32_t kEndOfWay = 16;  // blocks that are kept on either side of a gap

}  // namespace

// --- records

void GraphOutput::close_record() {
  if (open_ == nullptr) return;
  open_->bytes = static_cast<uint32_t>(out_.cursor - reinterpret_cast<uint8_t*>(open_ + 1));
  at_ += sizeof(OutputRecord) + (open_->bytes + 7) / 8 * 8;
  open_ = nullptr;
}

// Room for a row of at most `bytes` in a record of this type.
bool GraphOutput::need(uint32_t type, size_t bytes) {
  const bool fits =
      open_ != nullptr && open_->type == type && static_cast<size_t>(out_.end - out_.cursor) >= bytes;
  if (fits) return true;
  close_record();
  if (static_cast<size_t>(end_ - at_) < sizeof(OutputRecord) + kRecordBytes + 8) return false;
  open_ = reinterpret_cast<OutputRecord*>(at_);
  *open_ = {type, 0};
  out_ = {at_ + sizeof(OutputRecord), at_ + sizeof(OutputRecord) + kRecordBytes};
  fresh_ = true;
  return true;
}

size_t GraphOutput::write(uint64_t scan_ns) {
  const bool written =
      write_sites() && choose_nodes() && write_nodes() && write_edges() && write_end(scan_ns);
  close_record();
  return written ? static_cast<size_t>(at_ - begin_) : 0;
}

bool GraphOutput::write_sites() {
  recording::GraphSiteRow* rows = map_scratch<recording::GraphSiteRow>(input_.site_count);
  if (rows == nullptr) return false;
  for (uint32_t i = 0; i < blocks_.count(); ++i) {
    if (blocks_[i].site >= input_.site_count) continue;
    recording::ReachCount& held = rows[blocks_[i].site].held[static_cast<size_t>(marks_.reach(i))];
    held.blocks += 1;
    held.bytes += blocks_[i].size;
  }
  SiteId previous{};
  for (uint32_t site = 0; site < input_.site_count; ++site) {
    recording::GraphSiteRow& row = rows[site];
    uint64_t blocks = 0;
    for (const recording::ReachCount& held : row.held) blocks += held.blocks;
    if (blocks == 0) continue;
    row.site = SiteId{site};
    row.growing = marks_.is_growing(site);
    if (!need(static_cast<uint32_t>(RecordType::kGraphSites), recording::kMaxGraphSite)) return false;
    if (fresh_) previous = SiteId{0};
    fresh_ = false;
    encode_graph_site(out_, previous, row);
    previous = row.site;
  }
  return true;
}

// --- which blocks

bool GraphOutput::choose_nodes() {
  numbers_ = map_scratch<uint32_t>(blocks_.count());
  shortcuts_ = map_scratch<Shortcut>(kMostShortcuts);
  if (numbers_ == nullptr || shortcuts_ == nullptr) return false;
  whole_ = marks_.has_all_edges();
  for (uint32_t i = 0; i < blocks_.count(); ++i) {
    if (whole_ || marks_.is_sampled(i)) numbers_[i] = kWanted;
  }
  if (!whole_) {
    for (const SeenEdge& edge : marks_.sampled_edges()) {
      if (edge.slot.holder != recording::kNoNode) numbers_[edge.slot.holder] = kWanted;
    }
    for (uint32_t i = 0; i < blocks_.count(); ++i) {
      if (numbers_[i] == kWanted) choose_way(i);
    }
  }
  for (uint32_t i = 0; i < blocks_.count(); ++i) {
    if (numbers_[i] != 0) numbers_[i] = ++node_count_;
  }
  return true;
}

// The way from a root to the block, or from the first of the lost ones.
void GraphOutput::choose_way(uint32_t block) {
  uint32_t length = 0;
  Slot slot{};
  for (uint32_t at = block; marks_.slot_of(at, &slot) && slot.holder != recording::kNoNode;
       at = slot.holder) {
    if (numbers_[slot.holder] != 0 || steps_left_ == 0) break;
    --steps_left_;
    ++length;
  }
  const bool is_long = length > kLongWay && shortcut_count_ < kMostShortcuts;
  const uint32_t gap_end = length - kEndOfWay;
  uint32_t at = block;
  for (uint32_t step = 0; step < length; ++step) {
    marks_.slot_of(at, &slot);
    if (is_long && step == kEndOfWay) {
      const uint32_t near = at;
      for (; step < gap_end; ++step) {
        marks_.slot_of(at, &slot);
        at = slot.holder;
      }
      marks_.slot_of(at, &slot);
      shortcuts_[shortcut_count_++] = {near, slot, gap_end - kEndOfWay};
    }
    at = slot.holder;
    if (numbers_[at] == 0) numbers_[at] = kOnTheWay;
  }
}

bool GraphOutput::write_nodes() {
  uint64_t previous = 0;
  for (uint32_t i = 0; i < blocks_.count(); ++i) {
    if (numbers_[i] == 0) continue;
    if (!need(static_cast<uint32_t>(RecordType::kGraphNodes), recording::kMaxGraphNode)) return false;
    if (fresh_) previous = 0;
    fresh_ = false;
    const GraphBlock& block = blocks_[i];
    encode_graph_node(out_, previous,
                      {block.begin, block.size, SiteId{block.site}, block.birth, marks_.reach(i),
                       whole_ || marks_.is_sampled(i), marks_.children(i)});
    previous = block.begin;
  }
  return true;
}

// --- pointers

void GraphOutput::note_module(const Slot& slot) {
  if (slot.root != RootKind::kData || module_count_ == kMostModules) return;
  if (slot.address >= last_module_.begin && slot.address < last_module_.end) return;
  LoadedObject object{};
  if (!find_loaded_object(slot.address, &object)) return;
  last_module_ = {object.begin, object.end};
  for (size_t i = 0; i < module_count_; ++i) {
    if (modules_[i] >= object.begin && modules_[i] < object.end) return;
  }
  modules_[module_count_++] = slot.address;
}

bool GraphOutput::write_edge(const Slot& slot, uint32_t to, uint64_t inside, uint64_t via) {
  const bool is_root = slot.holder == recording::kNoNode;
  if (!is_root && numbers_[slot.holder] == 0) return true;
  if (!need(static_cast<uint32_t>(RecordType::kGraphEdges), recording::kMaxGraphEdge)) return false;
  fresh_ = false;
  recording::GraphEdgeRow row{};
  row.from = is_root ? recording::kNoNode : numbers_[slot.holder] - 1;
  row.root = slot.root;
  row.thread = slot.thread;
  row.slot = is_root ? slot.address : slot.address - blocks_[slot.holder].begin;
  row.to = numbers_[to] - 1;
  row.inside = inside;
  row.via = via;
  if (is_root) note_module(slot);
  encode_graph_edge(out_, row);
  ++edge_count_;
  return true;
}

// All pointers to sampled blocks; to others, the one of their way.
bool GraphOutput::write_edges() {
  for (const SeenEdge& edge : marks_.sampled_edges()) {
    if (!write_edge(edge.slot, edge.to, edge.inside, 0)) return false;
  }
  if (whole_) {
    for (const SeenEdge& edge : marks_.other_edges()) {
      if (!write_edge(edge.slot, edge.to, edge.inside, 0)) return false;
    }
    return true;
  }
  for (uint32_t i = 0; i < blocks_.count(); ++i) {
    Slot slot{};
    if (numbers_[i] == 0 || marks_.is_sampled(i) || !marks_.slot_of(i, &slot)) continue;
    const uint64_t word = slot.root == RootKind::kRegister ? blocks_[i].begin
                                                           : *reinterpret_cast<const uint64_t*>(slot.address);
    if (!write_edge(slot, i, word - blocks_[i].begin, 0)) return false;
  }
  for (size_t i = 0; i < shortcut_count_; ++i) {
    const Shortcut& shortcut = shortcuts_[i];
    if (!write_edge(shortcut.slot, shortcut.block, 0, shortcut.via)) return false;
  }
  return true;
}

bool GraphOutput::write_end(uint64_t scan_ns) {
  recording::GraphEnd end{};
  end.number = input_.number;
  end.whole = whole_;
  end.blocks = blocks_.count();
  for (uint32_t i = 0; i < blocks_.count(); ++i) end.block_bytes += blocks_[i].size;
  end.root_bytes = marks_.root_bytes();
  end.scan_ns = scan_ns;
  end.nodes = node_count_;
  end.edges = edge_count_;
  end.edges_left_out = marks_.sampled_edges().left_out();
  end.scan_cpu_ns = thread_cpu_ns();
  close_record();
  if (!need(static_cast<uint32_t>(RecordType::kGraphEnd), 11 * recording::kMaxVarint)) return false;
  encode(out_, end);
  return true;
}

}  // namespace leakhunt::tracker
