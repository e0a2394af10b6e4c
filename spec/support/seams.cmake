# What a C spec is linked with. Included by those that build such.
#
# A line `** seam: ...` in a test's first comment says what it is linked with;
# `own` may have several:
#   fake             the core without the files that meet the kernel, and
#                    spec/core/fake_*.c in their place
#   own FILE.c ...   those files of the core alone; the rest is the test's
# Without such a line it is the whole core, and spec/core/real_*.c.

# seam_of(SOURCE OUT): what its seam line says; empty where it has none.
function(seam_of source out)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(STRINGS ${source} lines REGEX "^[*][*] seam: ")
  list(TRANSFORM lines REPLACE "^[*][*] seam: +" "")
  list(JOIN lines " " line)
  string(REPLACE " own " " " line "${line}")
  string(STRIP "${line}" line)
  set(${out} "${line}" PARENT_SCOPE)
endfunction()

# core_objects(OUT INCLUDE|EXCLUDE FILE.c...): a part of the core's objects.
function(core_objects out mode)
  list(JOIN ARGN "|" names)
  string(REPLACE "." "[.]" names "${names}")
  set(${out}
    "$<FILTER:$<TARGET_OBJECTS:pexec_core>,${mode},/(${names})[.]o$>"
    PARENT_SCOPE)
endfunction()

# own_objects(SEAM OUT): the objects that `own FILE.c ...` names, or nothing
# where one of those files is not there.
function(own_objects seam out)
  string(REGEX REPLACE "^own +" "" seam "${seam}")
  separate_arguments(files UNIX_COMMAND "${seam}")
  foreach(file IN LISTS files)
    if(NOT EXISTS ${PROJECT_SOURCE_DIR}/src/core/${file})
      set(${out} "" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  core_objects(objects INCLUDE ${files})
  set(${out} "${objects}" PARENT_SCOPE)
endfunction()

# seam_objects(SOURCE FAKES REALS OUT): what the source's seam says that it is
# linked with; empty where a file of it is missing.
function(seam_objects source fakes reals out)
  seam_of(${source} seam)
  if(seam STREQUAL "fake")
    core_objects(objects EXCLUDE sys.c memory.c proc.c loop.c spawner.c
      thread.c writer.c)
    list(APPEND objects ${fakes})
  elseif(seam MATCHES "^own ")
    own_objects("${seam}" objects)
  elseif(seam STREQUAL "")
    set(objects $<TARGET_OBJECTS:pexec_core> ${reals})
  else()
    message(FATAL_ERROR "${source}: unknown seam: ${seam}")
  endif()
  set(${out} "${objects}" PARENT_SCOPE)
endfunction()
