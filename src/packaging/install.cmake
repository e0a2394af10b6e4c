# What is installed, and how C programs find it. Included by CMakeLists.txt.
#
# Each file belongs to one of two parts: `runtime`, what Lua programs need, and
# C programs when they run; `development`, what it takes to build those.

include(CMakePackageConfigHelpers)

set(PEXEC_PACKAGING ${CMAKE_CURRENT_LIST_DIR})
set(PEXEC_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/pexec)
set(PEXEC_PC_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# While the first number is 0 the second one tells of changes in the interface.
set(PEXEC_SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

# A static libuv may be a module of its own, as Debian's is.
pkg_check_modules(UV_STATIC QUIET libuv-static)
set(PEXEC_UV_STATIC libuv)
if(UV_STATIC_FOUND)
  set(PEXEC_UV_STATIC libuv-static)
endif()

# from_prefix(OUT DIRECTORY): as a .pc file writes a directory below prefix,
# or elsewhere.
function(from_prefix out directory)
  cmake_path(IS_ABSOLUTE directory is_absolute)
  if(NOT is_absolute)
    string(PREPEND directory "\${prefix}/")
  endif()
  set(${out} "${directory}" PARENT_SCOPE)
endfunction()

# The way from the .pc file to the prefix, so that the tree can be moved.
function(prefix_of_pc out)
  cmake_path(IS_ABSOLUTE CMAKE_INSTALL_LIBDIR is_absolute)
  if(is_absolute)
    set(${out} ${CMAKE_INSTALL_PREFIX} PARENT_SCOPE)
    return()
  endif()
  file(RELATIVE_PATH up /${PEXEC_PC_DIR} /)
  cmake_path(SET up NORMALIZE ${up}/.)
  string(REGEX REPLACE "/$" "" up "${up}")
  set(${out} "\${pcfiledir}/${up}" PARENT_SCOPE)
endfunction()

# write_pc(NAME): from the caller's library_...
function(write_pc name)
  prefix_of_pc(prefix)
  from_prefix(libdir "${CMAKE_INSTALL_LIBDIR}")
  from_prefix(includedir "${CMAKE_INSTALL_INCLUDEDIR}")
  list(JOIN library_REQUIRES ", " requires)
  list(JOIN library_MODULES ", " private)
  set(file ${PROJECT_BINARY_DIR}/packaging/${name}.pc)
  configure_file(${PEXEC_PACKAGING}/library.pc.in ${file} @ONLY)
  install(FILES ${file} DESTINATION ${PEXEC_PC_DIR} COMPONENT development)
endfunction()

# What a program with the static library is linked with: modules of pkg-config
# and threads. The package's configuration looks for the same.
function(link_static target)
  foreach(module IN LISTS library_MODULES)
    pkg_check_modules(PEXEC_${module} REQUIRED QUIET IMPORTED_TARGET GLOBAL
      ${module})
    target_link_libraries(${target} INTERFACE PkgConfig::PEXEC_${module})
  endforeach()
  target_link_libraries(${target} INTERFACE Threads::Threads)
  set_property(DIRECTORY APPEND PROPERTY pexec_modules ${library_MODULES})
endfunction()

# install_library(TARGET NAME DESCRIPTION text
#                 MODULES module... [REQUIRES module...])
#
# Installs TARGET as libNAME.so, TARGET_static as libNAME.a, and NAME.pc;
# CMake has them as pexec::TARGET and pexec::TARGET_static. MODULES, of
# pkg-config, are what a static link takes besides; REQUIRES, what each
# program is linked with that uses the library.
function(install_library target name)
  cmake_parse_arguments(library "" DESCRIPTION "MODULES;REQUIRES" ${ARGN})
  set_target_properties(${target} ${target}_static PROPERTIES
    LINKER_LANGUAGE C OUTPUT_NAME ${name})
  set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION}
    SOVERSION ${PEXEC_SOVERSION})
  foreach(each ${target} ${target}_static)
    add_library(pexec::${each} ALIAS ${each})
    target_include_directories(${each} INTERFACE
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
      $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  endforeach()
  link_static(${target}_static)
  write_pc(${name})
  install(TARGETS ${target} EXPORT pexec-targets LIBRARY COMPONENT runtime
    NAMELINK_COMPONENT development)
  install(TARGETS ${target}_static EXPORT pexec-static-targets
    ARCHIVE COMPONENT development)
endfunction()

# After all install_library.
function(install_package)
  get_property(modules DIRECTORY PROPERTY pexec_modules)
  list(REMOVE_DUPLICATES modules)
  list(JOIN modules " " modules)
  set(made ${PROJECT_BINARY_DIR}/packaging)
  configure_package_config_file(${PEXEC_PACKAGING}/config.cmake.in
    ${made}/pexec-config.cmake INSTALL_DESTINATION ${PEXEC_CMAKE_DIR}
    NO_SET_AND_CHECK_MACRO)
  write_basic_package_version_file(${made}/pexec-config-version.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${made}/pexec-config.cmake ${made}/pexec-config-version.cmake
    DESTINATION ${PEXEC_CMAKE_DIR} COMPONENT development)
  foreach(export pexec-targets pexec-static-targets)
    install(EXPORT ${export} NAMESPACE pexec:: DESTINATION ${PEXEC_CMAKE_DIR}
      COMPONENT development)
  endforeach()
  install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    COMPONENT development FILES_MATCHING PATTERN *.h)
endfunction()

# What the last `cmake --install` has written down goes again.
if(PROJECT_IS_TOP_LEVEL)
  add_custom_target(uninstall COMMAND ${CMAKE_COMMAND}
    -P ${PEXEC_PACKAGING}/uninstall.cmake
    WORKING_DIRECTORY ${PROJECT_BINARY_DIR} VERBATIM)
endif()
