// Members as a reader would call them.
#include "reports/formats/member_names.h"

#include <gtest/gtest.h>

namespace leakhunt::reports {
namespace {

TEST(MemberNames, OfAPathLeaveOutHowContainersAreMade) {
  EXPECT_EQ(readable_path("next"), "next");
  EXPECT_EQ(readable_path("list.first"), "list.first");
  EXPECT_EQ(readable_path("slots[3].value"), "slots[3].value");
  EXPECT_EQ(readable_path("names._M_t._M_impl._M_header._M_left"), "names");
  EXPECT_EQ(readable_path("_M_storage._M_storage.second._M_t._M_t._M_head_impl"), "second");
  EXPECT_EQ(readable_path("_M_dataplus._M_p"), "");
  EXPECT_EQ(readable_path(""), "");
}

TEST(MemberNames, OfTheProgramsOwnTypesStay) {
  EXPECT_EQ(readable_member("Arena::Chunk", "next"), "Arena::Chunk::next");
  EXPECT_EQ(readable_member("Server", "names._M_t._M_impl"), "Server::names");
  EXPECT_EQ(readable_member(
                "Pair<int, std::basic_string<char, std::char_traits<char>, std::allocator<char> > >", "a"),
            "Pair<…>::a");
}

TEST(MemberNames, OfNodesOfContainersSayWhichContainer) {
  EXPECT_EQ(readable_member("_Rb_tree_node<std::pair<int const, T> >", "_M_storage._M_storage.second.text"),
            "second.text of a node of a std::map or _set");
  EXPECT_EQ(readable_member("_Hash_node<int, false>", "_M_nxt"),
            "next of a node of a std::unordered_map or _set");
  EXPECT_EQ(readable_member("_List_node<T>", "_M_storage._M_storage"), "a node of a std::list");
  EXPECT_EQ(
      readable_member("basic_string<char, std::char_traits<char>, std::allocator<char> >", "_M_dataplus"),
      "a std::string");
}

TEST(MemberNames, OfWhatIsSharedNameTheObject) {
  EXPECT_EQ(readable_member(
                "_Sp_counted_ptr_inplace<Widget<int, 2>, std::allocator<void>, (__gnu_cxx::_Lock_policy)2>",
                "_M_impl._M_storage._M_storage.child._M_ptr"),
            "Widget<int, 2>::child");
}

}  // namespace
}  // namespace leakhunt::reports
