# leakhunt_add_memory_test(target ...): a ctest test that runs a program under leakhunt and fails when it leaks, breaks a
# budget, or costs more than its baseline. For any project:
#
#   include(/path/to/leakhunt/cmake/LeakhuntMemoryTest.cmake)
#   enable_testing()
#   leakhunt_add_memory_test(my_tests ARGS --gtest_repeat=30)
#
#   NAME name        of the test; default: memory.<target>
#   ARGS a b ...     the program's arguments
#   BASELINE file    what it may cost (leakhunt baseline accept); not compared without one
#   CONFIG file      budgets, limits and suppressions; default: the leakhunt.toml of the project, if there is one
#   MAX_GROWTH 0B    growth per iteration that is still a pass; default: 0B
#   BUDGET 5GB       ceiling of resident memory
#   OPTIONS a b ...  more options of `leakhunt run`: --iteration-regex '^epoch'
#   TIMEOUT seconds  default: 600
#
# Recording and reports, junit.xml among them, are in <build>/leakhunt/<name>. An inconclusive run fails, too (status 4):
# a gate that cannot tell is no pass.
set(LEAKHUNT_ROOT "${CMAKE_CURRENT_LIST_DIR}/.." CACHE PATH "Where leakhunt is: for its headers, and its command")
find_program(LEAKHUNT_COMMAND leakhunt
  HINTS "${LEAKHUNT_ROOT}/bin" "${LEAKHUNT_ROOT}/build/release/bin"
  DOC "The command leakhunt")

function(leakhunt_add_memory_test target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "NAME;BASELINE;CONFIG;MAX_GROWTH;BUDGET;TIMEOUT" "ARGS;OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "leakhunt_add_memory_test(${target}): unknown argument ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT TARGET ${target})
    message(FATAL_ERROR "leakhunt_add_memory_test(${target}): there is no such target; call it behind add_executable")
  endif()
  if(NOT LEAKHUNT_COMMAND)
    message(FATAL_ERROR "leakhunt_add_memory_test(${target}): the command leakhunt was not found; "
                        "build it, or set -DLEAKHUNT_COMMAND=/path/to/leakhunt")
  endif()
  if(NOT arg_NAME)
    set(arg_NAME memory.${target})
  endif()
  if(NOT DEFINED arg_MAX_GROWTH)
    set(arg_MAX_GROWTH 0B)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)
  endif()
  set(options --max-growth ${arg_MAX_GROWTH} ${arg_OPTIONS})
  if(arg_BUDGET)
    list(APPEND options --budget ${arg_BUDGET})
  endif()
  foreach(file IN ITEMS BASELINE CONFIG)
    if(arg_${file})
      cmake_path(ABSOLUTE_PATH arg_${file} BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
      string(TOLOWER ${file} option)
      list(APPEND options --${option} ${arg_${file}})
    endif()
  endforeach()
  add_test(NAME ${arg_NAME}
    COMMAND ${LEAKHUNT_COMMAND} run --out ${CMAKE_BINARY_DIR}/leakhunt/${arg_NAME} ${options}
      -- $<TARGET_FILE:${target}> ${arg_ARGS}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    COMMAND_EXPAND_LISTS)
  set_tests_properties(${arg_NAME} PROPERTIES LABELS memory TIMEOUT ${arg_TIMEOUT})
endfunction()
