/* Thousands of damaged NPY files: each is refused with a message or read, never more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/memory.h"
#include "../../src/npy.h"

#define ROUNDS 20000

static uint64_t state = 20240917;

static uint64_t draw(uint64_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
}

static size_t sample(unsigned char *out, int which)
{
    static const char *const headers[] = {
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }          \n",
        "{'descr': '>i4', 'fortran_order': True, 'shape': (3, 2, 2), }\n",
        "{'descr': '|b1', 'fortran_order': False, 'shape': (48,), }\n",
        "{\"descr\": \"<f4\", 'fortran_order': True, 'shape': (1, 12L), }",
    };
    const char *text = headers[which];
    size_t n = strlen(text), start = which % 2 ? 12 : 10;

    memcpy(out, DAM_NPY_MAGIC, DAM_NPY_MAGIC_SIZE);
    out[6] = which % 2 ? 2 : 1;
    out[7] = 0;
    memset(out + 8, 0, 4);
    out[8] = (unsigned char)n;
    memcpy(out + start, text, n);
    for (size_t i = 0; i < 48; i++)
        out[start + n + i] = (unsigned char)i;
    return start + n + 48;
}

static size_t damage(unsigned char *file, size_t size)
{
    static const char interesting[] = "(){}[]'\",:0123456789L<>|= TrueFals\\\n\xff";

    for (uint64_t k = 1 + draw(4); k > 0; k--) {
        size_t at = draw(size), n = 1 + draw(8);
        switch (draw(5)) {
        case 0:
            file[at] = (unsigned char)draw(256);
            break;
        case 1:
            file[at] = (unsigned char)interesting[draw(sizeof interesting - 1)];
            break;
        case 2: /* shorter */
            size = size - at > 1 ? at + 1 : size;
            break;
        case 3: /* a piece is lost */
            n = n < size - at ? n : size - at;
            memmove(file + at, file + at + n, size - at - n);
            size = size > n + 1 ? size - n : 1;
            break;
        default: /* a piece appears twice */
            n = n < size - at ? n : size - at;
            memmove(file + at + n, file + at, size - at);
            size += n;
        }
    }
    return size;
}

int main(void)
{
    unsigned char file[1024];
    dam_array a;
    dam_error e;
    int read = 0, refused = 0;

    for (int round = 0; round < ROUNDS; round++) {
        size_t size = sample(file, round % 4);
        FILE *f;
        if (round >= 4)
            size = damage(file, size);
        f = fmemopen(file, size, "rb");
        e.message[0] = 0;
        if (dam_npy_read(&a, f, "fuzz.npy", &e) == DAM_OK) {
            read++;
            if (a.count < 1 || a.count > 1024 || !a.data)
                return fprintf(stderr, "round %d: a strange array\n", round), 1;
            dam_array_close(&a);
        } else {
            refused++;
            if (a.data || !strstr(e.message, "fuzz.npy") || e.status == DAM_OK)
                return fprintf(stderr, "round %d: a strange refusal: %s\n", round, e.message), 1;
        }
        fclose(f);
        if (round == 3 && read != 4)
            return fprintf(stderr, "an undamaged file was refused: %s\n", e.message), 1;
    }
    if (dam_memory_live() != 0)
        return fprintf(stderr, "memory was left behind\n"), 1;
    printf("%d read, %d refused\n", read, refused);
    return refused > ROUNDS / 4 ? 0 : 1;
}
