#include "sandbox_patterns.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <lauxlib.h>

#include "interrupt.h"

#define CAPTURES 32
#define DEPTH 200

/* Steps of one call: so many, and so many more for each byte of the subject. */
#define STEPS_BASE 50000000
#define STEPS_PER_BYTE 64

/* Steps between looks at the interrupt flag; a power of two. */
#define STEPS_PER_POLL 65536

/* A capture that is open, and one of a position alone. */
#define OPEN (-1)
#define POSITION (-2)

typedef struct {
    lua_State *L;
    const char *text, *end; /* the subject */
    const char *pattern_end;
    uint64_t steps; /* that are left */
    int depth;      /* of recursion that is left */
    int count;      /* of captures */
    struct {
        const char *at;
        ptrdiff_t size; /* or OPEN, POSITION */
    } captures[CAPTURES];
} matcher;

static const char *match_here(matcher *m, const char *s, const char *p);

static void begin(matcher *m, lua_State *L, const char *text, size_t size, const char *pattern,
                  size_t pattern_size)
{
    m->L = L;
    m->text = text;
    m->end = text + size;
    m->pattern_end = pattern + pattern_size;
    m->steps = STEPS_BASE + STEPS_PER_BYTE * (uint64_t)size;
}

/* Before each attempt at a place of the subject. */
static void begin_at_place(matcher *m)
{
    m->count = 0;
    m->depth = DEPTH;
}

static void take_step(matcher *m)
{
    if (--m->steps == 0)
        luaL_error(m->L, "pattern too complex: the sandbox gave up after %f million steps",
                   (double)(STEPS_BASE + STEPS_PER_BYTE * (m->end - m->text)) / 1e6);
    if ((m->steps & (STEPS_PER_POLL - 1)) == 0)
        dam_host_interrupt_check(m->L);
}

/* ---- single characters ---- */

/* What follows the item (a character, class or set) at `p`. */
static const char *item_end(matcher *m, const char *p)
{
    char first = *p++;

    if (first == '%') {
        if (p == m->pattern_end)
            luaL_error(m->L, "malformed pattern (ends with '%%')");
        return p + 1;
    }
    if (first != '[')
        return p;
    if (p < m->pattern_end && *p == '^')
        p++;
    do { /* a ']' that comes first is one of the set */
        if (p == m->pattern_end)
            luaL_error(m->L, "malformed pattern (missing ']')");
        if (*p++ == '%') {
            if (p == m->pattern_end)
                luaL_error(m->L, "malformed pattern (missing ']')");
            p++;
        }
    } while (p == m->pattern_end || *p != ']');
    return p + 1;
}

/* Whether `c` is of the class %`letter`; a capital turns it round. */
static bool in_class(int c, int letter)
{
    bool is;

    switch (tolower(letter)) {
    case 'a':
        is = isalpha(c);
        break;
    case 'c':
        is = iscntrl(c);
        break;
    case 'd':
        is = isdigit(c);
        break;
    case 'g':
        is = isgraph(c);
        break;
    case 'l':
        is = islower(c);
        break;
    case 'p':
        is = ispunct(c);
        break;
    case 's':
        is = isspace(c);
        break;
    case 'u':
        is = isupper(c);
        break;
    case 'w':
        is = isalnum(c);
        break;
    case 'x':
        is = isxdigit(c);
        break;
    case 'z': /* deprecated, and there */
        is = c == 0;
        break;
    default:
        return c == letter; /* not a class: itself */
    }
    return isupper(letter) ? !is : is;
}

/* Whether `c` is in the set from '[' at `p` to ']' at `last`. */
static bool in_set(int c, const char *p, const char *last)
{
    bool wanted = true;

    p++;
    if (*p == '^') {
        wanted = false;
        p++;
    }
    while (p < last) {
        if (*p == '%') {
            if (in_class(c, (unsigned char)p[1]))
                return wanted;
            p += 2;
        } else if (p[1] == '-' && p + 2 < last) {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2])
                return wanted;
            p += 3;
        } else if ((unsigned char)*p++ == c) {
            return wanted;
        }
    }
    return !wanted;
}

/* Whether the item at `p`, which ends at `after`, takes the character at `s`. */
static bool takes(matcher *m, const char *s, const char *p, const char *after)
{
    int c;

    take_step(m);
    if (s >= m->end)
        return false;
    c = (unsigned char)*s;
    switch (*p) {
    case '.':
        return true;
    case '%':
        return in_class(c, (unsigned char)p[1]);
    case '[':
        return in_set(c, p, after - 1);
    default:
        return (unsigned char)*p == c;
    }
}

/* ---- repetitions ---- */

/* As many as there are, then fewer. */
static const char *longest(matcher *m, const char *s, const char *p, const char *after)
{
    ptrdiff_t n = 0;

    while (takes(m, s + n, p, after))
        n++;
    for (; n >= 0; n--) {
        const char *found = match_here(m, s + n, after + 1);
        if (found)
            return found;
    }
    return NULL;
}

/* As few as will do. */
static const char *shortest(matcher *m, const char *s, const char *p, const char *after)
{
    for (;; s++) {
        const char *found = match_here(m, s, after + 1);
        if (found || !takes(m, s, p, after))
            return found;
    }
}

/* ---- captures ---- */

static const char *open_capture(matcher *m, const char *s, const char *p, ptrdiff_t size)
{
    const char *found;

    if (m->count >= CAPTURES)
        luaL_error(m->L, "too many captures");
    m->captures[m->count].at = s;
    m->captures[m->count].size = size;
    m->count++;
    found = match_here(m, s, p);
    if (!found)
        m->count--;
    return found;
}

static const char *close_capture(matcher *m, const char *s, const char *p)
{
    int i = m->count - 1;
    const char *found;

    while (i >= 0 && m->captures[i].size != OPEN)
        i--;
    if (i < 0)
        luaL_error(m->L, "invalid pattern capture");
    m->captures[i].size = s - m->captures[i].at;
    found = match_here(m, s, p);
    if (!found)
        m->captures[i].size = OPEN;
    return found;
}

/* %1 to %9: what the capture holds, again. */
static const char *same_again(matcher *m, const char *s, int digit)
{
    int i = digit - '1';
    ptrdiff_t size;

    if (i < 0 || i >= m->count || m->captures[i].size == OPEN)
        luaL_error(m->L, "invalid capture index %%%d", i + 1);
    size = m->captures[i].size;
    if (size < 0 || m->end - s < size)
        return NULL;
    m->steps -= m->steps > (uint64_t)size ? (uint64_t)size : m->steps - 1;
    return memcmp(m->captures[i].at, s, (size_t)size) == 0 ? s + size : NULL;
}

/* ---- items that are more than one character ---- */

/* %bxy, `p` being at x. */
static const char *balanced(matcher *m, const char *s, const char *p)
{
    int open = 1;

    if (m->pattern_end - p < 2)
        luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
    if (s >= m->end || *s != p[0])
        return NULL;
    while (++s < m->end) {
        take_step(m);
        if (*s == p[1]) {
            if (--open == 0)
                return s + 1;
        } else if (*s == p[0]) {
            open++;
        }
    }
    return NULL;
}

/* %f[set], `p` being at '['; leaves where the set ends in *after. */
static bool at_frontier(matcher *m, const char *s, const char *p, const char **after)
{
    int before = s == m->text ? 0 : (unsigned char)s[-1];
    int here = s == m->end ? 0 : (unsigned char)*s;

    if (p >= m->pattern_end || *p != '[')
        luaL_error(m->L, "missing '[' after '%%f' in pattern");
    *after = item_end(m, p);
    return !in_set(before, p, *after - 1) && in_set(here, p, *after - 1);
}

/*
 * Items that stand for more than a character, at *p: 1, and *s and *p moved on, when one matches; 0
 * when it does not; -1 when there is none.
 */
static int match_special(matcher *m, const char **s, const char **p)
{
    const char *after;

    if (**p != '%' || *p + 1 >= m->pattern_end)
        return -1;
    switch ((*p)[1]) {
    case 'b':
        *s = balanced(m, *s, *p + 2);
        *p += 4;
        return *s != NULL;
    case 'f':
        if (!at_frontier(m, *s, *p + 2, &after))
            return 0;
        *p = after;
        return 1;
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        *s = same_again(m, *s, (unsigned char)(*p)[1]);
        *p += 2;
        return *s != NULL;
    default:
        return -1;
    }
}

/* One item with what repeats it. False: `*found` is the answer; true: go on at *s and *p. */
static bool match_item(matcher *m, const char **s, const char **p, const char **found)
{
    const char *after = item_end(m, *p);
    char repeat = after < m->pattern_end ? *after : 0;

    *found = NULL;
    switch (repeat) {
    case '*':
        *found = longest(m, *s, *p, after);
        return false;
    case '+':
        *found = takes(m, *s, *p, after) ? longest(m, *s + 1, *p, after) : NULL;
        return false;
    case '-':
        *found = shortest(m, *s, *p, after);
        return false;
    case '?':
        if (takes(m, *s, *p, after) && (*found = match_here(m, *s + 1, after + 1)) != NULL)
            return false;
        *p = after + 1;
        return true;
    default:
        if (!takes(m, *s, *p, after))
            return false;
        ++*s;
        *p = after;
        return true;
    }
}

/* The end of the match of the pattern from `p` at `s`; NULL when there is none. */
static const char *match_here(matcher *m, const char *s, const char *p)
{
    const char *found = NULL;

    if (m->depth-- == 0)
        luaL_error(m->L, "pattern too complex");
    take_step(m);
    for (;;) {
        int special;
        if (p == m->pattern_end) {
            found = s;
            break;
        }
        if (*p == '(') {
            bool position = p + 1 < m->pattern_end && p[1] == ')';
            found = open_capture(m, s, p + (position ? 2 : 1), position ? POSITION : OPEN);
            break;
        }
        if (*p == ')') {
            found = close_capture(m, s, p + 1);
            break;
        }
        if (*p == '$' && p + 1 == m->pattern_end) {
            found = s == m->end ? s : NULL;
            break;
        }
        special = match_special(m, &s, &p);
        if (special == 0 || (special < 0 && !match_item(m, &s, &p, &found)))
            break;
    }
    m->depth++;
    return found;
}

/* ---- results ---- */

/* Pushes capture `i`; without captures, capture 0 is the whole match from `s` to `e`. */
static void push_capture(matcher *m, int i, const char *s, const char *e)
{
    if (i >= m->count) {
        if (i != 0)
            luaL_error(m->L, "invalid capture index %%%d", i + 1);
        lua_pushlstring(m->L, s, (size_t)(e - s));
    } else if (m->captures[i].size == POSITION) {
        lua_pushinteger(m->L, m->captures[i].at - m->text + 1);
    } else if (m->captures[i].size == OPEN) {
        luaL_error(m->L, "unfinished capture");
    } else {
        lua_pushlstring(m->L, m->captures[i].at, (size_t)m->captures[i].size);
    }
}

/* Pushes all captures, or the whole match (unless `s` is NULL); their number. */
static int push_captures(matcher *m, const char *s, const char *e)
{
    int n = m->count == 0 && s ? 1 : m->count;

    luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++)
        push_capture(m, i, s, e);
    return n;
}

/* ---- the functions ---- */

/* Where a search begins, from argument `index`: 0 and up; beyond the end when there is no place. */
static size_t start_of(lua_State *L, int index, size_t size)
{
    lua_Integer at = luaL_optinteger(L, index, 1);

    if (at > 0)
        return (size_t)at - 1;
    if (at == 0 || at < -(lua_Integer)size)
        return 0;
    return size - (size_t)-at;
}

/* Whether a pattern is but a text. */
static bool is_plain(const char *p, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (memchr("^$*+?.([%-", p[i], 10))
            return false;
    return true;
}

/* Finds a text. The first byte is sought; comparing the rest costs its steps. */
static const char *find_text(matcher *m, const char *s, const char *text, size_t size)
{
    while ((size_t)(m->end - s) >= size) {
        const char *at = size ? memchr(s, *text, (size_t)(m->end - s) - size + 1) : s;
        size_t same = 0;
        if (!at)
            return NULL;
        while (same < size && at[same] == text[same]) {
            same++;
            if (same % 64 == 0)
                take_step(m);
        }
        if (same == size)
            return at;
        take_step(m);
        s = at + 1;
    }
    return NULL;
}

static int search(lua_State *L, bool find)
{
    size_t size, pattern_size;
    const char *text = luaL_checklstring(L, 1, &size);
    const char *p = luaL_checklstring(L, 2, &pattern_size);
    size_t start = start_of(L, 3, size);
    matcher m;
    bool anchored;

    if (start > size) {
        lua_pushnil(L);
        return 1;
    }
    begin(&m, L, text, size, p, pattern_size);
    if (find && (lua_toboolean(L, 4) || is_plain(p, pattern_size))) {
        const char *at = find_text(&m, text + start, p, pattern_size);
        if (!at) {
            lua_pushnil(L);
            return 1;
        }
        lua_pushinteger(L, at - text + 1);
        lua_pushinteger(L, at - text + (lua_Integer)pattern_size);
        return 2;
    }
    anchored = pattern_size > 0 && *p == '^';
    p += anchored;
    for (const char *s = text + start; s <= m.end; s++) {
        const char *e;
        begin_at_place(&m);
        e = match_here(&m, s, p);
        if (e && find) {
            lua_pushinteger(L, s - text + 1);
            lua_pushinteger(L, e - text);
            return 2 + push_captures(&m, NULL, NULL);
        }
        if (e)
            return push_captures(&m, s, e);
        if (anchored)
            break;
    }
    lua_pushnil(L);
    return 1;
}

int dam_sandbox_find(lua_State *L)
{
    return search(L, true);
}

int dam_sandbox_match(lua_State *L)
{
    return search(L, false);
}

/* The iterator of gmatch; upvalues: subject, pattern, where to go on, end of the last match. */
static int next_match(lua_State *L)
{
    size_t size, pattern_size;
    const char *text = lua_tolstring(L, lua_upvalueindex(1), &size);
    const char *p = lua_tolstring(L, lua_upvalueindex(2), &pattern_size);
    lua_Integer from = lua_tointeger(L, lua_upvalueindex(3));
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    matcher m;

    begin(&m, L, text, size, p, pattern_size);
    for (const char *s = text + from; s <= m.end; s++) {
        const char *e;
        begin_at_place(&m);
        e = match_here(&m, s, p);
        if (e && e - text != last) { /* not the empty match at the end of the last one */
            lua_pushinteger(L, e - text);
            lua_copy(L, -1, lua_upvalueindex(3));
            lua_replace(L, lua_upvalueindex(4));
            return push_captures(&m, s, e);
        }
    }
    return 0;
}

int dam_sandbox_gmatch(lua_State *L)
{
    size_t size, start;

    luaL_checklstring(L, 1, &size);
    luaL_checkstring(L, 2);
    start = start_of(L, 3, size);
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)(start > size ? size + 1 : start));
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, next_match, 4);
    return 1;
}

/* Adds the replacement text, with %0 to %9 and %%. */
static void add_text(matcher *m, luaL_Buffer *b, const char *s, const char *e)
{
    size_t size;
    const char *r = lua_tolstring(m->L, 3, &size), *end = r + size;

    while (r < end) {
        const char *mark = memchr(r, '%', (size_t)(end - r));
        luaL_addlstring(b, r, (size_t)((mark ? mark : end) - r));
        if (!mark)
            return;
        r = mark + 1;
        if (r < end && *r == '%') {
            luaL_addchar(b, '%');
        } else if (r < end && *r == '0') {
            luaL_addlstring(b, s, (size_t)(e - s));
        } else if (r < end && isdigit((unsigned char)*r)) {
            push_capture(m, *r - '1', s, e);
            luaL_tolstring(m->L, -1, NULL);
            lua_remove(m->L, -2);
            luaL_addvalue(b);
        } else {
            luaL_error(m->L, "invalid use of '%%' in replacement string");
        }
        r++;
    }
}

/* Adds what stands for the match from `s` to `e`; whether it is something else. */
static bool add_replacement(matcher *m, luaL_Buffer *b, const char *s, const char *e, int kind)
{
    lua_State *L = m->L;

    if (kind == LUA_TNUMBER || kind == LUA_TSTRING) {
        add_text(m, b, s, e);
        return true;
    }
    if (kind == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, s, e), 1);
    } else {
        push_capture(m, 0, s, e);
        lua_gettable(L, 3);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(b, s, (size_t)(e - s));
        return false;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(b);
    return true;
}

int dam_sandbox_gsub(lua_State *L)
{
    size_t size, pattern_size;
    const char *text = luaL_checklstring(L, 1, &size), *s = text, *last = NULL;
    const char *p = luaL_checklstring(L, 2, &pattern_size);
    int kind = lua_type(L, 3);
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)size + 1), n = 0;
    bool anchored = pattern_size > 0 && *p == '^', changed = false;
    matcher m;
    luaL_Buffer b;

    luaL_argexpected(L,
                     kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TFUNCTION ||
                         kind == LUA_TTABLE,
                     3, "string/function/table");
    if (kind == LUA_TNUMBER)
        lua_tolstring(L, 3, NULL);
    begin(&m, L, text, size, p, pattern_size);
    p += anchored;
    luaL_buffinit(L, &b);
    while (n < most) {
        const char *e;
        begin_at_place(&m);
        e = match_here(&m, s, p);
        if (e && e != last) {
            n++;
            changed = add_replacement(&m, &b, s, e, kind) || changed;
            s = last = e;
        } else if (s < m.end) {
            luaL_addchar(&b, *s++);
        } else {
            break;
        }
        if (anchored)
            break;
    }
    if (changed) {
        luaL_addlstring(&b, s, (size_t)(m.end - s));
        luaL_pushresult(&b);
    } else {
        lua_pushvalue(L, 1);
    }
    lua_pushinteger(L, n);
    return 2;
}
