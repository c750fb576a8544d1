/*
 * Files in the sandbox: names may be read below a few folders and written below one. It holds for
 * every way to a file: the engine's and its database's (src/file.h), and Lua's, whose functions are
 * replaced by those of sandbox.c. A name is walked from the opened folder, part by part, and a
 * symbolic link on the way ends the walk: what was checked is what is opened, whoever renames
 * things meanwhile. Devices, pipes and the files of /proc and /sys are refused. Where the kernel
 * has Landlock, it enforces the same once more, for the whole process and all it starts.
 */
#ifndef DAM_HOST_SANDBOX_FILES_H
#define DAM_HOST_SANDBOX_FILES_H

#include <stdbool.h>

#include "../../src/error.h"

#define DAM_SANDBOX_FOLDERS 16

/*
 * Confines the process, for its life. `read` are `count` folders; `out` may be NULL: then nothing
 * is written, else it is made when missing. Call it before threads start.
 */
dam_status dam_sandbox_confine(const char *const *read, int count, const char *out, dam_error *e);

/* A folder of the search path of Lua modules: the i-th that may be read, or NULL after the last. */
const char *dam_sandbox_folder(int i);

/* The folder that may be written, or NULL. */
const char *dam_sandbox_out(void);

/* The last refusal of this process in words that name the file. */
const char *dam_sandbox_refusal(const char *path, bool writing);

#endif
