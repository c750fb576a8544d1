/*
 * Interruption of the host. A signal (SIGINT, SIGTERM, SIGHUP, or SIGPIPE when it is standard
 * output that broke) raises the engine's interrupt flag and arms a hook in the coroutine that is
 * running; the hook raises the Lua error "interrupted". While the flag is up, whatever could
 * swallow that error raises it again (guards.h), so no loop survives. Code that runs while the
 * error unwinds (__close) gets a short grace, after which it is interrupted as well. A long call
 * inside a C library cannot be stopped: half a second after the signal the terminal is told what is
 * waited for, and a third signal, a second or more after the first, writes out open files and
 * leaves the process.
 */
#ifndef DAM_HOST_INTERRUPT_H
#define DAM_HOST_INTERRUPT_H

#include <lua.h>

/* Installs the handlers. `L` is the main thread of the one state of this process. */
void dam_host_interrupt_install(lua_State *L);

/* The signal that raised the flag, 0 when it is down. */
int dam_host_interrupt_signal(void);

/* Lowers the flag: the interruption has been dealt with. */
void dam_host_interrupt_clear(lua_State *L);

/* Raises "interrupted" if the flag is up. For every place that swallows errors. */
void dam_host_interrupt_check(lua_State *L);

/*
 * `co` is about to run code; returns who ran before, to be given to dam_host_interrupt_leave. Hooks
 * belong to a coroutine, so the handler must know which one is running.
 */
lua_State *dam_host_interrupt_enter(lua_State *co);
void dam_host_interrupt_leave(lua_State *previous);

/* The error was swallowed where it cannot be raised again: the next instruction raises it. */
void dam_host_interrupt_no_grace(void);

/*
 * After an interruption, before lua_close: finalisers still run, all of them together for at most a
 * tenth of a second.
 */
void dam_host_interrupt_closing(lua_State *L);

#endif
