/*
 * What the terminal can do. The module "dam.terminal", which the standard library finds only in the
 * program damlua, has columns(), lines() and graphics(): "kitty" or "sixel" when the terminal says
 * that it draws pictures sent that way, else nil. The terminal is asked once, when a picture is
 * first wanted; keys typed ahead meanwhile are handed to the editor.
 */
#ifndef DAM_HOST_TERMINAL_H
#define DAM_HOST_TERMINAL_H

#include <stdbool.h>

#include <lua.h>

/* Whether both input and output are the terminal. */
bool dam_terminal_is(void);

/* Its width; 79 where it is not known. */
int dam_terminal_columns(void);

/* A key that was typed while the terminal was asked, each once; -1 when there are no more. */
int dam_terminal_next_key(void);

/* Makes `require "dam.terminal"` work. */
void dam_terminal_install(lua_State *L);

#endif
