/* test.h: the whole test framework.
 *
 *     TEST(room_what_is_true) { CHECK(condition); CHECK_NEAR(got, want, tolerance); }
 *
 * A test registers itself. A failed check is printed with its place and the test goes on; a test fails when
 * one of its checks failed. `build/tests/all [PREFIX ...]` runs the tests whose names start so, and ends
 * with "N passed, N failed". Tests that need ../shared skip themselves with SKIP("why"). */
#ifndef FL_TEST_H
#define FL_TEST_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct fl_test {
    const char *name;
    void (*run)(void);
    struct fl_test *next;
} fl_test;

void fl_test_register(fl_test *);
bool fl_test_check(bool ok, const char *file, int line, const char *format, ...) __attribute__((format(printf, 4, 5)));
void fl_test_skip(const char *why);
bool fl_test_big(void);     /* whether tests that take long are wanted: not with BIG=0 in the environment */

#define TEST(id)                                                                   \
    static void test_##id(void);                                                   \
    static fl_test entry_##id = {#id, test_##id, NULL};                            \
    __attribute__((constructor)) static void register_##id(void) { fl_test_register(&entry_##id); } \
    static void test_##id(void)

#define CHECK(condition)            fl_test_check((condition), __FILE__, __LINE__, "%s", #condition)
#define CHECK_SAY(condition, ...)   fl_test_check((condition), __FILE__, __LINE__, __VA_ARGS__)
#define CHECK_NEAR(got, want, tolerance) fl_test_near((got), (want), (tolerance), __FILE__, __LINE__, #got)
#define SKIP(why) do { fl_test_skip(why); return; } while (0)

static inline bool fl_test_near(double got, double want, double tolerance, const char *file, int line, const char *what)
{
    return fl_test_check(fabs(got - want) <= tolerance, file, line, "%s = %.17g, wanted %.17g within %g",
                         what, got, want, tolerance);
}

/* The folder with shared reference data (FOOTLIGHT_SHARED, else ../shared), or NULL when it is not there. */
const char *fl_test_shared(void);

/* Runs a shell command, keeps at most size-1 bytes of what it prints on stdout, returns its exit code (128+signal when killed).
 * The program under test is in the environment variable FOOTLIGHT. A scratch folder of this test alone, gone after it: fl_test_folder(). */
int fl_test_shell(char *output, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
const char *fl_test_folder(void);

#endif
