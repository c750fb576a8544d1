#include "input.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "../../src/interrupt.h"

#define HISTORY_ENTRIES 5000

static char *history_path; /* NULL: history is not kept */

/* readline hands lines to a callback without argument. */
static bool line_done;
static char *line_read;

static volatile sig_atomic_t continued; /* the process was stopped and goes on */

static void on_continue(int sig)
{
    (void)sig;
    continued = 1;
}

static void take_line(char *line)
{
    line_read = line;
    line_done = true;
    rl_callback_handler_remove();
}

/* Makes the directories above the file `path`; whether that worked shows when the file is opened.
 */
static void make_directories(char *path)
{
    for (char *p = path + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            mkdir(path, 0700);
            *p = '/';
        }
}

static void open_history(void)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int n = -1;

    if (state && *state == '/')
        n = asprintf(&history_path, "%s/damlua/history", state);
    else if (home && *home)
        n = asprintf(&history_path, "%s/.local/state/damlua/history", home);
    if (n < 0) {
        history_path = NULL;
        return;
    }
    make_directories(history_path);
    history_comment_char = '#'; /* with time stamps, entries of several lines stay whole */
    history_write_timestamps = 1;
    read_history(history_path);
    stifle_history(HISTORY_ENTRIES);
    using_history();
}

bool dam_input_is_terminal(void)
{
    return isatty(STDIN_FILENO);
}

const char *dam_input_version(void)
{
    return rl_library_version;
}

void dam_input_open(void)
{
    struct sigaction action = {0};

    if (!dam_input_is_terminal())
        return;
    action.sa_handler = on_continue;
    sigaction(SIGCONT, &action, NULL);
    rl_readline_name = "damlua";
    rl_catch_signals = 0; /* the host's own handlers do it */
    rl_persistent_signal_handlers = 1;
    open_history();
}

void dam_input_remember(const char *entry)
{
    HIST_ENTRY *last;
    FILE *f;

    if (!dam_input_is_terminal() || !entry[strspn(entry, " \t\n")])
        return;
    last = history_length ? history_get(history_base + history_length - 1) : NULL;
    if (last && strcmp(last->line, entry) == 0)
        return;
    add_history(entry);
    f = history_path ? fopen(history_path, "ae") : NULL;
    if (f)
        fclose(f); /* append_history wants the file to exist */
    if (f)
        append_history(1, history_path);
}

/* Waits for a key, with the signals in `unblocked` let through. */
static bool wait_for_key(const sigset_t *unblocked)
{
    struct pollfd p = {STDIN_FILENO, POLLIN, 0};
    int n = ppoll(&p, 1, NULL, unblocked);

    if (continued) {
        continued = 0;
        rl_reset_after_signal();
        rl_forced_update_display();
    }
    return n > 0;
}

static dam_input_kind read_terminal(const char *prompt, char **line)
{
    sigset_t ours, before;

    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGHUP);
    sigaddset(&ours, SIGCONT);
    sigprocmask(SIG_BLOCK, &ours, &before);
    line_done = false;
    line_read = NULL;
    rl_callback_handler_install(prompt, take_line);
    while (!line_done && !dam_interrupted())
        if (wait_for_key(&before))
            rl_callback_read_char();
    if (!line_done) {
        rl_free_line_state();
        rl_callback_sigcleanup();
        rl_callback_handler_remove();
        fputs("^C\n", rl_outstream);
        fflush(rl_outstream);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (!line_done)
        return DAM_INPUT_INTERRUPTED;
    if (!line_read)
        fputc('\n', rl_outstream); /* Ctrl-D leaves the cursor behind the prompt */
    *line = line_read;
    return line_read ? DAM_INPUT_LINE : DAM_INPUT_END;
}

static dam_input_kind read_plain(char **line)
{
    size_t size = 0;
    ssize_t n;

    *line = NULL;
    n = getline(line, &size, stdin);
    if (n < 0) {
        free(*line);
        *line = NULL;
        clearerr(stdin);
        return dam_interrupted() ? DAM_INPUT_INTERRUPTED : DAM_INPUT_END;
    }
    if (n > 0 && (*line)[n - 1] == '\n')
        (*line)[n - 1] = 0;
    return DAM_INPUT_LINE;
}

dam_input_kind dam_input_read(const char *prompt, char **line)
{
    fflush(stdout);
    return dam_input_is_terminal() ? read_terminal(prompt, line) : read_plain(line);
}
