# LEAKHUNT_SANITIZE: one value for the whole build. Line tables are enough for its messages, and build in half the time.
set(CMAKE_CXX_FLAGS_SANITIZED "-O1 -g1")
set(CMAKE_C_FLAGS_SANITIZED "-O1 -g1")
if(LEAKHUNT_SANITIZE)
  add_compile_options(-fsanitize=${LEAKHUNT_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LEAKHUNT_SANITIZE})
endif()
