// second_opinion: the same program under another tool: massif, memcheck or heaptrack. Their files are read
// elsewhere; here they are run, watched, and stopped when they take too long.
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "scenarios/runner/progress.h"
#include "scenarios/runner/signal_watch.h"

namespace leakhunt::runner {

enum class Peer { kHeaptrack, kMassif, kMemcheck };
inline constexpr std::array<Peer, 3> kPeers = {Peer::kHeaptrack, Peer::kMassif, Peer::kMemcheck};

std::string_view to_string(Peer peer);  // "heaptrack", "massif", "memcheck"

struct PeerOrder {
  Peer peer{};
  std::filesystem::path program;                   // absolute
  std::vector<std::string> arguments;              // behind the program
  std::map<std::string, std::string> environment;  // over our own
  std::filesystem::path directory;                 // for its file, and the log of both; it exists
  std::chrono::nanoseconds timeout{};
  std::string name;  // shown in the progress
  ProgressStyle progress = ProgressStyle::kNone;
};

struct PeerRun {
  std::string why_not;         // it has no result: a sentence; empty: it has
  std::filesystem::path file;  // what the tool wrote
  std::chrono::nanoseconds wall{};
  int interrupted_by = 0;  // a signal that was meant for the command
};

// Returns when the tool has ended and is reaped, with all that it started killed if it had to be stopped. A
// tool that is not installed, fails or takes too long is no error of ours: why_not says it.
PeerRun ask(const PeerOrder& order, SignalWatch& signals);

}  // namespace leakhunt::runner
