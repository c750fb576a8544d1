#include "npy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

/* NumPy itself writes headers of a few hundred bytes. */
#define HEADER_MAX 65536
#define HEADER_ALIGNMENT 64
#define CHUNK_BYTES 65536

/* What an NPY header says. */
typedef struct {
    char descr[24];
    char kind; /* 'f', 'i', 'u' or 'b' */
    int size;  /* bytes of an element */
    bool swap; /* not this machine's byte order */
    bool fortran;
    int rank;
    int64_t shape[DAM_ARRAY_MAX_RANK];
} npy_header;

static bool big_endian_host(void)
{
    const uint16_t one = 1;
    unsigned char first;

    memcpy(&first, &one, 1);
    return first == 0;
}

/* The header's text, a Python dictionary, being read. */
typedef struct {
    const char *p, *end;
    const char *name;
    dam_error *e;
} parser;

static dam_status corrupt(const parser *s, const char *why)
{
    return dam_fail(s->e, DAM_ERR_IO, "%.600s: not a valid NPY file: %s", s->name, why);
}

static void skip_space(parser *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
        s->p++;
}

/* Takes `c` (after space) if it is next. */
static bool take(parser *s, char c)
{
    skip_space(s);
    if (s->p < s->end && *s->p == c) {
        s->p++;
        return true;
    }
    return false;
}

static bool take_word(parser *s, const char *word)
{
    size_t n = strlen(word);

    skip_space(s);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return false;
    s->p += n;
    return true;
}

static dam_status parse_string(parser *s, char *out, size_t size)
{
    char quote;
    size_t n = 0;

    skip_space(s);
    if (s->p == s->end || (*s->p != '\'' && *s->p != '"'))
        return corrupt(s, "a quoted word is missing in its header");
    quote = *s->p++;
    for (; s->p < s->end && *s->p != quote; s->p++) {
        unsigned char c = (unsigned char)*s->p;
        if (c < 32 || c > 126 || c == '\\' || n + 1 >= size)
            return corrupt(s, "a word in its header is not one that NumPy writes");
        out[n++] = (char)c;
    }
    if (s->p == s->end)
        return corrupt(s, "a quote in its header is not closed");
    s->p++;
    out[n] = 0;
    return DAM_OK;
}

static dam_status parse_length(parser *s, int64_t *out)
{
    int64_t v = 0;
    bool digits = false;

    skip_space(s);
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
        digits = true;
        if (__builtin_mul_overflow(v, (int64_t)10, &v) ||
            __builtin_add_overflow(v, (int64_t)(*s->p - '0'), &v))
            return corrupt(s, "a length in its shape is too large");
    }
    if (!digits)
        return corrupt(s, "its shape is not a tuple of lengths");
    take(s, 'L'); /* Python 2 */
    *out = v;
    return DAM_OK;
}

static dam_status parse_shape(parser *s, npy_header *h)
{
    bool comma = true;

    h->rank = 0;
    if (!take(s, '('))
        return corrupt(s, "its shape is not a tuple of lengths");
    while (!take(s, ')')) {
        if (!comma)
            return corrupt(s, "a comma is missing in its shape");
        if (h->rank == DAM_ARRAY_MAX_RANK)
            return dam_fail(s->e, DAM_ERR_IO, "%.600s: more than %d dimensions are not supported",
                            s->name, DAM_ARRAY_MAX_RANK);
        if (parse_length(s, &h->shape[h->rank++]))
            return s->e->status;
        comma = take(s, ',');
    }
    return DAM_OK;
}

static dam_status unsupported(const parser *s, const char *descr)
{
    return dam_fail(s->e, DAM_ERR_IO,
                    "%.600s: elements of type '%s' are not supported: expected float32, float64, "
                    "integers or booleans (in NumPy: a.astype('<f8'))",
                    s->name, descr);
}

static dam_status parse_descr(parser *s, npy_header *h)
{
    static const char *const known[] = {"f4", "f8", "i1", "i2", "i4", "i8",
                                        "u1", "u2", "u4", "u8", "b1", NULL};
    const char *type = h->descr;
    bool big = big_endian_host();

    skip_space(s);
    if (s->p < s->end && *s->p == '[')
        return unsupported(s, "structure");
    if (parse_string(s, h->descr, sizeof h->descr))
        return s->e->status;
    if (strchr("<>|=", *type) && *type) {
        if (*type == '<' || *type == '>')
            big = *type == '>';
        type++;
    }
    for (int i = 0; known[i]; i++)
        if (strcmp(type, known[i]) == 0) {
            h->kind = type[0];
            h->size = type[1] - '0';
            h->swap = big != big_endian_host();
            return DAM_OK;
        }
    return unsupported(s, h->descr);
}

static dam_status parse_order(parser *s, npy_header *h)
{
    if (take_word(s, "True"))
        h->fortran = true;
    else if (take_word(s, "False"))
        h->fortran = false;
    else
        return corrupt(s, "fortran_order is neither True nor False");
    return DAM_OK;
}

/* {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } */
static dam_status parse_header(parser *s, npy_header *h)
{
    enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };
    char key[24];
    int seen = 0, which;
    bool comma = true;

    if (!take(s, '{'))
        return corrupt(s, "its header is not a dictionary");
    while (!take(s, '}')) {
        if (!comma)
            return corrupt(s, "a comma is missing in its header");
        if (parse_string(s, key, sizeof key))
            return s->e->status;
        which = strcmp(key, "descr") == 0           ? DESCR
                : strcmp(key, "fortran_order") == 0 ? ORDER
                : strcmp(key, "shape") == 0         ? SHAPE
                                                    : 0;
        if (!which || (seen & which) || !take(s, ':'))
            return corrupt(s, "its header has an unexpected key");
        seen |= which;
        if (which == DESCR   ? parse_descr(s, h)
            : which == ORDER ? parse_order(s, h)
                             : parse_shape(s, h))
            return s->e->status;
        comma = take(s, ',');
    }
    skip_space(s);
    if (s->p != s->end)
        return corrupt(s, "its header goes on after its end");
    if (seen != ALL)
        return corrupt(s, "its header lacks descr, fortran_order or shape");
    return DAM_OK;
}

/* The header's text, of header_size bytes, from where f stands; releases it again. */
static dam_status read_dictionary(FILE *f, size_t size, const char *name, npy_header *h,
                                  dam_error *e)
{
    char *text = malloc(size + 1);
    parser s = {text, NULL, name, e};

    if (!text)
        return dam_fail(e, DAM_ERR_MEMORY, "%.600s: no memory for its header", name);
    s.end = text + size;
    if (fread(text, 1, size, f) != size)
        corrupt(&s, "it ends within its header");
    else if (parse_header(&s, h) == DAM_OK)
        e->status = DAM_OK;
    free(text);
    return e->status;
}

static dam_status read_header(FILE *f, const char *name, npy_header *h, dam_error *e)
{
    unsigned char head[12];
    parser s = {NULL, NULL, name, e};
    size_t size, length_bytes;

    memset(h, 0, sizeof *h);
    if (fread(head, 1, 8, f) != 8 || memcmp(head, DAM_NPY_MAGIC, DAM_NPY_MAGIC_SIZE) != 0)
        return corrupt(&s, "it does not begin with the letters that NPY files begin with");
    if (head[6] < 1 || head[6] > 3)
        return dam_fail(e, DAM_ERR_IO, "%.600s: version %d of the NPY format is not known", name,
                        head[6]);
    length_bytes = head[6] == 1 ? 2 : 4;
    if (fread(head + 8, 1, length_bytes, f) != length_bytes)
        return corrupt(&s, "it ends within its header");
    size = (size_t)head[8] | (size_t)head[9] << 8;
    if (length_bytes == 4)
        size |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    if (size > HEADER_MAX)
        return corrupt(&s, "its header is too long");
    return read_dictionary(f, size, name, h, e);
}

/* Compares what the header claims with the bytes that are there. */
static dam_status check_size(const npy_header *h, FILE *f, const char *name, dam_error *e)
{
    long here = ftell(f), end;
    uint64_t bytes = (uint64_t)h->size, present;

    if (h->rank == 0)
        return dam_fail(e, DAM_ERR_IO, "%.600s: holds a single number, not an array (shape ())",
                        name);
    for (int i = 0; i < h->rank; i++) {
        if (h->shape[i] == 0)
            return dam_fail(e, DAM_ERR_IO, "%.600s: holds an empty array (a length of 0)", name);
        if (__builtin_mul_overflow(bytes, (uint64_t)h->shape[i], &bytes))
            bytes = UINT64_MAX / 2; /* more than any file; a zero may still follow */
    }
    if (here < 0 || fseek(f, 0, SEEK_END) != 0 || (end = ftell(f)) < here ||
        fseek(f, here, SEEK_SET) != 0)
        return dam_fail(e, DAM_ERR_IO, "%.600s: cannot be read: %s", name, strerror(errno));
    present = (uint64_t)(end - here);
    if (present < bytes)
        return dam_fail(e, DAM_ERR_IO,
                        "%.600s: truncated: its header claims %llu bytes of data, it holds %llu",
                        name, (unsigned long long)bytes, (unsigned long long)present);
    if (present > bytes)
        return dam_fail(e, DAM_ERR_IO,
                        "%.600s: %llu bytes follow its data: not the file of one array", name,
                        (unsigned long long)(present - bytes));
    return DAM_OK;
}

static double decode_integer(uint64_t bits, const npy_header *h)
{
    int unused = 64 - 8 * h->size;

    if (h->kind == 'i')
        return (double)((int64_t)(bits << unused) >> unused);
    return (double)bits;
}

static double decode(const unsigned char *p, const npy_header *h)
{
    uint64_t bits = 0;
    bool reverse = h->swap != big_endian_host(); /* the file's order is big-endian */

    for (int i = 0; i < h->size; i++)
        bits |= (uint64_t)p[reverse ? h->size - 1 - i : i] << (8 * i);
    if (h->kind == 'b')
        return bits ? 1 : 0;
    if (h->kind != 'f')
        return decode_integer(bits, h);
    if (h->size == 8) {
        double v;
        memcpy(&v, &bits, sizeof v);
        return v;
    } else {
        uint32_t low = (uint32_t)bits;
        float v;
        memcpy(&v, &low, sizeof v);
        return v;
    }
}

/* Steps the indices of an element in Fortran order and returns its place in C order. */
static int64_t fortran_next(const dam_array *a, int64_t *at)
{
    int64_t offset = 0;

    for (int i = 0; i < a->rank; i++)
        offset = offset * a->shape[i] + at[i];
    for (int i = 0; i < a->rank && ++at[i] == a->shape[i]; i++)
        at[i] = 0;
    return offset;
}

static dam_status read_data(dam_array *a, const npy_header *h, FILE *f, const char *name,
                            dam_error *e)
{
    unsigned char chunk[CHUNK_BYTES];
    int64_t at[DAM_ARRAY_MAX_RANK] = {0};
    int64_t per_chunk = CHUNK_BYTES / h->size;

    for (int64_t done = 0; done < a->count;) {
        int64_t n = a->count - done < per_chunk ? a->count - done : per_chunk;
        if (fread(chunk, (size_t)h->size, (size_t)n, f) != (size_t)n)
            return dam_fail(e, DAM_ERR_IO, "%.600s: cannot be read: %s", name,
                            ferror(f) ? strerror(errno) : "it became shorter meanwhile");
        for (int64_t i = 0; i < n; i++)
            a->data[h->fortran ? fortran_next(a, at) : done + i] = decode(chunk + i * h->size, h);
        done += n;
    }
    return DAM_OK;
}

dam_status dam_npy_read(dam_array *a, FILE *f, const char *name, dam_error *e)
{
    npy_header h;

    memset(a, 0, sizeof *a);
    if (read_header(f, name, &h, e) || check_size(&h, f, name, e) ||
        dam_array_create(a, h.rank, h.shape, e))
        return e->status;
    if (read_data(a, &h, f, name, e))
        dam_array_close(a);
    else
        e->status = DAM_OK;
    return e->status;
}

dam_status dam_npy_load(dam_array *a, const char *path, dam_error *e)
{
    FILE *f = NULL;
    struct stat st;

    memset(a, 0, sizeof *a);
    /* Asked before opening: opening a pipe would wait for its other end. */
    if (dam_file_stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return dam_fail(e, DAM_ERR_IO, "%.600s: is not a regular file", path);
    f = dam_file_reader(path);
    if (!f)
        return dam_fail(e, DAM_ERR_IO, "%.600s: cannot be opened: %s", path,
                        dam_file_reason(errno));
    e->status = dam_npy_read(a, f, path, e);
    fclose(f);
    return e->status;
}

static size_t make_header(const dam_array *a, unsigned char *out, size_t size)
{
    char *text = (char *)out + 10;
    size_t room = size - 10, n, total;

    n = (size_t)snprintf(text, room, "{'descr': '<f8', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < a->rank; i++)
        n += (size_t)snprintf(text + n, room - n, "%lld,%s", (long long)a->shape[i],
                              i + 1 < a->rank ? " " : "");
    if (a->rank > 1)
        n--; /* (2, 3), but (2,) */
    n += (size_t)snprintf(text + n, room - n, "), }");
    total = (10 + n + 1 + HEADER_ALIGNMENT - 1) / HEADER_ALIGNMENT * HEADER_ALIGNMENT;
    memset(text + n, ' ', total - 10 - n);
    out[total - 1] = '\n';
    memcpy(out, DAM_NPY_MAGIC "\x01", 8); /* the string's end is the minor version */
    out[8] = (unsigned char)(total - 10);
    out[9] = (unsigned char)((total - 10) >> 8);
    return total;
}

static bool write_data(int fd, const dam_array *a)
{
    unsigned char chunk[CHUNK_BYTES];
    int64_t per_chunk = CHUNK_BYTES / 8;

    if (!big_endian_host())
        return dam_write_all(fd, a->data, (size_t)a->count * 8);
    for (int64_t done = 0; done < a->count;) {
        int64_t n = a->count - done < per_chunk ? a->count - done : per_chunk;
        for (int64_t i = 0; i < n; i++) {
            uint64_t bits;
            memcpy(&bits, a->data + done + i, 8);
            for (int b = 0; b < 8; b++)
                chunk[8 * i + b] = (unsigned char)(bits >> (8 * b));
        }
        if (!dam_write_all(fd, chunk, (size_t)n * 8))
            return false;
        done += n;
    }
    return true;
}

static bool write_array(int fd, void *context)
{
    const dam_array *a = context;
    unsigned char header[512];
    size_t size = make_header(a, header, sizeof header);

    return dam_write_all(fd, header, size) && write_data(fd, a);
}

dam_status dam_npy_save(const dam_array *a, const char *path, dam_error *e)
{
    return dam_file_save(path, write_array, (void *)a, e);
}
