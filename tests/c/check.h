/* Checks for C tests: each prints what it found; main returns check_finish(). With
 * DAMLUA_TEST_STOP in the environment the first failure ends the program. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

static int checks_passed, checks_failed;

#define CHECK(condition, ...)                                                      \
    do {                                                                           \
        if (condition) {                                                           \
            checks_passed++;                                                       \
        } else {                                                                   \
            checks_failed++;                                                       \
            fprintf(stderr, "%s:%d: FAILED %s: ", __FILE__, __LINE__, #condition); \
            fprintf(stderr, __VA_ARGS__);                                          \
            fputc('\n', stderr);                                                   \
            if (getenv("DAMLUA_TEST_STOP"))                                        \
                exit(1);                                                           \
        }                                                                          \
    } while (0)

static inline int check_finish(void)
{
    printf("%d passed, %d failed\n", checks_passed, checks_failed);
    return checks_failed > 0 || checks_passed == 0;
}

/* Sanitizers look at memory and threads: for them a part of a large grid is enough. */
#if defined(__SANITIZE_ADDRESS__)
#define CHECK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CHECK_SANITIZED 1
#endif
#endif
#ifndef CHECK_SANITIZED
#define CHECK_SANITIZED 0
#endif

/* The tables of all instruction sets that this machine has. */
#define FOR_EACH_ISA(kernels)                         \
    for (int isa_ = 0; isa_ < 3; isa_++)              \
        if (dam_kernels_named(isa_ == 0   ? "scalar"  \
                              : isa_ == 1 ? "avx2"    \
                                          : "avx512", \
                              &kernels, &(dam_error){0}) == DAM_OK)

#endif
