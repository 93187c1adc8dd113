# The page of report.html: npm's packages and a bundler make one file of reports/formats/html.
#
#   include(cmake/html_page.cmake)           leakhunt_html_page(OUTPUT) declares how OUTPUT is made
#   cmake -D... -P cmake/html_page.cmake     makes it
#
# The work is done once for all build directories of a checkout, in build/html. Where it cannot be done (no node, no
# npm, no registry) the build goes on: OUTPUT then says "missing: " and why, and so does `--format html`. Configuring
# again tries again.
set(LEAKHUNT_PAGE_SOURCE ${CMAKE_CURRENT_LIST_DIR}/../reports/formats/html)

function(leakhunt_html_page output)
  find_program(LEAKHUNT_NODE NAMES node nodejs)
  find_program(LEAKHUNT_NPM NAMES npm)
  file(GLOB inputs CONFIGURE_DEPENDS ${LEAKHUNT_PAGE_SOURCE}/src/* ${LEAKHUNT_PAGE_SOURCE}/*.json
    ${LEAKHUNT_PAGE_SOURCE}/build.mjs)
  if(EXISTS ${output})
    file(READ ${output} beginning LIMIT 9)
    if(beginning STREQUAL "missing: ")
      file(REMOVE ${output})
    endif()
  endif()
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DWORK=${CMAKE_SOURCE_DIR}/build/html -DNODE=${LEAKHUNT_NODE}
      -DNPM=${LEAKHUNT_NPM} -P ${CMAKE_SOURCE_DIR}/cmake/html_page.cmake
    DEPENDS ${inputs} ${CMAKE_SOURCE_DIR}/cmake/html_page.cmake
    COMMENT "Building the page of report.html"
    VERBATIM)
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE)
  return()
endif()

# --- makes it ------------------------------------------------------------------------------------------------------

function(go_without why)
  message(WARNING "leakhunt is built without report.html: ${why}")
  file(WRITE ${OUTPUT} "missing: ${why}\n")
endfunction()

# Sets `result` to a hash of the names and contents of the files.
function(hash_of result)
  set(hashes "")
  foreach(file IN LISTS ARGN)
    file(SHA256 ${file} hash)
    get_filename_component(name ${file} NAME)
    string(APPEND hashes "${name} ${hash}\n")
  endforeach()
  string(SHA256 hash "${hashes}")
  set(${result} ${hash} PARENT_SCOPE)
endfunction()

function(read_if_there result file)
  set(${result} "" PARENT_SCOPE)
  if(EXISTS ${file})
    file(READ ${file} text)
    set(${result} "${text}" PARENT_SCOPE)
  endif()
endfunction()

# install_packages(option...): fills ${WORK}/node_modules with what the lock file in ${PACKAGES} names; sets `problem`
# where that fails.
function(install_packages)
  set(problem "" PARENT_SCOPE)
  set(lists ${PACKAGES}/package.json ${PACKAGES}/package-lock.json)
  hash_of(wanted ${lists})
  read_if_there(installed ${WORK}/installed)
  if(installed STREQUAL wanted)
    return()
  endif()
  file(COPY ${lists} DESTINATION ${WORK})
  execute_process(
    COMMAND ${NPM} ci ${ARGN} --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000
    WORKING_DIRECTORY ${WORK} TIMEOUT 240 RESULT_VARIABLE status OUTPUT_FILE ${WORK}/npm.log ERROR_FILE ${WORK}/npm.log)
  if(NOT status EQUAL 0)
    get_filename_component(folder ${WORK} NAME)
    set(problem "npm could not install its packages (no network?); build/${folder}/npm.log says why; configure and build again"
      PARENT_SCOPE)
    return()
  endif()
  file(WRITE ${WORK}/installed ${wanted})
endfunction()

function(build_page)
  if(NOT NODE OR NOT NPM)
    go_without("node or npm is missing; install both (apt-get install nodejs npm) and build again")
    return()
  endif()
  file(GLOB inputs ${LEAKHUNT_PAGE_SOURCE}/src/* ${LEAKHUNT_PAGE_SOURCE}/*.json ${LEAKHUNT_PAGE_SOURCE}/build.mjs)
  hash_of(wanted ${inputs})
  read_if_there(built ${WORK}/built)
  if(NOT built STREQUAL wanted OR NOT EXISTS ${WORK}/page.html)
    install_packages(--omit=dev)
    if(problem)
      go_without("${problem}")
      return()
    endif()
    file(REMOVE_RECURSE ${WORK}/src)
    file(COPY ${LEAKHUNT_PAGE_SOURCE}/src ${LEAKHUNT_PAGE_SOURCE}/build.mjs ${LEAKHUNT_PAGE_SOURCE}/tsconfig.json
      DESTINATION ${WORK})
    execute_process(COMMAND ${NODE} build.mjs WORKING_DIRECTORY ${WORK} RESULT_VARIABLE status)
    if(NOT status EQUAL 0)  # an error of ours, not of the machine
      message(FATAL_ERROR "the page of report.html could not be bundled")
    endif()
    file(WRITE ${WORK}/built ${wanted})
  endif()
  file(COPY_FILE ${WORK}/page.html ${OUTPUT})
endfunction()

if(NOT PACKAGES)
  set(PACKAGES ${LEAKHUNT_PAGE_SOURCE})
endif()
file(MAKE_DIRECTORY ${WORK})
file(LOCK ${WORK}/lock TIMEOUT 600)
if(MODULES_ONLY)  # for the tests: with what drives a browser
  set(problem "node or npm is missing")
  if(NODE AND NPM)
    install_packages()
  endif()
  file(WRITE ${OUTPUT} "${problem}\n")
else()
  build_page()
endif()
