#include "sandbox_gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>

#include "../../src/interrupt.h"

/* The program as the child sees it: the only thing it may execute, and closed once it runs. */
#define PROGRAM_FD 700

#define POLL_MS 50

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* Refuses a system call. */
#define NEVER(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), REFUSE

/* Refuses an open whose argument `i`, the flags, asks for more than reading. */
#define READ_ONLY(call, i)                                                                         \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 4), LOAD(args[i]),                          \
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC, 0, 1), REFUSE, \
        ALLOW

static bool lock_child(void)
{
    static struct sock_filter rules[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), /* x32, another door */
        REFUSE,
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 4),
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROGRAM_FD, 1, 0),
        REFUSE,
        ALLOW,
        READ_ONLY(openat, 2),
#ifdef SYS_open
        READ_ONLY(open, 1),
        NEVER(creat),
        NEVER(unlink),
        NEVER(rename),
        NEVER(link),
        NEVER(symlink),
        NEVER(mkdir),
        NEVER(rmdir),
        NEVER(chmod),
        NEVER(chown),
        NEVER(mknod),
#endif
        NEVER(execve),
        NEVER(openat2),
        NEVER(unlinkat),
        NEVER(renameat2),
        NEVER(linkat),
        NEVER(symlinkat),
        NEVER(mkdirat),
        NEVER(mknodat),
        NEVER(fchmodat),
        NEVER(fchownat),
        NEVER(truncate),
        NEVER(socket),
        NEVER(ptrace),
        NEVER(process_vm_writev),
        NEVER(kill),
        NEVER(mount),
        ALLOW,
    };
    struct sock_fprog program = {sizeof rules / sizeof *rules, rules};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#else

static bool lock_child(void)
{
    return false;
}

#endif

/* The child, after fork: only system calls. */
static void become_gnuplot(int program, int in, int out, int said)
{
    static char *const arguments[] = {"gnuplot", "--default-settings", NULL};
    static char *const environment[] = {"LC_ALL=C.UTF-8", "HOME=/nonexistent", "PATH=/usr/bin",
                                        NULL};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_IGN); /* the host decides */
    signal(SIGPIPE, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(said, 2) < 0 ||
        dup3(program, PROGRAM_FD, O_CLOEXEC) < 0 || !lock_child())
        _exit(126);
    syscall(SYS_execveat, PROGRAM_FD, "", arguments, environment, AT_EMPTY_PATH);
    _exit(127);
}

/* gnuplot, opened, by PATH; -1 when there is none. */
static int find_program(void)
{
    const char *at = getenv("PATH");
    char path[4096];

    while (at && *at) {
        size_t n = strcspn(at, ":");
        int fd;
        snprintf(path, sizeof path, "%.*s/gnuplot", (int)n, at);
        fd = at[0] == '/' ? open(path, O_PATH | O_CLOEXEC) : -1;
        if (fd >= 0)
            return fd;
        at += n + (at[n] == ':');
    }
    return -1;
}

/* Adds what the child writes to `out`, until it ends; false when the work is interrupted. */
static bool collect(luaL_Buffer *b, int out)
{
    ssize_t n = 1;

    while (n != 0) {
        struct pollfd p = {out, POLLIN, 0};
        if (dam_interrupted())
            return false;
        if (poll(&p, 1, POLL_MS) <= 0)
            continue;
        n = read(out, luaL_prepbuffer(b), LUAL_BUFFERSIZE);
        if (n > 0)
            luaL_addsize(b, (size_t)n);
        else if (n < 0 && errno != EINTR)
            return true;
    }
    return true;
}

/* What a child holds, in a userdata, so that an error on the way leaves nothing behind. */
typedef struct {
    int in, out, said, program;
    pid_t child;
} job;

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int end_job(lua_State *L)
{
    job *j = lua_touserdata(L, 1);

    shut(&j->in);
    shut(&j->out);
    shut(&j->said);
    shut(&j->program);
    if (j->child > 0) {
        kill(j->child, SIGKILL);
        waitpid(j->child, NULL, 0);
        j->child = 0;
    }
    return 0;
}

static job *push_job(lua_State *L)
{
    job *j = lua_newuserdatauv(L, sizeof *j, 0);

    *j = (job){-1, -1, -1, -1, 0};
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, end_job);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, end_job);
    lua_setfield(L, -2, "__close");
    lua_setmetatable(L, -2);
    lua_toclose(L, -1);
    return j;
}

/* A file in memory with these bytes, to be read from its beginning; -1 when it cannot be had. */
static int memory_file(const char *bytes, size_t size)
{
    int fd = memfd_create("gnuplot", MFD_CLOEXEC);

    while (fd >= 0 && size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n <= 0) {
            close(fd);
            return -1;
        }
        bytes += n;
        size -= (size_t)n;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static void push_said(lua_State *L, int said)
{
    char text[2048];
    ssize_t n = pread(said, text, sizeof text, 0);

    lua_pushlstring(L, text, n > 0 ? (size_t)n : 0);
}

int dam_sandbox_gnuplot(lua_State *L)
{
    size_t size;
    const char *script = luaL_checklstring(L, 1, &size);
    job *j = push_job(L);
    int ends[2], status = 0;
    luaL_Buffer b;

    j->program = find_program();
    if (j->program < 0)
        return luaL_error(L, "dam.plot: gnuplot was not found: install it (Debian, Ubuntu: apt "
                             "install gnuplot-nox)");
    j->in = memory_file(script, size);
    j->said = memfd_create("gnuplot", MFD_CLOEXEC);
    if (j->in < 0 || j->said < 0 || pipe2(ends, O_CLOEXEC) != 0)
        return luaL_error(L, "dam.plot: gnuplot cannot be started: %s", strerror(errno));
    j->out = ends[0];
    j->child = fork();
    if (j->child == 0)
        become_gnuplot(j->program, j->in, ends[1], j->said);
    close(ends[1]);
    if (j->child < 0)
        return luaL_error(L, "dam.plot: gnuplot cannot be started: %s", strerror(errno));
    luaL_buffinit(L, &b);
    if (!collect(&b, j->out))
        return luaL_error(L, "interrupted");
    luaL_pushresult(&b);
    while (waitpid(j->child, &status, 0) < 0 && errno == EINTR)
        ;
    j->child = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 126)
        return luaL_error(L, "dam.plot: this kernel cannot confine gnuplot (seccomp): no figures "
                             "in the sandbox");
    push_said(L, j->said);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return luaL_error(L, "dam.plot: gnuplot failed: %s", lua_tostring(L, -1));
    return 2;
}
