#include "sandbox_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../../src/file.h"

/* A folder as it was named and as it really is: a name may begin with either. */
typedef struct {
    char named[PATH_MAX], real[PATH_MAX];
    int fd; /* O_PATH: a place to walk from */
    bool writable;
} root;

static root roots[DAM_SANDBOX_FOLDERS + 1];
static int root_count;

/* `path` without ".", ".." and double slashes, from the working directory; false when too long. */
static bool normalise(const char *path, char out[PATH_MAX])
{
    char whole[2 * PATH_MAX];
    size_t n = 0;

    if (path[0] == '/')
        whole[0] = 0;
    else if (!getcwd(whole, PATH_MAX))
        return false;
    if (strlen(whole) + strlen(path) + 2 > sizeof whole)
        return false;
    strcat(whole, "/");
    strcat(whole, path);
    for (char *state, *part = strtok_r(whole, "/", &state); part;
         part = strtok_r(NULL, "/", &state)) {
        if (strcmp(part, ".") == 0)
            continue;
        if (strcmp(part, "..") == 0) {
            while (n > 0 && out[--n] != '/')
                ;
            continue;
        }
        if (n + strlen(part) + 2 > PATH_MAX)
            return false;
        out[n++] = '/';
        memcpy(out + n, part, strlen(part));
        n += strlen(part);
    }
    if (n == 0)
        out[n++] = '/';
    out[n] = 0;
    return true;
}

/* What follows `folder` in `path`, without its slash; NULL when the path is not below it. */
static const char *below(const char *folder, const char *path)
{
    size_t n = strlen(folder);

    if (strcmp(folder, "/") == 0)
        return path + 1;
    if (strncmp(folder, path, n) != 0 || (path[n] != '/' && path[n] != 0))
        return NULL;
    return path[n] ? path + n + 1 : path + n;
}

/* A name inside a root: its folder, opened, and its last part ("." for the root itself). */
typedef struct {
    int folder;
    char last[PATH_MAX];
} place;

/* Walks to the folder of `rest`; links are not followed. */
static bool walk(const root *r, const char *rest, place *out)
{
    const char *slash;

    out->folder = fcntl(r->fd, F_DUPFD_CLOEXEC, 3);
    while (out->folder >= 0 && (slash = strchr(rest, '/'))) {
        int from = out->folder, reason;
        char part[PATH_MAX];
        snprintf(part, sizeof part, "%.*s", (int)(slash - rest), rest);
        out->folder = openat(from, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        reason = errno;
        close(from);
        /* A link in place of a folder: not followed, wherever it leads. */
        errno = reason == ELOOP || reason == ENOTDIR ? EPERM : reason;
        rest = slash + 1;
    }
    snprintf(out->last, sizeof out->last, "%s", *rest ? rest : ".");
    return out->folder >= 0;
}

/* The place of `path` below a root that allows what is asked; false with errno. */
static bool find(const char *path, bool writing, place *out)
{
    char whole[PATH_MAX];

    if (!normalise(path, whole)) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (int i = 0; i < root_count; i++) {
        const root *r = &roots[i];
        const char *rest = below(r->named, whole);
        if (!rest)
            rest = below(r->real, whole);
        if (rest && (!writing || r->writable))
            return walk(r, rest, out);
    }
    errno = EPERM;
    return false;
}

static bool leave(place *p, bool result)
{
    int reason = errno;

    close(p->folder);
    errno = reason;
    return result;
}

/*
 * Only plain files and folders of ordinary file systems; not for writing a file that has another
 * name elsewhere.
 */
static bool is_plain(int fd, bool writing)
{
    struct statfs fs;
    struct stat st;

    if (fstat(fd, &st) != 0 || fstatfs(fd, &fs) != 0)
        return false;
    errno = EPERM;
    if (writing && st.st_nlink > 1)
        return false;
    return (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) && fs.f_type != PROC_SUPER_MAGIC &&
           fs.f_type != SYSFS_MAGIC;
}

static int guarded_open(const char *path, int flags, mode_t mode)
{
    bool writing = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));
    int truncate = flags & O_TRUNC, fd, reason;
    place p;

    if (!find(path, writing, &p))
        return -1;
    /* Truncated only once it is known to be plain; a pipe must not be waited for. */
    fd = openat(p.folder, p.last, (flags & ~O_TRUNC) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode);
    reason = errno == ELOOP ? EPERM : errno;
    close(p.folder);
    if (fd < 0) {
        errno = reason;
        return -1;
    }
    if (!is_plain(fd, writing) || (truncate && ftruncate(fd, 0) != 0)) {
        reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

static int guarded_stat(const char *path, struct stat *out)
{
    place p;

    if (!find(path, false, &p))
        return -1;
    return leave(&p, fstatat(p.folder, p.last, out, AT_SYMLINK_NOFOLLOW) == 0) ? 0 : -1;
}

static int guarded_mkdir(const char *path, mode_t mode)
{
    place p;

    if (!find(path, true, &p))
        return -1;
    return leave(&p, mkdirat(p.folder, p.last, mode) == 0) ? 0 : -1;
}

static int guarded_unlink(const char *path)
{
    place p;

    if (!find(path, true, &p))
        return -1;
    return leave(&p, unlinkat(p.folder, p.last, 0) == 0) ? 0 : -1;
}

static int guarded_rename(const char *from, const char *to)
{
    place a, b;
    bool done;

    if (!find(from, true, &a))
        return -1;
    if (!find(to, true, &b))
        return leave(&a, false) ? 0 : -1;
    done = renameat(a.folder, a.last, b.folder, b.last) == 0;
    done = leave(&b, done);
    return leave(&a, done) ? 0 : -1;
}

static char refusal[2 * DAM_SANDBOX_FOLDERS * PATH_MAX];

static dam_file_guard guard = {guarded_open,   guarded_stat,   guarded_mkdir,
                               guarded_rename, guarded_unlink, NULL};

/* "not allowed in the sandbox: it reads below A, writes below B, ..." */
static void describe(char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "not allowed in the sandbox: it reads below");

    for (int i = 0; i < root_count && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s %s", i == 0 ? "" : ",", roots[i].named);
    if (n < size)
        snprintf(out + n, size - n, ", writes %s%s, follows no links, opens plain files only",
                 dam_sandbox_out() ? "below " : "nothing (no --out)",
                 dam_sandbox_out() ? dam_sandbox_out() : "");
}

const char *dam_sandbox_refusal(const char *path, bool writing)
{
    static char text[10000];

    snprintf(text, sizeof text, "%s '%.1000s' is %.8000s", writing ? "writing" : "reading", path,
             refusal);
    return text;
}

const char *dam_sandbox_folder(int i)
{
    return i < root_count ? roots[i].named : NULL;
}

const char *dam_sandbox_out(void)
{
    for (int i = 0; i < root_count; i++)
        if (roots[i].writable)
            return roots[i].named;
    return NULL;
}

static dam_status add_root(const char *folder, bool writable, dam_error *e)
{
    root *r = &roots[root_count];

    if (root_count == DAM_SANDBOX_FOLDERS)
        return dam_fail(e, DAM_ERR_ARGUMENT, "--sandbox: more than %d folders",
                        DAM_SANDBOX_FOLDERS);
    if (writable && mkdir(folder, 0777) != 0 && errno != EEXIST)
        return dam_fail(e, DAM_ERR_IO, "--out: %.600s cannot be made: %s", folder, strerror(errno));
    r->fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (r->fd < 0 || !normalise(folder, r->named) || !realpath(folder, r->real))
        return dam_fail(e, DAM_ERR_IO, "%s: %.600s is not a folder: %s",
                        writable ? "--out" : "--sandbox", folder, strerror(errno));
    if (strcmp(r->real, "/") == 0)
        return dam_fail(e, DAM_ERR_ARGUMENT, "%s: / is every file there is: not allowed",
                        writable ? "--out" : "--sandbox");
    r->writable = writable;
    root_count++;
    return DAM_OK;
}

/* ---- Landlock ---- */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

/* The kernel's interface, by its numbers: the headers of older systems lack the later ones. */
#define LANDLOCK_VERSION 1
#define LANDLOCK_BENEATH 1
#define LL_EXECUTE (1ULL << 0)
#define LL_WRITE_FILE (1ULL << 1)
#define LL_READ (1ULL << 2 | 1ULL << 3)             /* files and folders */
#define LL_MAKE (1ULL << 5 | 1ULL << 7 | 1ULL << 8) /* remove a file; make folders and files */
#define LL_ALL_V1 ((1ULL << 13) - 1)
#define LL_REFER (1ULL << 13)
#define LL_TRUNCATE (1ULL << 14)

typedef struct {
    uint64_t handled;
} ruleset_attributes;

typedef struct {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed)) beneath_attributes;

static void allow(int ruleset, const char *path, uint64_t rights)
{
    beneath_attributes a = {rights, open(path, O_PATH | O_CLOEXEC)};
    struct stat st;

    if (a.parent < 0)
        return;
    if (fstat(a.parent, &st) == 0 && !S_ISDIR(st.st_mode))
        a.allowed &= LL_EXECUTE | LL_WRITE_FILE | 1ULL << 2 | LL_TRUNCATE;
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_BENEATH, &a, 0);
    close(a.parent);
}

/*
 * The second wall. Beside the sandbox's folders: what programs, libraries, devices and gnuplot need
 * to be read. A kernel without Landlock leaves the first wall alone.
 */
static void restrict_process(void)
{
    static const char *const system[] = {"/usr",
                                         "/lib",
                                         "/lib64",
                                         "/bin",
                                         "/etc/fonts",
                                         "/etc/ld.so.cache",
                                         "/etc/alternatives",
                                         "/var/cache/fontconfig",
                                         "/etc/localtime",
                                         "/proc",
                                         "/sys"};
    static const char *const devices[] = {
        "/dev/null",    "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools",
        "/dev/nvidia0", "/dev/nvidia1",   "/dev/nvidia2",    "/dev/nvidia3",
        "/dev/nvidia4", "/dev/nvidia5",   "/dev/nvidia6",    "/dev/nvidia7"};
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION);
    ruleset_attributes attributes = {LL_ALL_V1};
    uint64_t write = LL_READ | LL_WRITE_FILE | LL_MAKE;
    int ruleset;

    if (version < 1)
        return;
    if (version >= 2)
        attributes.handled |= LL_REFER;
    if (version >= 3)
        attributes.handled |= LL_TRUNCATE;
    write |= attributes.handled & (LL_REFER | LL_TRUNCATE);
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0)
        return;
    for (size_t i = 0; i < sizeof system / sizeof *system; i++)
        allow(ruleset, system[i], LL_READ | LL_EXECUTE);
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        allow(ruleset, devices[i], LL_READ | LL_WRITE_FILE);
    allow(ruleset, "/dev/urandom", LL_READ);
    for (int i = 0; i < root_count; i++)
        allow(ruleset, roots[i].real, roots[i].writable ? write : LL_READ);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
}

dam_status dam_sandbox_confine(const char *const *read, int count, const char *out, dam_error *e)
{
    if (out && add_root(out, true, e) != DAM_OK)
        return e->status;
    for (int i = 0; i < count; i++)
        if (add_root(read[i], false, e) != DAM_OK)
            return e->status;
    describe(refusal, sizeof refusal);
    guard.refusal = refusal;
    restrict_process();
    dam_file_confine(&guard);
    return DAM_OK;
}
