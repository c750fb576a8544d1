#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <lauxlib.h>

#include "../src/file.h"
#include "../src/npy.h"
#include "../src/sampler.h"
#include "args.h"

typedef struct {
    const char *magic;
    size_t size;
    int (*load)(lua_State *L, const char *path);
} loader;

static const loader loaders[] = {
    {DAM_NPY_MAGIC, DAM_NPY_MAGIC_SIZE, dam_load_array},
    {DAM_SAMPLER_MAGIC, DAM_SAMPLER_MAGIC_SIZE, dam_load_sampler},
};

#define LOADERS (sizeof loaders / sizeof *loaders)
#define MAGIC_MAX 16

const char *dam_check_path(lua_State *L, int index, const char *where)
{
    size_t size;
    const char *path;

    if (lua_type(L, index) != LUA_TSTRING)
        dam_argument_error(L, where, "file", index, "a file name");
    path = lua_tolstring(L, index, &size);
    if (size == 0 || strlen(path) != size)
        luaL_error(L, "%s: a file name must not be empty or contain a zero byte", where);
    return path;
}

/* The first bytes of a regular file; their number, or -1 and errno. */
static int read_beginning(const char *path, char out[MAGIC_MAX])
{
    struct stat st;
    FILE *f = NULL;
    int n = -1;

    if (dam_file_stat(path, &st) != 0)
        return -1;
    if (!S_ISREG(st.st_mode)) { /* opening a pipe would wait for its other end */
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        return -1;
    }
    f = dam_file_reader(path);
    if (!f)
        return -1;
    n = (int)fread(out, 1, MAGIC_MAX, f);
    fclose(f);
    return n;
}

/***
Loads what an array's or a sampler's `save` wrote; also any NPY file of NumPy with real numbers
(float32, float64, integers, booleans; C or Fortran order; either byte order). 64-bit integers round
to the nearest double.
@function dam.load
@tparam string file name of the file; what it holds is told from its content, not from its name
@return the array or sampler
@raise naming the file when it is missing, of another kind, truncated or corrupt, when its array is
 empty, has no or more than 8 dimensions, and when it does not fit into memory
@usage a = dam.zeros(2, 3); name = os.tmpname(); a:save(name); b = dam.load(name); os.remove(name)
*/
int dam_load(lua_State *L)
{
    const char *path = dam_check_path(L, 1, "dam.load");
    char beginning[MAGIC_MAX];
    int n = read_beginning(path, beginning);

    if (n < 0)
        return luaL_error(L, "dam.load: %s: cannot be opened: %s", path, dam_file_reason(errno));
    for (size_t i = 0; i < LOADERS; i++)
        if ((size_t)n >= loaders[i].size &&
            memcmp(beginning, loaders[i].magic, loaders[i].size) == 0)
            return loaders[i].load(L, path);
    return luaL_error(L,
                      "dam.load: %s: %s: expected an NPY file (array:save, numpy.save) or a saved "
                      "sampler",
                      path, n == 0 ? "is empty" : "is of no known kind");
}
