# Writes C with the text of Lua files in it:
#   cmake -DDIRECTORY=lua -DOUTPUT=parts.c -P parts.cmake
# What it writes depends on their names below DIRECTORY and on what is in them,
# and on nothing else.

file(GLOB_RECURSE paths RELATIVE ${DIRECTORY} ${DIRECTORY}/*.lua)
list(SORT paths COMPARE STRING)
list(REMOVE_ITEM paths pexec/init.lua pexec/meta.lua)  # that is no code
list(PREPEND paths pexec/init.lua)

# name_of(PATH OUT): what `require` calls it.
function(name_of path out)
  string(REGEX REPLACE "(/init)?[.]lua$" "" name ${path})
  string(REPLACE "/" "." name ${name})
  set(${out} ${name} PARENT_SCOPE)
endfunction()

set(texts "")
set(rows "")
set(number 0)
foreach(path IN LISTS paths)
  file(READ ${DIRECTORY}/${path} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(REPLACE "0x0a," "0x0a,\n" bytes "${bytes}")
  name_of(${path} name)
  string(APPEND texts
    "static const unsigned char text_${number}[] = {\n${bytes}};\n\n")
  string(APPEND rows
    "  { \"${name}\", \"@${path}\", text_${number}, sizeof text_${number} },\n")
  math(EXPR number "${number} + 1")
endforeach()

file(WRITE ${OUTPUT} "/* Made by parts.cmake of lua/. */

#include \"parts.h\"

${texts}const struct pexec__part pexec__parts[] = {
${rows}};

const size_t pexec__part_count = ${number};
")
