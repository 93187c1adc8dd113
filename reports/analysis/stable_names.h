// stable_names: names of functions as they stay when a program is built again.
#pragma once

#include <string>
#include <string_view>

namespace leakhunt::reports {

// "ns::run(int)::{lambda(int)#2}::operator()(int) const [clone .isra.0]" without what a compiler numbers or
// hashes: "ns::run(int)::{lambda(int)}::operator()(int) const".
std::string stable_name(std::string_view function);

// The same without the arguments of templates and functions: "ns::Type::member".
std::string loose_name(std::string_view function);

}  // namespace leakhunt::reports
