/* The standard library's source texts, written into the binary by cmake/embed.cmake. */
#ifndef DAM_LUA_EMBEDDED_H
#define DAM_LUA_EMBEDDED_H

#include <stddef.h>

typedef struct {
    const char *name; /* as in require: "dam", "dam.sweep" */
    const char *path; /* below stdlib/, for tracebacks */
    const char *text;
    size_t size;
} dam_embedded_module;

extern const dam_embedded_module dam_embedded[]; /* ends with a NULL name */

#endif
