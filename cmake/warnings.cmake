# Warnings are errors, in every room. Under a sanitizer gcc warns of paths that it made up itself (bug 105562 and its
# like), so there they are only printed: the release build has judged the same sources.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(NOT LEAKHUNT_SANITIZE)
  add_compile_options(-Werror)
endif()
# Frame pointers everywhere: our own programs are the first subjects, and a stack costs least through them.
add_compile_options(-fno-omit-frame-pointer -mno-omit-leaf-frame-pointer)
