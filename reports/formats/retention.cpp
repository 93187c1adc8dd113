#include "reports/formats/retention.h"

#include <algorithm>

#include <fmt/format.h>

#include "reports/formats/escape.h"
#include "reports/formats/labels.h"
#include "reports/formats/member_names.h"
#include "reports/formats/units.h"

namespace leakhunt::reports {

namespace {

using recording::Reach;
using recording::RootKind;
using recording::SiteId;

size_t index(auto id) {
  return static_cast<size_t>(id);
}

std::string counted(uint64_t count, const char* noun) {
  return fmt::format("{} {}{}", human_count(static_cast<int64_t>(count)), noun, count == 1 ? "" : "s");
}

// "arena.cpp:57", or the function where no line is known.
std::string place_of(const Report& report, SiteId site) {
  const StackFrame* frame = report.growth.sites[index(site)].attribution.frame();
  if (frame == nullptr) return "an unknown place";
  if (frame->file.empty() || frame->line == 0) return function_label(*frame);
  const size_t slash = frame->file.rfind('/');
  return fmt::format("{}:{}",
                     escape_line(slash == std::string::npos ? frame->file : frame->file.substr(slash + 1)),
                     frame->line);
}

// "member Chunk::next (+0x0)", or "+0x18".
std::string slot_in_block(const Report& report, SiteId site, uint64_t slot) {
  const auto& members = report.run->data_names.members;
  const auto name = members.find({site, slot});
  if (name == members.end()) return fmt::format("+{:#x}", slot);
  return escape_line(readable_member(name->second.type, name->second.member)) +
         fmt::format(" (+{:#x})", slot);
}

std::string thread_words(uint64_t thread) {
  return thread == 0 ? "the first thread" : fmt::format("thread {}", thread);
}

std::string module_name(const std::string& path) {
  const size_t slash = path.rfind('/');
  return escape_line(slash == std::string::npos ? path : path.substr(slash + 1));
}

const recording::Module* module_around(const Report& report, uint64_t address) {
  for (const recording::Module& module : report.run->modules) {
    if (address >= module.begin && address < module.end) return &module;
  }
  return nullptr;
}

std::string data_words(const Report& report, uint64_t address) {
  const auto& variables = report.run->data_names.variables;
  if (const auto name = variables.find(address); name != variables.end()) {
    const std::string variable = escape_line(name->second.variable);
    const std::string member = readable_path(name->second.member);
    if (!member.empty()) return fmt::format("global '{}.{}'", variable, escape_line(member));
    if (!name->second.member.empty()) return fmt::format("global '{}'", variable);
    if (name->second.offset == 0) return fmt::format("global '{}'", variable);
    return fmt::format("global '{}' + {}", variable, name->second.offset);
  }
  const recording::Module* module = module_around(report, address);
  if (module == nullptr) return fmt::format("data at {:#x}", address);
  return fmt::format("data of {} + {:#x}", module_name(module->path), address - module->bias);
}

std::string now_clause(const Report& report, const LastHolder& last) {
  switch (last.now) {
    case LastHolder::Now::kOtherBlock:
      return fmt::format("it was overwritten: now it points to another block from {}",
                         place_of(report, *last.other));
    case LastHolder::Now::kHolderIsGone:
      return "the block that it was in has been freed";
    case LastHolder::Now::kHolderIsLost:
      return "the block that it is in is lost itself";
    case LastHolder::Now::kSomethingElse:
      return last.holder.site || last.holder.root == RootKind::kData
                 ? "it was overwritten"
                 : "it was overwritten, or its function returned";
  }
  return "";
}

std::string reach_sentence(const Report& report, const Retention& retention) {
  std::string parts;
  for (const Reach reach : {Reach::kReachable, Reach::kPossible, Reach::kIndirect, Reach::kDefinite}) {
    const recording::ReachCount& held = retention.held[index(reach)];
    if (held.blocks == 0) continue;
    if (!parts.empty()) parts += ", ";
    parts += fmt::format("{} ({}) {}", counted(held.blocks, "block"),
                         human_bytes(static_cast<int64_t>(held.bytes)), to_string(reach));
  }
  const std::string when =
      retention.at_end
          ? "at the program's end"
          : fmt::format("after {}", counted(retention.iteration, std::string(step_label(report)).c_str()));
  std::string text = fmt::format("Heap graph {}: {}.", when, parts);
  if (retention.threads_unknown > 0)
    text += fmt::format(" The registers of {} that ran on were not seen.",
                        counted(retention.threads_unknown, "thread"));
  return text;
}

std::string last_holder_sentence(const Report& report, const Retention& retention) {
  const LastHolder& last = *retention.last_holder;
  std::string text;
  if (last.through)
    text = fmt::format("They are lost with blocks from {} that hold them. ", place_of(report, *last.through));
  text += fmt::format("The last reference was held by {}, seen at {} {}, gone at {}: {}.",
                      holder_words(report, last.holder), step_label(report), last.seen, last.gone,
                      now_clause(report, last));
  if (last.holder.site && last.now == LastHolder::Now::kOtherBlock)
    text += fmt::format(" Look for the store to {} that does not free what was there.",
                        slot_in_block(report, *last.holder.site, last.holder.slot));
  return text;
}

}  // namespace

std::string_view to_string(RootKind kind) {
  switch (kind) {
    case RootKind::kData:
      return "data";
    case RootKind::kThread:
      return "thread-local data";
    case RootKind::kAnonymous:
      return "unclaimed memory";
    case RootKind::kStack:
      return "stack";
    case RootKind::kRegister:
      return "register";
  }
  return "";
}

std::string holder_words(const Report& report, const Holder& holder) {
  if (holder.site)
    return fmt::format("{} of a block from {}", slot_in_block(report, *holder.site, holder.slot),
                       place_of(report, *holder.site));
  switch (holder.root) {
    case RootKind::kData:
      return data_words(report, holder.slot);
    case RootKind::kThread:
      return "thread-local data of " + thread_words(holder.thread);
    case RootKind::kAnonymous:
      return "memory outside of all blocks";
    case RootKind::kStack:
      return "the stack of " + thread_words(holder.thread);
    case RootKind::kRegister:
      return "a register of " + thread_words(holder.thread);
  }
  return "";
}

std::string root_words(const Report& report, const Holder& holder) {
  if (holder.site || holder.root != RootKind::kData) return holder_words(report, holder);
  const auto& variables = report.run->data_names.variables;
  if (const auto name = variables.find(holder.slot); name != variables.end())
    return fmt::format("global '{}'", escape_line(name->second.variable));
  const recording::Module* module = module_around(report, holder.slot);
  return module != nullptr ? "data of " + module_name(module->path) : holder_words(report, holder);
}

std::string way_words(const Report& report, const Retention& retention) {
  if (retention.way.empty()) return "";
  std::string text;
  for (size_t i = 0; i < retention.way.size(); ++i) {
    const Holder& holder = retention.way[i].holder;
    if (!holder.site) {
      text += holder_words(report, holder) + " -> ";
      continue;
    }
    const std::string slot = slot_in_block(report, *holder.site, holder.slot);
    const std::string place = place_of(report, *holder.site);
    uint64_t blocks = retention.way[i].blocks;
    // Stacks that differ further out lead to the same place.
    for (; i + 1 < retention.way.size(); ++i) {
      const WayStep& next = retention.way[i + 1];
      if (!next.holder.site || place_of(report, *next.holder.site) != place ||
          slot_in_block(report, *next.holder.site, next.holder.slot) != slot)
        break;
      blocks += next.blocks;
    }
    text += blocks == 1
                ? fmt::format("block from {}, {} -> ", place, slot)
                : fmt::format("a chain of {} from {}, each by {} -> ", counted(blocks, "block"), place, slot);
  }
  return text + "block from " + place_of(report, retention.way_to);
}

std::string now_words(const Report& report, const LastHolder& last) {
  return now_clause(report, last);
}

std::vector<std::string> retention_sentences(const Report& report, const Finding& finding) {
  std::vector<std::string> sentences;
  if (!finding.retention) {
    const auto& graphs = report.run->graphs;
    const auto obstacle =
        std::find_if(graphs.begin(), graphs.end(), [](const auto& g) { return !g.obstacle.empty(); });
    if (obstacle != graphs.end())
      sentences.push_back(fmt::format("Who holds them is not known: {}.", escape_line(obstacle->obstacle)));
    return sentences;
  }
  const Retention& retention = *finding.retention;
  sentences.push_back(reach_sentence(report, retention));
  if (retention.circle)
    sentences.push_back(fmt::format("They hold one another in a circle, by {}: nothing else points to them.",
                                    holder_words(report, *retention.circle)));
  if (retention.last_holder) sentences.push_back(last_holder_sentence(report, retention));
  if (!retention.way.empty()) {
    std::string text = "Held by: " + way_words(report, retention) + ".";
    const uint64_t held = retention.held[index(retention.mostly)].bytes;
    if (retention.retained_bytes && *retention.retained_bytes >= held / 2)
      text += fmt::format(" The first block of this way retains {}.",
                          human_bytes(static_cast<int64_t>(*retention.retained_bytes)));
    sentences.push_back(text);
  }
  if (const auto& container = retention.container) {
    sentences.push_back(fmt::format(
        "The container that grows: what comes from {} holds {} of such blocks after {} {}s, and {} after {}.",
        place_of(report, *container->holder.site), container->before, container->before_iteration,
        step_label(report), container->after, container->after_iteration));
  }
  return sentences;
}

}  // namespace leakhunt::reports
