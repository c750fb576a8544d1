/*
 * Running Lua under protection, and telling users what went wrong: the message first, with the name
 * that was meant where one was misspelt, then where in their own code it happened. Frames of C
 * functions and of the embedded standard library are shown only on request. Any value can be raised
 * in Lua, so any value can be reported.
 */
#ifndef DAM_HOST_REPORT_H
#define DAM_HOST_REPORT_H

#include <stdbool.h>

#include <lua.h>

/* Whether reports show every frame. */
void dam_report_all_frames(bool all);

/*
 * The function that runs (as lua_topointer gives it) is a main chunk although Lua does not know it.
 * `on_error` is called when an error is reported, with the stack as the error left it; it must not
 * raise. NULL, NULL: no such function.
 */
void dam_report_chunk(const void *function, void (*on_error)(lua_State *L));

/* The number of levels of the stack. */
int dam_report_levels(lua_State *L);

/*
 * lua_pcall of the function under `arguments` values. When it fails, the text of the report is on
 * the stack instead of the results.
 */
int dam_report_call(lua_State *L, int arguments, int results);

/* Pops a report and prints it on standard error, after `program` and a colon unless it is NULL. */
void dam_report_print(lua_State *L, const char *program);

#endif
