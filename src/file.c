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

static dam_status write_failed(const char *path, dam_error *e)
{
    return dam_fail(e, DAM_ERR_IO, "%.600s: cannot be written: %s", path, strerror(errno));
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
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
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
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
    if (ok && rename(temporary, path) != 0) {
        ok = false;
        reason = errno;
    }
    if (!ok) {
        unlink(temporary);
        errno = reason;
        return write_failed(path, e);
    }
    sync_folder(path);
    return DAM_OK;
}

/* A device or pipe cannot be replaced, only written to. */
static dam_status save_through(const char *path, dam_file_writer write, void *context, dam_error *e)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
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

    if (stat(path, &st) != 0)
        return save_replacing(path, NULL, write, context, e);
    if (S_ISDIR(st.st_mode))
        return dam_fail(e, DAM_ERR_IO, "%.600s: cannot be written: it is a folder", path);
    if (!S_ISREG(st.st_mode))
        return save_through(path, write, context, e);
    if (!realpath(path, target)) /* a link stays a link */
        return write_failed(path, e);
    return save_replacing(target, &st, write, context, e);
}
