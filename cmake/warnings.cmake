# Warnings are errors, in every room.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
# Frame pointers everywhere: our own programs are the first subjects, and a stack costs least through them.
add_compile_options(-fno-omit-frame-pointer -mno-omit-leaf-frame-pointer)
if(LEAKHUNT_SANITIZE)
  add_compile_options(-fsanitize=${LEAKHUNT_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LEAKHUNT_SANITIZE})
endif()
