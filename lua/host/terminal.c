#include "terminal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>

/* Seconds that a terminal gets to answer; one that knows the question does so at once. */
#define ANSWER_TIME 0.3

/* kitty's question: does it take a picture of one pixel? And the one that all terminals answer. */
static const char kitty_question[] = "\033_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\033\\";
static const char question[] = "\033[c";

/* Terminals that would show kitty's question. */
static const char *const plain_terminals[] = {"screen", "linux", "vt", NULL};

/* An answer to kitty's question, and the beginning of one to the other. */
static const char kitty_answer[] = "\033_Gi=31;OK";
static const char attributes[] = "\033[?";

/* The attribute that means sixel. */
#define SIXEL 4

/* Keys typed while the terminal was asked, ended by a zero, and the first that was not taken yet.
 */
static char keys[512];
static size_t next_key;

bool dam_terminal_is(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static struct winsize window(void)
{
    struct winsize w = {0};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0)
        memset(&w, 0, sizeof w);
    return w;
}

int dam_terminal_columns(void)
{
    struct winsize w = window();

    return w.ws_col > 0 ? w.ws_col : 79;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The final c of an answer to the second question; NULL while it has not come. */
static char *answer_end(char *text)
{
    char *p = strstr(text, attributes);

    return p ? strchr(p + strlen(attributes), 'c') : NULL;
}

static bool send_questions(void)
{
    const char *term = getenv("TERM");
    char text[sizeof kitty_question + sizeof question] = "";
    bool plain = false;

    for (const char *const *p = plain_terminals; *p; p++)
        plain = plain || (term && strncmp(term, *p, strlen(*p)) == 0);
    if (!plain)
        strcat(text, kitty_question);
    strcat(text, question);
    return write(STDOUT_FILENO, text, strlen(text)) > 0;
}

/* Asks, in a terminal that neither echoes nor waits for a line; what it says until it is done. */
static void ask(char *text, size_t size)
{
    struct termios before, raw;
    double end = now() + ANSWER_TIME;
    size_t n = 0;

    text[0] = 0;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return;
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    if (send_questions())
        while (n + 1 < size && now() < end && !answer_end(text)) {
            struct pollfd p = {STDIN_FILENO, POLLIN, 0};
            ssize_t got = 0;
            if (poll(&p, 1, (int)(1000 * (end - now())) + 1) > 0)
                got = read(STDIN_FILENO, text + n, size - 1 - n);
            n += got > 0 ? (size_t)got : 0;
            text[n] = 0;
        }
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* Whether the answer lists the attribute. */
static bool has_attribute(const char *text, int wanted)
{
    const char *p = strstr(text, attributes);

    for (p = p ? p + strlen(attributes) : NULL; p && *p && *p != 'c'; p += strcspn(p, ";c")) {
        p += *p == ';';
        if (atoi(p) == wanted)
            return true;
    }
    return false;
}

/* Keeps the keys in the text that are no part of an answer. */
static void keep_keys(char *text)
{
    char *end = answer_end(text);
    size_t n = 0;

    for (char *p = text; *p; p++) {
        if (strncmp(p, "\033_G", 3) == 0 && strstr(p, "\033\\"))
            p = strstr(p, "\033\\") + 1;
        else if (end && strncmp(p, attributes, strlen(attributes)) == 0)
            p = end;
        else
            keys[n++] = *p;
    }
}

int dam_terminal_next_key(void)
{
    char key = keys[next_key];

    if (!key)
        return -1;
    next_key++;
    return (unsigned char)key;
}

static const char *find_graphics(void)
{
    char text[sizeof keys];
    const char *term = getenv("TERM");

    if (!dam_terminal_is() || !term || strcmp(term, "dumb") == 0)
        return NULL;
    ask(text, sizeof text);
    keep_keys(text);
    if (strstr(text, kitty_answer))
        return "kitty";
    return has_attribute(text, SIXEL) ? "sixel" : NULL;
}

static int columns(lua_State *L)
{
    lua_pushinteger(L, dam_terminal_columns());
    return 1;
}

static int lines(lua_State *L)
{
    struct winsize w = window();

    lua_pushinteger(L, w.ws_row > 0 ? w.ws_row : 40);
    return 1;
}

static int graphics(lua_State *L)
{
    static bool asked;
    static const char *answer;

    if (!asked)
        answer = find_graphics();
    asked = true;
    lua_pushstring(L, answer);
    return 1;
}

static int open_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"columns", columns}, {"lines", lines}, {"graphics", graphics}, {NULL, NULL}};

    luaL_newlib(L, functions);
    return 1;
}

void dam_terminal_install(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, open_module);
    lua_setfield(L, -2, "dam.terminal");
    lua_pop(L, 1);
}
