/*
** Functions of the module that turn text into values and back. module.c
** puts them into the table of pexec.core, under their names without
** "pexec__". No state, no libuv; they run on the thread that calls into Lua.
**
** Marked as in Lua's manual: [-o, +p, x], what a function pops, what it
** pushes, and whether it may raise. 'm': memory errors only; 'v': as said.
*/

#ifndef PEXEC_BINDING_VALUES_H
#define PEXEC_BINDING_VALUES_H

#include <lua.h>

/* [-0, +(1|2), v] duration_parse(text or seconds) -> seconds | nil, reason.
   Seconds are an integer where they are whole, and are rounded to what text
   can carry. Raises for another type. */
int pexec__duration_parse (lua_State *L);

/* [-0, +1, v] duration_format(seconds) -> text in Go's form. Raises for what
   is no duration. */
int pexec__duration_format (lua_State *L);

/* [-0, +(1|2), v] signal_parse(name or number) -> number | nil, reason.
   Raises for another type. */
int pexec__signal_parse (lua_State *L);

/* [-0, +1, v] signal_name(number) -> name, or nil where there is no such
   signal. Raises for what is no integer. */
int pexec__signal_name (lua_State *L);

/* [-0, +(1|2), v] json_decode(text) -> value | nil, message. An array is a
   table that json_type tells from an object. An object holds its members
   under their names, and under 1, 2, 3, … their names, each once, in the
   order in which they first appear; of equal names the last member counts.
   Numbers are floats. Raises for what is no string. */
int pexec__json_decode (lua_State *L);

/* [-0, +1, v] json_type(value) -> "null", "boolean", "number", "string",
   "array" or "object", of a value from json_decode. Raises without an
   argument. */
int pexec__json_type (lua_State *L);

/* [-0, +1, v] json_encode(members) -> text of an object. Members are given in
   their order as { name, value }, where a value is nil, a boolean, a string,
   members in their turn, or an array of values; what is empty is an array.
   Raises for others and for what is not UTF-8. */
int pexec__json_encode (lua_State *L);

/* [-0, +1, -] Pushes what stands for null in decoded text: core.null. */
void pexec__json_push_null (lua_State *L);

#endif
