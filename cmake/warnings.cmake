# Warnings are errors, in every room. Under a sanitizer gcc warns of paths that it made up itself (bug 105562 and its
# like), so there they are only printed: the release build has judged the same sources.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(NOT LEAKHUNT_SANITIZE)
  add_compile_options(-Werror)
endif()
# std::string's own code at -O3 (gcc bug 105651): it does not copy half the address space over itself.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
# Frame pointers everywhere: our own programs are the first subjects, and a stack costs least through them.
add_compile_options(-fno-omit-frame-pointer -mno-omit-leaf-frame-pointer)
