# What the specs need: the helper programs, and a program of each
# spec/core/*_test.c. Included by CMakeLists.txt.

pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
include(spec/support/seams.cmake)

# The child that the specs start.
program(spec_child spec spec/support/child.c spec/support/child_say.c)
set_target_properties(spec_child PROPERTIES OUTPUT_NAME child)
target_link_libraries(spec_child PRIVATE pexec_strict)

# What runs a program on a kernel that has less.
program(spec_restrict spec spec/support/restrict.c)
set_target_properties(spec_restrict PROPERTIES OUTPUT_NAME restrict)
target_link_libraries(spec_restrict PRIVATE pexec_strict)

# The interpreter that runs them, with the sanitizer in it, where there is.
program(spec_host spec spec/support/host.c)
set_target_properties(spec_host PROPERTIES OUTPUT_NAME host)
target_link_libraries(spec_host PRIVATE pexec_flags PkgConfig::LUA)

# What specs and harness need of the system, as Lua modules.
foreach(name probe host_state states)
  add_library(spec_${name} MODULE spec/support/${name}.c)
  target_include_directories(spec_${name} PRIVATE ${LUA_INCLUDE_DIRS})
  target_link_libraries(spec_${name} PRIVATE pexec_flags)
  set_target_properties(spec_${name} PROPERTIES OUTPUT_NAME ${name} PREFIX ""
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/spec)
endforeach()

# What C specs are compiled with; TARGET is one, or a library of objects.
function(compile_as_core_spec target)
  target_include_directories(${target} PRIVATE src/core src spec/core)
  target_link_libraries(${target} PRIVATE pexec_flags PkgConfig::CMOCKA
    PkgConfig::UV PkgConfig::ZLIB)
endfunction()

# Compiled once for all the specs that share them.
function(shared_objects name)
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${ARGN})
  compile_as_core_spec(${name})
endfunction()

function(core_spec source)
  cmake_path(GET source STEM name)
  seam_objects(${source} "$<TARGET_OBJECTS:spec_fakes>"
    "$<TARGET_OBJECTS:spec_reals>" objects)
  if(NOT objects)
    message(WARNING "${source}: a file of its seam is missing: left out")
    return()
  endif()
  program(${name} spec ${source} ${objects})
  compile_as_core_spec(${name})
endfunction()

sources(core_specs spec/core/*_test.c)
sources(core_fakes spec/core/fake_*.c)
sources(core_reals spec/core/real_*.c)
if(NOT CMOCKA_FOUND)
  message(WARNING "cmocka was not found: the C specs are left out")
elseif(TARGET pexec_core)
  shared_objects(spec_fakes ${core_fakes})
  shared_objects(spec_reals ${core_reals})
  foreach(source IN LISTS core_specs)
    core_spec(${source})
  endforeach()
endif()
