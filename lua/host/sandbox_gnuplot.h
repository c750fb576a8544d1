/*
 * gnuplot for the sandbox. Scripts cannot start programs, and gnuplot can: so the host runs it, for
 * dam.plot alone, with its script on standard input and the figure on standard output, in a child
 * that the kernel keeps from starting programs, from opening anything for writing and from the
 * network. Where the kernel cannot promise that, figures are refused.
 */
#ifndef DAM_HOST_SANDBOX_GNUPLOT_H
#define DAM_HOST_SANDBOX_GNUPLOT_H

#include <lua.h>

/* gnuplot(script): what it wrote on standard output, and what on standard error. */
int dam_sandbox_gnuplot(lua_State *L);

#endif
