#include "reports/formats/massif_tree.h"

#include <algorithm>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "reports/formats/escape.h"

namespace leakhunt::reports {

namespace {

constexpr double kThresholdPercent = 1.0;  // massif's own default

struct Leaf {
  size_t site = 0;
  int64_t bytes = 0;
};

// Leaves that share a label at one depth.
struct Branch {
  std::string label;
  int64_t bytes = 0;
  std::vector<Leaf> leaves;
};

std::vector<Leaf> leaves_of(const recording::Run& run, std::span<const int64_t> live_bytes) {
  std::vector<Leaf> leaves;
  for (size_t site = 0; site < live_bytes.size(); ++site) {
    const bool in_heap = run.sites[site].kind == recording::SiteKind::kBlock;
    if (in_heap && live_bytes[site] > 0) leaves.push_back({site, live_bytes[site]});
  }
  return leaves;
}

// ms_print cuts a line at '#', which C++ uses to number lambdas.
std::string massif_name(std::string_view name) {
  std::string text = escape_line(name);
  std::replace(text.begin(), text.end(), '#', ':');
  return text;
}

std::string frame_label(const StackFrame& frame) {
  const std::string function = frame.function.empty() ? "???" : massif_name(frame.function);
  if (!frame.file.empty()) {
    const std::string file = massif_name(frame.file.substr(frame.file.rfind('/') + 1));
    return fmt::format("0x{:X}: {} ({}:{})", frame.address, function, file, frame.line);
  }
  if (frame.module.empty()) return fmt::format("0x{:X}: {}", frame.address, function);
  return fmt::format("0x{:X}: {} (in {})", frame.address, function, massif_name(frame.module));
}

class TreeWriter {
 public:
  TreeWriter(const Report& report, int64_t total, std::ostream& out)
      : report_(report), threshold_(static_cast<double>(total) * kThresholdPercent / 100), out_(out) {}

  void write_root(const std::vector<Leaf>& leaves, int64_t total) {
    std::map<std::string, Branch> tags;
    for (const Leaf& leaf : leaves) {
      const auto tag = static_cast<size_t>(report_.run->sites[leaf.site].tag);
      const std::string name = tag < report_.run->tags.size() ? report_.run->tags[tag].name : "?";
      add(tags, fmt::format("0x0: tag {} (tags)", massif_name(name)), leaf);
    }
    const std::string label = "(heap allocation functions) malloc/new/new[], --alloc-fns, etc.";
    write_node({label, total, leaves}, sorted(std::move(tags)), 0, 0);
  }

 private:
  static void add(std::map<std::string, Branch>& branches, std::string label, const Leaf& leaf) {
    Branch& branch = branches[label];
    branch.label = std::move(label);
    branch.bytes += leaf.bytes;
    branch.leaves.push_back(leaf);
  }

  static std::vector<Branch> sorted(std::map<std::string, Branch>&& by_label) {
    std::vector<Branch> branches;
    for (auto& [label, branch] : by_label) branches.push_back(std::move(branch));
    sort(branches);
    return branches;
  }

  static void sort(std::vector<Branch>& branches) {
    std::stable_sort(branches.begin(), branches.end(),
                     [](const Branch& a, const Branch& b) { return a.bytes > b.bytes; });
  }

  // The callers `depth` frames outwards of the one that answers: like massif, without the allocation
  // functions. There may be ten thousands of stacks and few frames: a label is made once for each.
  std::vector<Branch> children(const Branch& branch, size_t depth) const {
    std::unordered_map<const StackFrame*, Branch*> callers;
    std::map<std::string, Branch> by_label;
    const StackFrame* last = nullptr;
    Branch* caller = nullptr;
    for (const Leaf& leaf : branch.leaves) {
      const Attribution& attribution = report_.growth.sites[leaf.site].attribution;
      const size_t at = attribution.named + depth;
      if (at >= attribution.frames.size()) continue;
      const StackFrame& frame = attribution.frames[at];
      if (&frame != last) {
        const auto [known, is_new] = callers.try_emplace(&frame, nullptr);
        if (is_new) {
          std::string label = frame_label(frame);  // frames of which it tells the same are one
          known->second = &by_label[label];
          known->second->label = std::move(label);
        }
        last = &frame;
        caller = known->second;
      }
      caller->bytes += leaf.bytes;
      caller->leaves.push_back(leaf);
    }
    return sorted(std::move(by_label));
  }

  void write_node(const Branch& node, std::vector<Branch> branches, size_t indent, size_t depth) {
    const auto is_small = [&](const Branch& b) {
      return static_cast<double>(b.bytes) < threshold_ || b.bytes <= 0;
    };
    const auto small =
        std::stable_partition(branches.begin(), branches.end(), [&](auto& b) { return !is_small(b); });
    const auto places = static_cast<size_t>(branches.end() - small);
    if (places > 0) {
      Branch rest;
      for (auto branch = small; branch != branches.end(); ++branch) rest.bytes += branch->bytes;
      rest.label = places == 1
                       ? fmt::format("in 1 place, below massif's threshold ({:.2f}%)", kThresholdPercent)
                       : fmt::format("in {} places, all below massif's threshold ({:.2f}%)", places,
                                     kThresholdPercent);
      branches.erase(small, branches.end());
      branches.push_back(std::move(rest));
      sort(branches);
    }
    out_ << fmt::format("{:{}}n{}: {} {}\n", "", indent, branches.size(), node.bytes, node.label);
    for (const Branch& branch : branches) write_node(branch, children(branch, depth), indent + 1, depth + 1);
  }

  const Report& report_;
  double threshold_;
  std::ostream& out_;
};

}  // namespace

int64_t massif_tree_total(const recording::Run& run, std::span<const int64_t> live_bytes) {
  int64_t total = 0;
  for (const Leaf& leaf : leaves_of(run, live_bytes)) total += leaf.bytes;
  return total;
}

void write_massif_tree(const Report& report, std::span<const int64_t> live_bytes, std::ostream& out) {
  const int64_t total = massif_tree_total(*report.run, live_bytes);
  TreeWriter(report, total, out).write_root(leaves_of(*report.run, live_bytes), total);
}

}  // namespace leakhunt::reports
