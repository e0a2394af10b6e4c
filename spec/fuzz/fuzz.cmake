# The fuzz targets, one of each spec/fuzz/*.c, in build/fuzz: for spec/fuzz/run,
# which builds with clang. Included by CMakeLists.txt.
#
# A target's seam line says what it is linked with, as a spec's does; `lua`
# stands for the whole module, real, with its Lua parts in it.

include(spec/support/seams.cmake)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

add_custom_target(fuzz)

# Only the fake seam's own files need cmocka's assertions; outside of a test
# they exit, which libFuzzer takes for a finding.
function(fuzz_target source fakes)
  cmake_path(GET source STEM name)
  seam_of(${source} seam)
  if(seam STREQUAL "lua")
    set(objects $<TARGET_OBJECTS:pexec_core> $<TARGET_OBJECTS:pexec_binding>
      $<TARGET_OBJECTS:pexec_embedded>)
  else()
    seam_objects(${source} "${fakes}" "" objects)
  endif()
  program(fuzz_${name} fuzz ${source} ${objects})
  set_target_properties(fuzz_${name} PROPERTIES OUTPUT_NAME ${name}
    EXCLUDE_FROM_ALL ON)
  target_include_directories(fuzz_${name} PRIVATE spec/fuzz spec/core src/core
    src ${LUA_INCLUDE_DIRS})
  target_compile_definitions(fuzz_${name} PRIVATE
    FUZZ_ROOT="${PROJECT_SOURCE_DIR}")
  target_link_libraries(fuzz_${name} PRIVATE pexec_flags PkgConfig::CMOCKA
    PkgConfig::UV PkgConfig::ZLIB)
  if(seam STREQUAL "lua")
    target_link_libraries(fuzz_${name} PRIVATE PkgConfig::LUA
      PkgConfig::JANSSON)
  elseif(seam STREQUAL "fake")
    target_link_options(fuzz_${name} PRIVATE LINKER:--wrap=pexec__machine_step)
  endif()
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzz fuzz_${name})
endfunction()

sources(fuzz_sources spec/fuzz/*.c)
sources(fuzz_fakes spec/core/fake_*.c)
foreach(source IN LISTS fuzz_sources)
  fuzz_target(${source} "${fuzz_fakes}")
endforeach()
