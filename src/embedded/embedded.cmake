# libpexec-lua: the module for C hosts with a lua_State, its Lua parts in it.
# Included by CMakeLists.txt.
#
# It is the binding on top of libpexec, which it links: a host that uses both
# has one core, one allocator and one table of caught signals. It takes Lua
# from the host, whichever way that has it, and stays mapped when a state or a
# plugin is closed: its threads may be the last to go.

set(PEXEC_EMBEDDED ${CMAKE_CURRENT_LIST_DIR})
set(parts ${PROJECT_BINARY_DIR}/embedded/parts.c)
sources(lua_sources lua/pexec/*.lua)
add_custom_command(OUTPUT ${parts}
  COMMAND ${CMAKE_COMMAND} -DDIRECTORY=${PROJECT_SOURCE_DIR}/lua
    -DOUTPUT=${parts} -P ${PEXEC_EMBEDDED}/parts.cmake
  DEPENDS ${lua_sources} ${PEXEC_EMBEDDED}/parts.cmake VERBATIM)

add_library(pexec_embedded OBJECT ${PEXEC_EMBEDDED}/embedded.c ${parts})
target_include_directories(pexec_embedded PRIVATE ${LUA_INCLUDE_DIRS}
  ${PEXEC_EMBEDDED} ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(pexec_embedded PRIVATE pexec_flags)

set(objects $<TARGET_OBJECTS:pexec_binding> $<TARGET_OBJECTS:pexec_embedded>)
add_library(pexec_lua SHARED ${objects})
target_link_libraries(pexec_lua PRIVATE pexec_flags PkgConfig::JANSSON
  PUBLIC pexec)
target_link_options(pexec_lua PRIVATE LINKER:-z,nodelete
  LINKER:--version-script=${exports})
# It finds libpexec beside it, wherever the build is.
set_target_properties(pexec_lua PROPERTIES LINK_DEPENDS ${exports}
  BUILD_RPATH_USE_ORIGIN ON)
add_library(pexec_lua_static STATIC ${objects})
target_link_libraries(pexec_lua_static INTERFACE pexec_static)

install_library(pexec_lua pexec-lua
  DESCRIPTION "pexec for C programs with a lua_State"
  MODULES jansson REQUIRES pexec)
