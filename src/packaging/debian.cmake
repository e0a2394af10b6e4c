# lua-pexec and lua-pexec-dev, made by `cmake --build build --target package`
# in a build that is configured with -DCMAKE_INSTALL_PREFIX=/usr: then the
# directories are those of Debian's policies, of Lua modules and of multiarch.

if(NOT PROJECT_IS_TOP_LEVEL OR NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  return()
endif()

foreach(package lua-pexec lua-pexec-dev)
  set(part runtime)
  if(package MATCHES "-dev$")
    set(part development)
  endif()
  install(FILES LICENSE DESTINATION share/doc/${package} RENAME copyright
    COMPONENT ${part})
  install(FILES CHANGELOG.md DESTINATION share/doc/${package}
    COMPONENT ${part})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "The pexec authors <pexec@localhost>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME lua-pexec)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION interpreters)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_PROVIDES lua5.4-pexec)
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION
  "process manager in a library, for Lua 5.4
pexec starts programs, keeps them up, reads their output and stops them. A Lua
function, or a C program, decides what follows a death. This package has the
module for Lua 5.4, and the library that C programs load.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME lua-pexec-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_PROVIDES lua5.4-pexec-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "lua-pexec (= ${PROJECT_VERSION}), libuv1-dev, zlib1g-dev, libjansson-dev")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION
  "process manager in a library (development files)
pexec starts programs, keeps them up, reads their output and stops them. This
package has what it takes to build C programs with it: headers, a static
library, and descriptions for pkg-config and CMake.")

include(CPack)
