# Removes what the last `cmake --install` has put where, as install_manifest.txt
# lists it; below DESTDIR, if that is set. Run in the build directory. Of
# directories those go that are pexec's own, once they are empty.

set(list install_manifest.txt)
if(NOT EXISTS ${CMAKE_BINARY_DIR}/${list})
  message(FATAL_ERROR "nothing to uninstall: there is no ${list} in "
    "${CMAKE_BINARY_DIR}; `cmake --install` writes it")
endif()

file(STRINGS ${list} files)
foreach(file IN LISTS files)
  set(path "$ENV{DESTDIR}${file}")
  if(EXISTS "${path}" OR IS_SYMLINK "${path}")
    message(STATUS "Removing: ${path}")
    file(REMOVE "${path}")
  else()
    message(STATUS "Not there: ${path}")
  endif()
  cmake_path(GET path PARENT_PATH directory)
  if(directory MATCHES "/pexec$" AND IS_DIRECTORY "${directory}")
    execute_process(COMMAND rmdir --ignore-fail-on-non-empty "${directory}")
  endif()
endforeach()
file(REMOVE ${list})
