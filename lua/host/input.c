#include "input.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "../../src/interrupt.h"
#include "completion.h"
#include "history.h"
#include "terminal.h"

#define FIRST_PROMPT "> "
#define NEXT_PROMPT ">> "

static lua_State *state;
static bool (*needs_more)(lua_State *L, const char *text);

/* readline hands lines to a callback without argument. */
static bool line_done;
static char *line_read;

static const char *lines_before; /* of the text that is being continued, or NULL */
static bool take_back;           /* the up key asks for them */

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

bool dam_input_is_terminal(void)
{
    return isatty(STDIN_FILENO);
}

const char *dam_input_version(void)
{
    return rl_library_version;
}

/* ---- editing blocks ---- */

static int line_start(int at)
{
    while (at > 0 && rl_line_buffer[at - 1] != '\n')
        at--;
    return at;
}

static int line_end(int at)
{
    while (at < rl_end && rl_line_buffer[at] != '\n')
        at++;
    return at;
}

/* Puts the cursor into the line that begins at `start`, `column` bytes from there if it has them.
 */
static void move_to(int start, int column)
{
    int end = line_end(start);

    rl_point = start + column < end ? start + column : end;
    while (rl_point > start && ((unsigned char)rl_line_buffer[rl_point] & 0xc0) == 0x80)
        rl_point--; /* not into a character */
}

static int up(int count, int key)
{
    int start = line_start(rl_point);

    if (start > 0) {
        move_to(line_start(start - 1), rl_point - start);
        return 0;
    }
    if (lines_before) {
        take_back = true;
        return 0;
    }
    return rl_get_previous_history(count, key);
}

static int down(int count, int key)
{
    int end = line_end(rl_point);

    if (end < rl_end) {
        move_to(end + 1, rl_point - line_start(rl_point));
        return 0;
    }
    return where_history() < history_length ? rl_get_next_history(count, key) : 0;
}

static int to_line_start(int count, int key)
{
    (void)count;
    (void)key;
    rl_point = line_start(rl_point);
    return 0;
}

static int to_line_end(int count, int key)
{
    (void)count;
    (void)key;
    rl_point = line_end(rl_point);
    return 0;
}

static int new_line(int count, int key)
{
    (void)count;
    (void)key;
    return rl_insert_text("\n") < 0;
}

/* Enter: in an incomplete block a new line, else the end of the text. */
static int enter(int count, int key)
{
    if (!lines_before && memchr(rl_line_buffer, '\n', (size_t)rl_end) &&
        needs_more(state, rl_line_buffer))
        return new_line(count, key);
    return rl_newline(count, key);
}

/* Whatever keys call readline's function call ours instead. */
static void rebind(Keymap map, rl_command_func_t *theirs, rl_command_func_t *ours)
{
    char **keys = rl_invoking_keyseqs_in_map(theirs, map);

    for (char **k = keys; k && *k; k++) {
        rl_bind_keyseq_in_map(*k, ours, map);
        free(*k);
    }
    free(keys);
}

static void bind_keys(void)
{
    static const char *const maps[] = {"emacs-standard", "vi-insert", "vi-command"};

    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        Keymap map = rl_get_keymap_by_name(maps[i]);
        rebind(map, rl_get_previous_history, up);
        rebind(map, rl_get_next_history, down);
        rebind(map, rl_beg_of_line, to_line_start);
        rebind(map, rl_end_of_line, to_line_end);
        rebind(map, rl_newline, enter);
    }
    rl_bind_keyseq_in_map("\\e\\C-m", new_line, rl_get_keymap_by_name("emacs-standard"));
    rl_bind_keyseq_in_map("\\e\\C-j", new_line, rl_get_keymap_by_name("emacs-standard"));
}

/* Rows of the terminal that a text takes which was typed line by line. */
static int rows_of(const char *text)
{
    int rows = 0, columns = 0, height;
    const char *prompt = FIRST_PROMPT;

    rl_get_screen_size(&height, &columns);
    for (const char *line = text; line; prompt = NEXT_PROMPT) {
        const char *end = strchr(line, '\n');
        int width = (int)strlen(prompt);
        for (const char *p = line; *p && p != end; p++)
            width += ((unsigned char)*p & 0xc0) != 0x80;
        rows += 1 + (columns > 0 && width > 0 ? (width - 1) / columns : 0);
        line = end ? end + 1 : NULL;
    }
    return rows;
}

/*
 * Puts the earlier lines and the present one into the editor as one text, where the earlier ones
 * stand on the screen; the cursor goes to the last of the earlier lines.
 */
static void edit_whole(void)
{
    char *text = NULL;
    int rows = rows_of(lines_before), last;

    if (asprintf(&text, "%s\n%s", lines_before, rl_line_buffer) < 0)
        return;
    last = (int)strlen(lines_before);
    if (!rl_line_buffer[strspn(rl_line_buffer, " \t")])
        text[last] = 0;
    rl_callback_handler_remove();
    fprintf(rl_outstream, "\r\033[%dA\033[J", rows);
    fflush(rl_outstream);
    lines_before = NULL;
    dam_completion_after(NULL);
    rl_callback_handler_install(FIRST_PROMPT, take_line);
    rl_insert_text(text);
    rl_point = last;
    rl_redisplay();
    free(text);
}

/* ---- reading ---- */

/* What a read ends with that a signal ended: to readline, the key that gives up what it does. */
#define GIVE_UP ('G' & 0x1f)

static sigset_t unblocked; /* the signals that come through while a key is waited for */

/*
 * A terminal drops at Ctrl-C what was typed before it, and so may a key be gone that was waited
 * for: reads return without one rather than wait, deaf to signals, for the next.
 */
static void prepare_terminal(int eight_bits)
{
    struct termios t;

    rl_prep_terminal(eight_bits);
    if (tcgetattr(STDIN_FILENO, &t) != 0)
        return;
    t.c_cc[VMIN] = 0;
    t.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

/* A byte for readline; GIVE_UP once a signal has come. */
static int next_byte(FILE *stream)
{
    while (!dam_interrupted()) {
        struct pollfd p = {fileno(stream), POLLIN, 0};
        int ready = ppoll(&p, 1, NULL, &unblocked);
        unsigned char byte;
        ssize_t n = ready > 0 ? read(p.fd, &byte, 1) : -1;
        if (n > 0)
            return byte;
        if (n == 0 ? p.revents & (POLLHUP | POLLERR) : errno != EINTR && errno != EAGAIN)
            return EOF;
    }
    return GIVE_UP;
}

void dam_input_open(lua_State *L, bool (*incomplete)(lua_State *L, const char *text))
{
    struct sigaction action = {0};

    state = L;
    needs_more = incomplete;
    if (!dam_input_is_terminal())
        return;
    action.sa_handler = on_continue;
    sigaction(SIGCONT, &action, NULL);
    rl_readline_name = "damlua";
    rl_catch_signals = 0; /* the host's own handlers do it */
    rl_persistent_signal_handlers = 1;
    rl_getc_function = next_byte;
    rl_prep_term_function = prepare_terminal;
    rl_variable_bind("show-all-if-ambiguous", "on"); /* unless the user's inputrc differs */
    rl_initialize();
    bind_keys();
    dam_completion_open(L);
    dam_history_open();
}

void dam_input_remember(const char *entry)
{
    if (dam_input_is_terminal())
        dam_history_add(entry);
}

static bool wait_for_key(void)
{
    struct pollfd p = {STDIN_FILENO, POLLIN, 0};
    int n = ppoll(&p, 1, NULL, &unblocked);

    rl_check_signals(); /* the window's size */
    if (continued) {
        continued = 0;
        rl_reset_after_signal();
        rl_forced_update_display();
    }
    return n > 0;
}

/* Reads keys until a line is done or a signal has come. */
static void read_keys(void)
{
    while (!line_done && !dam_interrupted()) {
        int key = dam_terminal_next_key();
        if (key >= 0)
            rl_stuff_char(key);
        if (key >= 0 || wait_for_key())
            rl_callback_read_char();
        if (take_back && !line_done)
            edit_whole();
        take_back = false;
    }
}

static dam_input_kind read_terminal(const char *before, char **line)
{
    sigset_t ours;

    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGHUP);
    sigaddset(&ours, SIGCONT);
    sigprocmask(SIG_BLOCK, &ours, &unblocked);
    line_done = false;
    line_read = NULL;
    lines_before = before;
    dam_completion_after(before);
    rl_callback_handler_install(before ? NEXT_PROMPT : FIRST_PROMPT, take_line);
    read_keys();
    if (!line_done) {
        rl_point = rl_end; /* below a block, not in it */
        rl_redisplay();
        rl_free_line_state();
        rl_callback_sigcleanup();
        rl_callback_handler_remove();
        fputs("^C\n", rl_outstream);
        fflush(rl_outstream);
    }
    sigprocmask(SIG_SETMASK, &unblocked, NULL);
    if (!line_done)
        return DAM_INPUT_INTERRUPTED;
    if (!line_read)
        fputc('\n', rl_outstream); /* Ctrl-D leaves the cursor behind the prompt */
    *line = line_read;
    if (!line_read)
        return DAM_INPUT_END;
    return before && !lines_before ? DAM_INPUT_WHOLE : DAM_INPUT_LINE;
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

dam_input_kind dam_input_read(const char *before, char **line)
{
    fflush(stdout);
    return dam_input_is_terminal() ? read_terminal(before, line) : read_plain(line);
}
