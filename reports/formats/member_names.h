// member_names: members of structures as their authors would call them. Debug information tells the insides
// of the standard library ("_Rb_tree_node<...>::_M_storage._M_storage"), which say less to a reader than "a
// node of std::map".
#pragma once

#include <string>
#include <string_view>

namespace leakhunt::reports {

// "names._M_t._M_impl._M_header._M_left" is "names": what comes after or between is how it is made. "" when
// nothing else is left.
std::string readable_path(std::string_view path);

// "Node::next", "second of a node of std::map", "a std::string".
std::string readable_member(std::string_view type, std::string_view member);

}  // namespace leakhunt::reports
