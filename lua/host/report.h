/*
 * Running Lua under protection, and telling users what went wrong: the message first, then where in
 * their own code it happened. Frames of C functions and of the embedded standard library are shown
 * only on request. Any value can be raised in Lua, so any value can be reported.
 */
#ifndef DAM_HOST_REPORT_H
#define DAM_HOST_REPORT_H

#include <stdbool.h>

#include <lua.h>

/* Whether reports show every frame. */
void dam_report_all_frames(bool all);

/*
 * lua_pcall of the function under `arguments` values. When it fails, the text of the report is on
 * the stack instead of the results.
 */
int dam_report_call(lua_State *L, int arguments, int results);

/* Pops a report and prints it on standard error, after `program` and a colon unless it is NULL. */
void dam_report_print(lua_State *L, const char *program);

#endif
