// Why the blocks of some call sites stay: by which way, since whose pointer was overwritten, in which
// container.
#include "reports/analysis/retention.h"

#include <gtest/gtest.h>

#include "tests/reports/hand_made_graph.h"

namespace leakhunt::reports {
namespace {

using recording::GraphReason;
using recording::HeapGraph;
using recording::kNoNode;
using recording::Reach;
using recording::RootKind;
using recording::SiteId;

constexpr SiteId kHolders{0};  // blocks of this site hold those of the other
constexpr SiteId kGrowing{1};

HeapGraph of_sites(HeapGraph graph, const std::vector<SiteId>& sites, uint64_t iteration) {
  for (size_t i = 0; i < sites.size(); ++i) graph.nodes[i].site = sites[i];
  graph.iteration = iteration;
  graph.reason = GraphReason::kGrowth;
  return graph;
}

void lose(HeapGraph& graph, std::initializer_list<size_t> nodes, Reach reach = Reach::kDefinite) {
  for (const size_t node : nodes) graph.nodes[node].reach = reach;
}

recording::Run run_of(std::vector<HeapGraph> graphs) {
  recording::Run run;
  run.sites.resize(3);
  for (HeapGraph& graph : graphs) {
    graph.sites.clear();
    add_site_sums(graph);
  }
  run.graphs = std::move(graphs);
  return run;
}

TEST(Retention, IsNotKnownWithoutAGraphOrWhereNoneSawTheBlocks) {
  EXPECT_FALSE(find_retention(recording::Run(), {kGrowing}));
  const recording::Run run = run_of({of_sites(hand_made_graph({8}, {{kNoNode, 0}}), {kHolders}, 10)});
  EXPECT_FALSE(find_retention(run, {kGrowing}));
  EXPECT_TRUE(find_retention(run, {kHolders}));
}

TEST(Retention, CountsHowTheBlocksAreHeld) {
  HeapGraph graph =
      of_sites(hand_made_graph({8, 16, 32}, {{kNoNode, 0}, {1, 2}}), {kGrowing, kGrowing, kGrowing}, 10);
  lose(graph, {1});
  lose(graph, {2}, Reach::kIndirect);
  const auto retention = find_retention(run_of({graph}), {kGrowing});
  ASSERT_TRUE(retention);
  EXPECT_EQ(retention->mostly, Reach::kIndirect);
  EXPECT_EQ(retention->lost_bytes(), 48u);
  EXPECT_EQ(retention->held[static_cast<size_t>(Reach::kReachable)].bytes, 8u);
  EXPECT_EQ(retention->iteration, 10u);
  EXPECT_FALSE(retention->at_end);
}

// --- ways

TEST(Retention, TheWayLeadsFromDataThoughAStackIsNearer) {
  const HeapGraph graph = of_sites(
      hand_made_graph({64, 8}, {{kNoNode, 1, 0x7ffc, 0, RootKind::kStack}, {kNoNode, 0, 0x100}, {0, 1, 24}}),
      {kHolders, kGrowing}, 10);
  const auto retention = find_retention(run_of({graph}), {kGrowing});
  ASSERT_TRUE(retention);
  ASSERT_EQ(retention->way.size(), 2u);
  EXPECT_EQ(retention->way[0].holder.root, RootKind::kData);
  EXPECT_EQ(retention->way[0].holder.slot, 0x100u);
  EXPECT_EQ(retention->way[1].holder.site, kHolders);
  EXPECT_EQ(retention->way[1].holder.slot, 24u);
  EXPECT_EQ(retention->way_to, kGrowing);
  EXPECT_EQ(retention->retained_bytes, 64u);  // the stack holds the other as well
}

TEST(Retention, OfAListTheStepsThatAreAlikeAreOne) {
  const HeapGraph graph =
      of_sites(hand_made_graph({8, 8, 8, 8}, {{kNoNode, 0, 0x100}, {0, 1, 16}, {1, 2, 16}, {2, 3, 16}}),
               {kHolders, kHolders, kHolders, kGrowing}, 10);
  const auto retention = find_retention(run_of({graph}), {kGrowing});
  ASSERT_TRUE(retention);
  ASSERT_EQ(retention->way.size(), 2u);
  EXPECT_EQ(retention->way[1].blocks, 3u);
  EXPECT_EQ(retention->way[1].holder.slot, 16u);
}

TEST(Retention, TheWayIsThatOfTheBlockThatHasBeenThereForLongest) {
  HeapGraph graph =
      of_sites(hand_made_graph({8, 8}, {{kNoNode, 0, 0x100}, {kNoNode, 1, 0x200}}), {kGrowing, kGrowing}, 10);
  graph.nodes[0].birth = 9;
  graph.nodes[1].birth = 2;
  EXPECT_EQ(find_retention(run_of({graph}), {kGrowing})->way[0].holder.slot, 0x200u);
}

// --- last holders

TEST(Retention, TheLastHolderIsTheSlotThatPointsElsewhereNow) {
  const std::vector<SiteId> sites{kHolders, kGrowing, kGrowing};
  const HeapGraph before =
      of_sites(hand_made_graph({64, 8, 8}, {{kNoNode, 0, 0x100}, {0, 1, 24}}), sites, 10);
  HeapGraph after = of_sites(hand_made_graph({64, 8, 8}, {{kNoNode, 0, 0x100}, {0, 2, 24}}), sites, 11);
  lose(after, {1});
  const auto retention = find_retention(run_of({before, after}), {kGrowing});
  ASSERT_TRUE(retention && retention->last_holder);
  const LastHolder& last = *retention->last_holder;
  EXPECT_EQ(last.holder.site, kHolders);
  EXPECT_EQ(last.holder.slot, 24u);
  EXPECT_EQ(last.seen, 10u);
  EXPECT_EQ(last.gone, 11u);
  EXPECT_EQ(last.now, LastHolder::Now::kOtherBlock);
  EXPECT_EQ(last.other, kGrowing);
  EXPECT_EQ(last.blocks, 1u);
  EXPECT_EQ(last.compared, 1u);
  EXPECT_FALSE(last.through);
}

TEST(Retention, TheLastHolderMayHaveBeenFreedOrLostItself) {
  const std::vector<SiteId> sites{kHolders, kGrowing};
  const HeapGraph before = of_sites(hand_made_graph({64, 8}, {{kNoNode, 0, 0x100}, {0, 1, 24}}), sites, 10);
  HeapGraph gone = of_sites(hand_made_graph({64, 8}, {}), sites, 11);
  lose(gone, {1});
  gone.nodes.erase(gone.nodes.begin());
  EXPECT_EQ(find_retention(run_of({before, gone}), {kGrowing})->last_holder->now,
            LastHolder::Now::kHolderIsGone);

  // Lost with its holder: told of the holder, through which these were lost.
  HeapGraph lost = of_sites(hand_made_graph({64, 8}, {{0, 1, 24}}), sites, 11);
  lose(lost, {0});
  lose(lost, {1}, Reach::kIndirect);
  const auto retention = find_retention(run_of({before, lost}), {kGrowing});
  ASSERT_TRUE(retention && retention->last_holder);
  EXPECT_EQ(retention->last_holder->through, kHolders);
  EXPECT_EQ(retention->last_holder->holder.root, RootKind::kData);
  EXPECT_EQ(retention->last_holder->holder.slot, 0x100u);
}

TEST(Retention, AVariableExplainsBetterThanAStack) {
  const std::vector<SiteId> sites{kGrowing};
  const HeapGraph before = of_sites(
      hand_made_graph({8}, {{kNoNode, 0, 0x7ffc, 0, RootKind::kStack}, {kNoNode, 0, 0x100}}), sites, 10);
  HeapGraph after = of_sites(hand_made_graph({8}, {}), sites, 11);
  lose(after, {0});
  const auto retention = find_retention(run_of({before, after}), {kGrowing});
  ASSERT_TRUE(retention && retention->last_holder);
  EXPECT_EQ(retention->last_holder->holder.root, RootKind::kData);
}

// Another block at the same address is not the one that was held.
TEST(Retention, ABlockThatWasBornAnewIsAnotherOne) {
  const std::vector<SiteId> sites{kGrowing};
  const HeapGraph before = of_sites(hand_made_graph({8}, {{kNoNode, 0, 0x100}}), sites, 10);
  HeapGraph after = of_sites(hand_made_graph({8}, {}), sites, 11);
  lose(after, {0});
  after.nodes[0].birth = 10;
  EXPECT_FALSE(find_retention(run_of({before, after}), {kGrowing})->last_holder);
}

// --- circles

TEST(Retention, ACircleIsToldAndHoldsNobody) {
  const std::vector<SiteId> sites{kGrowing, kGrowing};
  const HeapGraph before =
      of_sites(hand_made_graph({8, 8}, {{kNoNode, 0, 0x7ffc, 0, RootKind::kStack}, {0, 1, 16}, {1, 0, 24}}),
               sites, 10);
  HeapGraph after = of_sites(hand_made_graph({8, 8}, {{0, 1, 16}, {1, 0, 24}}), sites, 11);
  lose(after, {0});
  lose(after, {1}, Reach::kIndirect);
  const auto retention = find_retention(run_of({before, after}), {kGrowing});
  ASSERT_TRUE(retention && retention->circle && retention->last_holder);
  EXPECT_EQ(retention->circle->slot, 24u);
  EXPECT_EQ(retention->last_holder->holder.root, RootKind::kStack);
}

TEST(Retention, AChainIsNoCircle) {
  HeapGraph graph = of_sites(hand_made_graph({8, 8}, {{0, 1, 16}}), {kGrowing, kGrowing}, 11);
  lose(graph, {0});
  lose(graph, {1}, Reach::kIndirect);
  EXPECT_FALSE(find_retention(run_of({graph}), {kGrowing})->circle);
}

// --- containers

TEST(Retention, AContainerIsWhosePointersToSuchBlocksBecomeMore) {
  const std::vector<SiteId> sites{kHolders, kGrowing, kGrowing};
  HeapGraph before = of_sites(hand_made_graph({64, 8, 8}, {{kNoNode, 0, 0x100}, {0, 1, 0}}), sites, 10);
  HeapGraph after =
      of_sites(hand_made_graph({64, 8, 8}, {{kNoNode, 0, 0x100}, {0, 1, 0}, {0, 2, 8}}), sites, 20);
  before.nodes[0].children = 1;
  after.nodes[0].children = 2;
  const auto retention = find_retention(run_of({before, after}), {kGrowing});
  ASSERT_TRUE(retention && retention->container);
  EXPECT_EQ(retention->container->holder.site, kHolders);
  EXPECT_EQ(retention->container->before, 1u);
  EXPECT_EQ(retention->container->after, 2u);
  after.nodes[0].children = 1;
  EXPECT_FALSE(find_retention(run_of({before, after}), {kGrowing})->container);
}

}  // namespace
}  // namespace leakhunt::reports
