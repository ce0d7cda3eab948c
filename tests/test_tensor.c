/* test_tensor.c: the ground floor: memory, errors, shapes, orders of axes, sums, the bundle, the parallel loop. */
#include "tensor/arena.h"
#include "tensor/bundle.h"
#include "tensor/error.h"
#include "tensor/par.h"
#include "tensor/rng.h"
#include "tensor/tensor.h"
#include "tests/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- error ---- */

TEST(error_first_one_wins)
{
    fl_error e = {0};
    CHECK(fl_error_set(&e, FL_MISFIT, "expected %d, got %d", 3, 4) == FL_MISFIT);
    CHECK(fl_error_set(&e, FL_FAILED, "a consequence") == FL_MISFIT);
    CHECK(e.status == FL_MISFIT && strcmp(e.message, "expected 3, got 4") == 0);
    fl_error_where(&e, "conv%d", 1);
    fl_error_where(&e, "weights.pth");
    CHECK(strcmp(e.message, "weights.pth: conv1: expected 3, got 4") == 0);
    fl_error_clear(&e);
    CHECK(e.status == FL_OK && e.message[0] == 0);
    fl_error_where(&e, "nothing to say");
    CHECK(e.message[0] == 0);
    CHECK(fl_error_set(NULL, FL_LIMIT, "nobody listens") == FL_LIMIT);
    fl_error_where(NULL, "nobody");
}

TEST(error_long_messages_end_in_time)
{
    char long_name[3 * FL_MESSAGE_SIZE];
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = 0;
    fl_error e = {0};
    fl_error_set(&e, FL_UNREADABLE, "%s", long_name);
    CHECK(strlen(e.message) == FL_MESSAGE_SIZE - 1);
    fl_error_where(&e, "file");
    CHECK(strncmp(e.message, "file: xxx", 9) == 0 && strlen(e.message) == FL_MESSAGE_SIZE - 1);
    fl_error_where(&e, "%s", long_name);
    CHECK(strlen(e.message) == FL_MESSAGE_SIZE - 1);
}

static void assert_false(void) { fl_assert(1 + 1 == 3); }
static void assert_true(void) { fl_assert(1 + 1 == 2); }

/* The signal that ended a child process which ran f (0: it ended by itself); its last words go nowhere. */
static int signal_of(void (*f)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
        f();
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(error_assert_stops_in_release_too)
{
    CHECK(signal_of(assert_false) == SIGABRT);
    CHECK(signal_of(assert_true) == 0);
}

/* ---- arena ---- */

static bool all_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i]) return false;
    return true;
}

TEST(arena_memory_is_aligned_zeroed_and_apart)
{
    fl_error e = {0};
    fl_arena a;
    fl_arena_init(&a, &e);
    unsigned char *before = NULL;
    size_t size_before = 0;
    for (size_t size = 0; size < 300000; size = size * 2 + 1) {
        unsigned char *p = fl_arena_array(&a, size, 1);
        if (!CHECK(p && (uintptr_t)p % 64 == 0 && all_zero(p, size))) break;
        memset(p, 0xAB, size);
        for (size_t i = 0; i < size_before; i++)
            if (before[i] != 0xCD) { CHECK(before[i] == 0xCD); break; }
        memset(p, 0xCD, size);
        before = p;
        size_before = size;
    }
    unsigned char *huge = fl_arena_array(&a, 9 << 20, 1);                 /* on 2 MiB pages */
    CHECK(huge && (uintptr_t)huge % 64 == 0 && all_zero(huge, 9 << 20));
    CHECK(e.status == FL_OK && a.used >= 9 << 20 && a.peak == a.used);
    fl_arena_free(&a);
    CHECK(a.used == 0 && a.peak == 0 && !a.blocks && !a.spare && a.error == &e);
}

TEST(arena_release_gives_the_same_memory_again_zeroed)
{
    fl_arena a;
    fl_arena_init(&a, NULL);
    fl_mark empty = fl_arena_mark(&a);
    char *kept = FL_NEW(&a, char, 100);
    snprintf(kept, sizeof "kept", "kept");
    size_t used = a.used;
    fl_mark m = fl_arena_mark(&a);
    unsigned char *small = FL_NEW(&a, unsigned char, 1000), *large = FL_NEW(&a, unsigned char, 5 << 20);
    if (!CHECK(small && large)) return;
    memset(small, 1, 1000);
    memset(large, 1, 5 << 20);
    size_t peak = a.peak;
    fl_arena_release(&a, m);
    CHECK(a.used == used && a.peak == peak);
    CHECK(FL_NEW(&a, unsigned char, 1000) == small && all_zero(small, 1000));
    CHECK(FL_NEW(&a, unsigned char, 5 << 20) == large && all_zero(large, 5 << 20));
    CHECK(a.peak == peak);                                                /* nothing new came from the system */
    CHECK(strcmp(kept, "kept") == 0);
    fl_arena_release(&a, empty);
    CHECK(a.used == 0 && !a.blocks && a.spare);
    CHECK(FL_NEW(&a, unsigned char, 5 << 20) == large);         /* not the small block, which is spare too */
    fl_arena_free(&a);
}

/* What one takes the other cannot; what it gives back is there again. Blocks that are free do not stay with an arena that has a limit. */
TEST(arena_two_share_one_limit)
{
    fl_error e = {0};
    fl_arena a, b;
    fl_arena_init(&a, &e);
    fl_arena_init_beside(&b, &a);
    CHECK(fl_arena_left(&b) == SIZE_MAX);
    a.limit = 10 << 20;
    const fl_mark empty = fl_arena_mark(&b);
    CHECK(FL_NEW(&a, char, 4 << 20) && FL_NEW(&b, char, 5 << 20) && fl_arena_left(&a) == 1 << 20 && fl_arena_left(&b) == 1 << 20);
    CHECK(!FL_NEW(&b, char, 2 << 20) && e.status == FL_LIMIT && strstr(e.message, "--mem 13M"));
    fl_error_clear(&e);
    CHECK(b.used == 5 << 20 && fl_arena_charged(&b) == 9 << 20 && a.used == 4 << 20);
    fl_arena_release(&b, empty);
    CHECK(!b.spare && b.peak == 5 << 20 && fl_arena_left(&a) == 6 << 20);
    CHECK(fl_arena_sleep(&b, 20 << 20) && e.status == FL_OK && fl_arena_left(&a) == 6 << 20);
    fl_arena_wake(&b, 2 << 20);
    CHECK(fl_arena_left(&a) == 4 << 20);
    fl_arena_free(&b);
    CHECK(fl_arena_left(&b) == 6 << 20 && a.charged == a.used);
    fl_arena_free(&a);
    CHECK(a.charged == 0 && fl_arena_left(&a) == 10 << 20);
}

TEST(arena_limits_and_failures_are_reported)
{
    fl_error e = {0};
    fl_arena a;
    fl_arena_init(&a, &e);
    a.limit = 10000;
    CHECK(FL_NEW(&a, char, 9000) != NULL && e.status == FL_OK);
    CHECK(FL_NEW(&a, char, 2000) == NULL && e.status == FL_LIMIT && strstr(e.message, "10000"));
    fl_error_clear(&e);
    CHECK(FL_NEW(&a, char, 500) != NULL && e.status == FL_OK);            /* the arena still works */
    a.limit = 0;
    CHECK(fl_arena_array(&a, SIZE_MAX / 4, 8) == NULL && e.status == FL_FAILED);   /* the product wraps around */
    fl_error_clear(&e);
    CHECK(fl_arena_array(&a, SIZE_MAX / 2 / 8 + 1, 8) == NULL && e.status == FL_FAILED);
    fl_error_clear(&e);

    for (long k = 1; k <= 5; k++) {
        fl_arena_fail_at(k);
        int failed = 0;
        for (int i = 1; i <= 5; i++) failed += FL_NEW(&a, int, 3) == NULL ? i : 0;
        CHECK(failed == k && fl_arena_count() == 5 && e.status == FL_FAILED);
        fl_error_clear(&e);
    }
    fl_arena_fail_at(0);
    CHECK(FL_NEW(&a, int, 3) != NULL && fl_arena_count() == 1);
    CHECK(strcmp(fl_arena_text(&a, "%s-%04d", "clip", 7), "clip-0007") == 0);
    fl_arena_fail_at(1);
    CHECK(fl_arena_text(&a, "never") == NULL);
    fl_arena_fail_at(0);
    fl_arena_free(&a);
}

/* ---- shapes and orders ---- */

TEST(tensor_shapes)
{
    const fl_shape s = {2, 3, 4, 5, 6};
    CHECK(fl_shape_count(s) == 720 && fl_shape_pixels(s) == 240);
    CHECK(fl_shape_equal(s, s) && !fl_shape_equal(s, (fl_shape){2, 3, 4, 5, 7}));
    CHECK(!fl_shape_equal(s, (fl_shape){1, 3, 4, 5, 6}) && !fl_shape_equal(s, (fl_shape){2, 3, 5, 4, 6}));
    CHECK(fl_shape_valid(s));
    CHECK(!fl_shape_valid((fl_shape){2, 3, 0, 5, 6}) && !fl_shape_valid((fl_shape){2, 3, 4, 5, -6}));
    CHECK(fl_shape_valid((fl_shape){1 << 20, 1 << 20, 1, 1, 1}));
    CHECK(!fl_shape_valid((fl_shape){1 << 20, 1 << 20, 2, 1, 1}));
    CHECK(!fl_shape_valid((fl_shape){1 << 30, 1 << 30, 1 << 30, 1 << 30, 1 << 30}));   /* a product that wraps */
    fl_shape_text text = {""};
    CHECK(strcmp(fl_shape_print(s, &text), "2,3,4,5,6") == 0);
    CHECK(fl_shape_equal(fl_shape_vector(7, 9), (fl_shape){7, 9, 1, 1, 1}));
}

TEST(tensor_file_order_there_and_back)
{
    enum { N = 2 * 3 * 4 * 5 * 6 };
    const fl_shape s = {2, 3, 4, 5, 6};
    static real file[N], memory[N], back[N];
    for (int i = 0; i < N; i++) file[i] = (real)i;
    fl_from_file_order(s, file, memory);
    fl_to_file_order(s, memory, back);
    CHECK(memcmp(file, back, sizeof file) == 0);
    int wrong = 0, i = 0;
    for (int n = 0; n < 2; n++) for (int c = 0; c < 3; c++) for (int t = 0; t < 4; t++)
        for (int h = 0; h < 5; h++) for (int w = 0; w < 6; w++, i++) {
            wrong += memory[fl_at(s, n, c, t, h, w)] != (real)i;
            wrong += fl_at(s, n, c, t, h, w) != (((n * 4 + t) * 5 + h) * 6 + w) * 3 + c;
        }
    CHECK(wrong == 0);
}

TEST(tensor_new_is_zero_or_reports)
{
    fl_error e = {0};
    fl_arena a;
    fl_arena_init(&a, &e);
    fl_tensor t = fl_tensor_new(&a, (fl_shape){2, 3, 1, 4, 5});
    CHECK(t.data && fl_shape_equal(t.shape, (fl_shape){2, 3, 1, 4, 5}) && fl_norm(t.data, 120) == 0);
    fl_arena_fail_at(1);
    t = fl_tensor_new(&a, (fl_shape){2, 3, 1, 4, 5});
    fl_arena_fail_at(0);
    CHECK(!t.data && e.status == FL_FAILED);
    fl_arena_free(&a);
}

/* ---- plain arrays ---- */

TEST(tensor_sums)
{
    enum { N = 100000 };                                     /* many blocks, the last one not full */
    static real a[N], b[N];
    for (int i = 0; i < N; i++) {
        a[i] = (real)(i % 1000);
        b[i] = (real)(i % 2 ? 1 : -2);
    }
    CHECK(fl_sum(a, N) == 100 * 499500.0);                   /* integers: exact in double */
    CHECK(fl_dot(a, b, N) == 100 * (250000.0 - 2 * 249500.0));
    CHECK(fl_norm(b, N) == sqrt((double)N / 2 * 5.0));
    CHECK(fl_sum(a, 0) == 0 && fl_dot(a, b, 0) == 0);
    real low, high;
    fl_min_max(a, N, &low, &high);
    CHECK(low == 0 && high == 999);
    fl_min_max(b + 1, 1, &low, &high);
    CHECK(low == 1 && high == 1);
    fl_scale(b, R(0.5), N);
    CHECK(b[0] == -1 && b[N - 1] == R(0.5));
    fl_add_into(b, a, N);
    CHECK(b[0] == -1 && b[1] == R(1.5) && b[N - 1] == R(999.5));
}

TEST(tensor_sum_of_small_numbers_keeps_them)
{
    static real a[1 << 20];
    for (int i = 0; i < 1 << 20; i++) a[i] = R(0.1);
    double want = (double)R(0.1) * (1 << 20);
    CHECK_NEAR(fl_sum(a, 1 << 20), want, want * 1e-12);      /* a float32 accumulator would be off by 1e-3 */
}

TEST(tensor_relative_error)
{
    const real want[2] = {3, 4}, got[2] = {3, R(4.5)}, zero[2] = {0, 0};
    CHECK(fl_relative_error(want, want, 2) == 0);
    CHECK_NEAR(fl_relative_error(got, want, 2), 0.1, 1e-15);
    CHECK_NEAR(fl_relative_error(want, zero, 2), 5.0, 1e-15);
    const real broken[2] = {3, (real)NAN};
    CHECK(!(fl_relative_error(broken, want, 2) < 1));        /* not a number must not pass for small */
}

/* The published test vectors of FNV-1a, 64 bit. */
TEST(tensor_hash_is_fnv1a)
{
    CHECK(fl_hash("", 0) == 0xcbf29ce484222325u);
    CHECK(fl_hash("a", 1) == 0xaf63dc4c8601ec8cu);
    CHECK(fl_hash("foobar", 6) == 0x85944171f73967e8u);
}

/* ---- bundle ---- */

TEST(bundle_names_are_unique)
{
    fl_error e = {0};
    fl_arena a;
    fl_bundle b;
    fl_arena_init(&a, &e);
    fl_bundle_init(&b, &a);
    const real data[6] = {1, 2, 3, 4, 5, 6};
    char name[32] = "conv1.weight";
    CHECK(fl_bundle_add(&b, name, 2, (const int64_t[]){2, 3}, data) == FL_OK);
    strcpy(name, "changed");                                 /* the bundle has its own copy */
    CHECK(fl_bundle_add(&b, "scalar", 0, NULL, data) == FL_OK);
    const fl_entry *entry = fl_bundle_find(&b, "conv1.weight");
    CHECK(entry && entry->axes == 2 && entry->size[0] == 2 && entry->size[1] == 3 && entry->data == data);
    CHECK(entry && fl_entry_count(entry) == 6);
    CHECK(fl_entry_count(fl_bundle_find(&b, "scalar")) == 1);
    CHECK(!fl_bundle_find(&b, "changed") && !fl_bundle_find(&b, "conv1"));
    CHECK(fl_bundle_add(&b, "scalar", 1, (const int64_t[]){6}, data) == FL_UNREADABLE);
    CHECK(strstr(e.message, "'scalar'") != NULL);
    fl_error_clear(&e);
    const int64_t nine[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    CHECK(fl_bundle_add(&b, "nine", 9, nine, data) == FL_UNREADABLE);
    fl_error_clear(&e);
    CHECK(fl_bundle_add(&b, "minus", -1, nine, data) == FL_UNREADABLE);
    fl_error_clear(&e);
    CHECK(fl_bundle_add(&b, "eight", 8, nine, data) == FL_OK && b.count == 3);
    fl_arena_free(&a);
}

/* Value i is source[0] + i; counts what it was asked for. */
static int64_t values_read;
static void read_counting(const fl_entry *e, int64_t first, int64_t count, real *to)
{
    for (int64_t i = 0; i < count; i++) to[i] = *(const real *)e->source + (real)(first + i);
    values_read += count;
}

TEST(bundle_reads_on_demand)
{
    fl_error err = {0};
    fl_arena a;
    fl_bundle b;
    real base = 100, got[8] = {0}, data[6] = {1, 2, 3, 4, 5, 6};
    fl_arena_init(&a, &err);
    fl_bundle_init(&b, &a);
    CHECK(fl_bundle_add_source(&b, "far", 2, (const int64_t[]){2, 3}, read_counting, &base) == FL_OK);
    CHECK(fl_bundle_add(&b, "near", 2, (const int64_t[]){2, 3}, data) == FL_OK);
    CHECK(fl_bundle_add_source(&b, "far", 0, NULL, read_counting, &base) == FL_UNREADABLE);
    values_read = 0;
    fl_entry_read(fl_bundle_find(&b, "far"), 2, 3, got + 1);
    CHECK(got[0] == 0 && got[1] == 102 && got[2] == 103 && got[3] == 104 && got[4] == 0 && values_read == 3);
    fl_entry_read(fl_bundle_find(&b, "near"), 4, 2, got);
    fl_entry_read(fl_bundle_find(&b, "near"), 6, 0, got);
    CHECK(got[0] == 5 && got[1] == 6 && got[2] == 103);
    fl_arena_free(&a);
}

TEST(bundle_grows_and_survives_failing_memory)
{
    fl_error e = {0};
    fl_arena a;
    fl_bundle b;
    fl_arena_init(&a, &e);
    fl_bundle_init(&b, &a);
    const real one = 1;
    for (int i = 0; i < 500; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        if (i % 7 == 3) {
            fl_arena_fail_at(1);
            CHECK(fl_bundle_add(&b, name, 1, (const int64_t[]){1}, &one) == FL_FAILED && !fl_bundle_find(&b, name));
            fl_arena_fail_at(0);
            fl_error_clear(&e);
        }
        CHECK(fl_bundle_add(&b, name, 1, (const int64_t[]){1}, &one) == FL_OK);
    }
    CHECK(b.count == 500 && fl_bundle_find(&b, "p0") && fl_bundle_find(&b, "p499"));
    fl_arena_free(&a);
}

/* ---- parallel ---- */

TEST(par_every_item_once_whatever_the_threads)
{
    enum { N = 1000 };
    static int visits[N], thread[N];
    for (int threads = 1; threads <= 16; threads++) {
        fl_threads_set(threads);
        memset(visits, 0, sizeof visits);
        FL_PARALLEL(i, N, 1e9) {
            visits[i]++;
            thread[i] = fl_thread();
        }
        for (int i = 0; i < N; i++) CHECK(visits[i] == 1 && thread[i] >= 0 && thread[i] < fl_threads());
    }
    int entered = 0;
    FL_PARALLEL(i, 0, 1e9) { entered += (int)i + 1; }
    CHECK(entered == 0);
    fl_threads_set(0);
}

/* So that from loop to loop a thread meets the same part of the arrays; and none is left to one who does not come. */
TEST(par_a_thread_begins_with_its_own_share_and_goes_on_with_the_others)
{
    fl_threads_set(3);
    fl_shares s;
    fl_share(&s, 10, 1e9);
    const int first = s.threads > 1 ? 3 : 0;
    fl_turn turn = {s.threads > 1 ? 1 : 0, s.threads};
    for (int64_t i = 0; i < 10; i++) CHECK(fl_take(&s, &turn) == (first + i) % 10);
    CHECK(fl_take(&s, &turn) == -1 && turn.left == 0);
    fl_share(&s, 10, 0);
    CHECK(s.threads == 1);
    fl_threads_set(0);
}

TEST(par_thread_count_is_clamped)
{
    fl_threads_set(0);
    const int normal = fl_threads();
    CHECK(normal >= 1 && normal <= FL_MAX_THREADS);
    fl_threads_set(1 << 20);
    CHECK(fl_threads() >= 1 && fl_threads() <= FL_MAX_THREADS);
    fl_threads_set(0);
    CHECK(fl_threads() == normal);
}

TEST(par_same_bits_for_1_to_16_threads)
{
    enum { N = 300001 };
    static real a[N], b[N], sum[N], first[N];
    fl_rng_fill_normal(1, 0, 0, a, N);
    fl_rng_fill_normal(1, 1, 0, b, N);
    double dot = 0;
    for (int threads = 1; threads <= 16; threads++) {
        fl_threads_set(threads);
        memcpy(sum, a, sizeof sum);
        fl_add_into(sum, b, N);
        const double got = fl_dot(sum, b, N);
        if (threads == 1) {
            dot = got;
            memcpy(first, sum, sizeof sum);
        }
        CHECK(got == dot && memcmp(sum, first, sizeof sum) == 0);
    }
    fl_threads_set(0);
}
