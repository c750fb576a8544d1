#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_TRIES 100

static const dam_file_guard *guard; /* set before any thread starts */

void dam_file_confine(const dam_file_guard *g)
{
    guard = g;
}

bool dam_file_confined(void)
{
    return guard != NULL;
}

int dam_file_open(const char *path, int flags, mode_t mode)
{
    return guard ? guard->open(path, flags | O_CLOEXEC, mode) : open(path, flags | O_CLOEXEC, mode);
}

int dam_file_stat(const char *path, struct stat *out)
{
    return guard ? guard->stat(path, out) : stat(path, out);
}

int dam_file_mkdir(const char *path, mode_t mode)
{
    return guard ? guard->mkdir(path, mode) : mkdir(path, mode);
}

int dam_file_rename(const char *from, const char *to)
{
    return guard ? guard->rename(from, to) : rename(from, to);
}

int dam_file_unlink(const char *path)
{
    return guard ? guard->unlink(path) : unlink(path);
}

FILE *dam_file_reader(const char *path)
{
    int fd = dam_file_open(path, O_RDONLY, 0);
    FILE *f = fd >= 0 ? fdopen(fd, "rb") : NULL;

    if (fd >= 0 && !f)
        close(fd);
    return f;
}

const char *dam_file_reason(int error)
{
    return guard && error == EPERM ? guard->refusal : strerror(error);
}

static dam_status write_failed(const char *path, dam_error *e)
{
    return dam_fail(e, DAM_ERR_IO, "%.600s: cannot be written: %s", path, dam_file_reason(errno));
}

bool dam_write_all(int fd, const void *data, size_t size)
{
    const char *p = data;

    while (size > 0) {
        ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

/* A new file beside `path`, its name in `name`; -1 and errno on failure. */
static int open_temporary(const char *path, char name[PATH_MAX])
{
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        int fd, n = snprintf(name, PATH_MAX, "%s.tmp%ld-%d", path, (long)getpid(), i);
        if (n < 0 || n >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return -1;
        }
        fd = dam_file_open(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

/* Makes the rename itself survive a power cut; file systems that cannot are not an error. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd;

    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    fd = dam_file_open(folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
}

static dam_status save_replacing(const char *path, const struct stat *old, dam_file_writer write,
                                 void *context, dam_error *e)
{
    char temporary[PATH_MAX];
    int fd = open_temporary(path, temporary);
    bool ok;
    int reason;

    if (fd < 0)
        return write_failed(path, e);
    ok = write(fd, context) && (!old || fchmod(fd, old->st_mode & 07777) == 0) && fsync(fd) == 0;
    reason = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        reason = errno;
    }
    if (ok && dam_file_rename(temporary, path) != 0) {
        ok = false;
        reason = errno;
    }
    if (!ok) {
        dam_file_unlink(temporary);
        errno = reason;
        return write_failed(path, e);
    }
    sync_folder(path);
    return DAM_OK;
}

/* A device or pipe cannot be replaced, only written to. */
static dam_status save_through(const char *path, dam_file_writer write, void *context, dam_error *e)
{
    int fd = dam_file_open(path, O_WRONLY, 0);
    bool ok;

    if (fd < 0)
        return write_failed(path, e);
    ok = write(fd, context);
    if (!ok)
        write_failed(path, e);
    close(fd);
    return ok ? DAM_OK : e->status;
}

dam_status dam_file_save(const char *path, dam_file_writer write, void *context, dam_error *e)
{
    char target[PATH_MAX];
    struct stat st;

    if (dam_file_stat(path, &st) != 0)
        return save_replacing(path, NULL, write, context, e);
    if (S_ISDIR(st.st_mode))
        return dam_fail(e, DAM_ERR_IO, "%.600s: cannot be written: it is a folder", path);
    if (!S_ISREG(st.st_mode))
        return save_through(path, write, context, e);
    if (guard)
        return save_replacing(path, &st, write, context, e);
    if (!realpath(path, target)) /* a link stays a link */
        return write_failed(path, e);
    return save_replacing(target, &st, write, context, e);
}
