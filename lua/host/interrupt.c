#include "interrupt.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>

#include "../../src/interrupt.h"
#include "../guard.h"
#include "guards.h"

/* Seconds that unwinding code may run before it is interrupted in turn. */
#define GRACE 0.05
/* Seconds that finalisers get together after an interruption. */
#define CLOSING 0.1
/* The third signal leaves at once if it comes this many seconds after the first. */
#define IMPATIENCE 1.0

/* After so many seconds without an instruction of Lua, users are told what is waited for. */
#define PATIENCE 0.5
/* Seconds for writing out open files before the process leaves. */
#define FLUSHING 0.5

#define TIMER_SIGNAL (SIGRTMIN + 3)
#define EXIT_INTERRUPTED 130

static lua_State *_Atomic running; /* the coroutine that runs now */
static pthread_t main_thread;
static volatile sig_atomic_t signal_raised;
static volatile sig_atomic_t signals_seen;
static double first_signal; /* touched by the handler only */
static double grace_until;
static double closing_until; /* 0: not closing */

static timer_t timer;
static bool has_timer;
static volatile sig_atomic_t lua_ran; /* since the first signal, so it is no call of C's */
static volatile sig_atomic_t leaving;
static bool talks; /* standard error is a terminal */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void raise_error(lua_State *L)
{
    dam_guards_silence_handlers(L);
    grace_until = now() + GRACE;
    lua_pushliteral(L, "interrupted");
    lua_error(L);
}

static void hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    lua_ran = 1;
    if (!dam_interrupted() && closing_until == 0) {
        lua_sethook(L, NULL, 0, 0); /* armed for an interruption that is over */
        return;
    }
    if (closing_until > 0 && now() >= closing_until) {
        dam_interrupt_raise();
        grace_until = 0;
    }
    if (dam_interrupted() && now() >= grace_until)
        raise_error(L);
}

static void arm(lua_State *L)
{
    lua_sethook(L, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

static int stdout_broken(void)
{
    struct pollfd p = {STDOUT_FILENO, 0, 0};

    return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

/* timer_settime is one of the calls that signal handlers may make. */
static void set_timer(double seconds)
{
    struct itimerspec t = {0};

    t.it_value.tv_sec = (time_t)seconds;
    t.it_value.tv_nsec = (long)(1e9 * (seconds - (double)t.it_value.tv_sec));
    if (has_timer)
        timer_settime(timer, 0, &t, NULL);
}

static void say(const char *text)
{
    if (talks && write(STDERR_FILENO, text, strlen(text)) < 0)
        talks = false;
}

/*
 * Says what is waited for. Only while no instruction of Lua was run for long, so that the stack of
 * calls, which is read here without allocating, stands still.
 */
static void say_what_runs(void)
{
    lua_State *L = atomic_load(&running);
    lua_Debug ar;
    bool known = L && lua_getstack(L, 0, &ar) && lua_getinfo(L, "n", &ar) && ar.name;

    say("\nwaiting for ");
    say(known ? ar.name : "a call");
    say(", which cannot be stopped, to return; Ctrl-C twice more leaves at once\n");
}

static void on_timer(int sig)
{
    int saved = errno;

    if (!pthread_equal(pthread_self(), main_thread))
        pthread_kill(main_thread, sig);
    else if (leaving)
        _exit(EXIT_INTERRUPTED);
    else if (dam_interrupted() && !lua_ran)
        say_what_runs();
    errno = saved;
}

/*
 * What was written to files goes out, and whatever comes of that, the process ends soon. Sweeps
 * have committed their finished units already.
 */
static void leave(void)
{
    leaving = 1;
    say("\nleaving; files and finished units of sweeps are saved\n");
    set_timer(FLUSHING);
    fflush(NULL);
    _exit(EXIT_INTERRUPTED);
}

/*
 * Only calls that POSIX allows here, and lua_sethook, which Lua promises to be safe; and once the
 * process is given up, what it takes to save its files.
 */
static void on_signal(int sig)
{
    int saved = errno;
    lua_State *L = atomic_load(&running);

    if (!pthread_equal(pthread_self(), main_thread)) {
        pthread_kill(main_thread, sig); /* Lua runs there, and so may a system call to wake */
    } else if (sig != SIGPIPE || stdout_broken()) {
        if (signals_seen == 0) {
            first_signal = now();
            lua_ran = 0;
            set_timer(PATIENCE);
        }
        if (++signals_seen >= 3 && now() - first_signal >= IMPATIENCE)
            leave();
        signal_raised = sig;
        dam_interrupt_raise();
        if (L)
            arm(L);
    }
    errno = saved;
}

/* Without SA_RESTART: waiting for input must end, too. */
static void handle(int sig)
{
    struct sigaction action = {0};

    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaddset(&action.sa_mask, SIGHUP);
    sigaction(sig, &action, NULL);
}

static void make_timer(void)
{
    struct sigevent event = {0};
    struct sigaction action = {0};

    action.sa_handler = on_timer;
    action.sa_flags = SA_RESTART;
    sigaction(TIMER_SIGNAL, &action, NULL);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = TIMER_SIGNAL;
    has_timer = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
    talks = isatty(STDERR_FILENO);
}

void dam_host_interrupt_install(lua_State *L)
{
    struct sigaction old;

    dam_guard_not_needed();
    main_thread = pthread_self();
    atomic_store(&running, L);
    make_timer();
    handle(SIGINT);
    handle(SIGTERM);
    handle(SIGPIPE);
    if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        handle(SIGHUP); /* not under nohup */
}

int dam_host_interrupt_signal(void)
{
    return dam_interrupted() ? signal_raised : 0;
}

void dam_host_interrupt_clear(lua_State *L)
{
    lua_sethook(L, NULL, 0, 0);
    if (signals_seen)
        set_timer(0);
    signals_seen = 0;
    grace_until = 0;
    dam_interrupt_clear();
}

void dam_host_interrupt_check(lua_State *L)
{
    if (dam_interrupted())
        raise_error(L);
}

lua_State *dam_host_interrupt_enter(lua_State *co)
{
    lua_State *previous = atomic_exchange(&running, co);

    if (dam_interrupted() || closing_until > 0)
        arm(co); /* a signal from now on finds `co` by itself */
    return previous;
}

void dam_host_interrupt_leave(lua_State *previous)
{
    atomic_store(&running, previous);
    if (dam_interrupted())
        arm(previous);
}

void dam_host_interrupt_no_grace(void)
{
    grace_until = 0;
}

void dam_host_interrupt_closing(lua_State *L)
{
    dam_host_interrupt_clear(L);
    closing_until = now() + CLOSING;
    arm(L);
}
