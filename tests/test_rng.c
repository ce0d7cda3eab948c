/* test_rng.c: known values, distributions, independence of streams, and the reference's formula parameters. */
#include "tensor/math.h"
#include "tensor/par.h"
#include "tensor/kernels.h"
#include "tensor/rng.h"
#include "tests/test.h"

#include <limits.h>
#include <stdlib.h>

/* Pearson's statistic against equal expectations: about bins-1, standard deviation sqrt(2 (bins-1)). */
static double chi_square(const int *count, int bins, double expected)
{
    double sum = 0;
    for (int i = 0; i < bins; i++) sum += (count[i] - expected) * (count[i] - expected) / expected;
    return sum;
}

static bool plausible(double chi, int bins) { return fabs(chi - (bins - 1)) < 5.0 * sqrt(2.0 * (bins - 1)); }

/* From ten lines of Python with big integers, written after the formula in rng.h: every machine must agree. */
TEST(rng_known_values)
{
    CHECK(fl_rng_bits(0, 0, 0) == 0x7abd647bbc8cfe31u);
    CHECK(fl_rng_bits(0, 0, 1) == 0xb9cc94bb9c638481u);
    CHECK(fl_rng_bits(0, 1, 0) == 0x65d567f783f5cffcu);
    CHECK(fl_rng_bits(1, 0, 0) == 0xef31e771b4fd3d12u);
    CHECK(fl_rng_bits(UINT64_MAX, UINT64_MAX, UINT64_MAX) == 0x0000000000000000u);
    CHECK(fl_rng_bits(42, 7, 123456789) == 0x065f811c65d0d35du);
    const double normal[3] = {1.484390242666362, -0.2657851637831937, 1.3902848324755754};
    for (uint64_t i = 0; i < 3; i++) CHECK_NEAR(fl_rng_normal(42, 7, i), normal[i], 1e-15);
    CHECK_NEAR(fl_rng_normal(42, 7, 12345), -1.4693388710921154, 1e-15);
    const int below[6] = {308, 695, 619, 178, 890, 154};
    for (uint64_t i = 0; i < 6; i++) CHECK(fl_rng_below(42, 7, i, 1000) == below[i]);
    CHECK(fl_rng_below(42, 7, 0, INT_MAX) == 662506233 && fl_rng_below(42, 7, 2, INT_MAX) == 1331302963);
}

/* FNV-1a and splitmix64 by the same Python; the empty name is the offset basis of FNV. */
TEST(rng_formula_parameters)
{
    const struct { const char *name; uint64_t hash, top[4]; } known[] = {
        {"conv1.weight", 0x69a29a2cee47d254u, {9144840, 12501739, 10143170, 16734164}},
        {"input:tiny", 0xe380f99652b9fa45u, {8884606, 1017765, 13774554, 9095072}},
        {"", 0xcbf29ce484222325u, {12812668, 1051866, 11090905, 41150}},
        {"gr\xc3\xb6\xc3\x9f" "e", 0xb7450e1ef58140dau, {11121985, 11427516, 2413902, 16102371}},
    };
    const uint64_t index[4] = {0, 1, 1000000, (uint64_t)1 << 33};
    for (int i = 0; i < 4; i++) {
        uint64_t h = fl_rng_name(known[i].name);
        CHECK(h == known[i].hash);
        for (int k = 0; k < 4; k++) CHECK(fl_rng_named(h, index[k]) == (double)known[i].top[k] / 16777216.0);
    }
}

TEST(rng_uniform_is_uniform)
{
    enum { N = 1000000, BINS = 256 };
    static int high[BINS], low[BINS];
    double sum = 0, square = 0;
    for (uint64_t i = 0; i < N; i++) {
        double u = fl_rng_uniform(5, 0, i);
        if (!CHECK(u >= 0 && u < 1 && u * 0x1p53 == floor(u * 0x1p53))) return;
        sum += u;
        square += u * u;
        high[(int)(u * BINS)]++;
        low[(int)(u * 0x1p53 - floor(u * 0x1p45) * BINS)]++;     /* the last 8 of the 53 bits */
    }
    CHECK_NEAR(sum / N, 0.5, 5.0 * sqrt(1.0 / 12 / N));
    CHECK_NEAR(square / N, 1.0 / 3, 5.0 * sqrt(4.0 / 45 / N));
    CHECK(plausible(chi_square(high, BINS, (double)N / BINS), BINS));
    CHECK(plausible(chi_square(low, BINS, (double)N / BINS), BINS));
}

TEST(rng_normal_is_normal)
{
    enum { N = 400000, BINS = 128 };
    static int count[BINS];
    double moment[5] = {0}, neighbours = 0, before = 0;
    for (uint64_t i = 0; i < N; i++) {
        double z = fl_rng_normal(6, 1, i), power = 1;
        for (int k = 1; k <= 4; k++) moment[k] += power *= z;
        neighbours += z * before;
        before = z;
        double cdf = 0.5 * (1.0 + fl_erf64(z / sqrt(2.0)));
        count[cdf < 1 ? (int)(cdf * BINS) : BINS - 1]++;
    }
    CHECK_NEAR(moment[1] / N, 0.0, 5.0 * sqrt(1.0 / N));
    CHECK_NEAR(moment[2] / N, 1.0, 5.0 * sqrt(2.0 / N));
    CHECK_NEAR(moment[3] / N, 0.0, 5.0 * sqrt(15.0 / N));
    CHECK_NEAR(moment[4] / N, 3.0, 5.0 * sqrt(96.0 / N));
    CHECK_NEAR(neighbours / N, 0.0, 5.0 * sqrt(1.0 / N));        /* the two of a pair share their uniforms */
    CHECK(plausible(chi_square(count, BINS, (double)N / BINS), BINS));
}

/* Neighbouring seeds, streams and indices, and seed against stream: no correlation, no common values. */
TEST(rng_streams_are_independent)
{
    enum { N = 100000 };
    double sum[4] = {0};
    for (uint64_t i = 0; i < N; i++) {
        double u = fl_rng_uniform(7, 3, i) - 0.5;
        sum[0] += u * (fl_rng_uniform(8, 3, i) - 0.5);
        sum[1] += u * (fl_rng_uniform(7, 4, i) - 0.5);
        sum[2] += u * (fl_rng_uniform(7, 3, i + 1) - 0.5);
        sum[3] += u * (fl_rng_uniform(3, 7, i) - 0.5);
    }
    for (int k = 0; k < 4; k++) CHECK_NEAR(sum[k] / N, 0.0, 5.0 / 12 / sqrt(N));
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

TEST(rng_no_value_twice)
{
    enum { SEEDS = 8, STREAMS = 64, EACH = 256, ALL = SEEDS * STREAMS * EACH };
    static uint64_t value[ALL];
    for (int i = 0; i < ALL; i++)
        value[i] = fl_rng_bits((uint64_t)(i / STREAMS / EACH), (uint64_t)(i / EACH % STREAMS), (uint64_t)(i % EACH));
    qsort(value, ALL, sizeof *value, by_value);
    int twice = 0;
    for (int i = 1; i < ALL; i++) twice += value[i] == value[i - 1];
    CHECK_SAY(twice == 0, "%d of %d values come twice", twice, ALL);      /* expected number: 5e-10 */
}

static int ones(uint64_t u)
{
    int n = 0;
    for (; u; u &= u - 1) n++;
    return n;
}

TEST(rng_every_input_bit_changes_half_of_the_output)
{
    for (int bit = 0; bit < 64; bit++) {
        int changed[3] = {0};
        const uint64_t flip = (uint64_t)1 << bit;
        for (uint64_t i = 0; i < 400; i++) {
            uint64_t base = fl_rng_bits(9, 5, i);
            changed[0] += ones(base ^ fl_rng_bits(9 ^ flip, 5, i));
            changed[1] += ones(base ^ fl_rng_bits(9, 5 ^ flip, i));
            changed[2] += ones(base ^ fl_rng_bits(9, 5, i ^ flip));
        }
        for (int k = 0; k < 3; k++) CHECK_NEAR(changed[k] / 400.0, 32.0, 5.5 * sqrt(16.0 / 400));
    }
}

TEST(rng_below_is_uniform)
{
    enum { N = 70000 };
    int count[7] = {0};
    for (uint64_t i = 0; i < N; i++) {
        int k = fl_rng_below(10, 0, i, 7);
        if (!CHECK(k >= 0 && k < 7)) return;
        count[k]++;
        CHECK(fl_rng_below(10, 0, i, 1) == 0);
    }
    CHECK(plausible(chi_square(count, 7, N / 7.0), 7));
}

TEST(rng_shuffle_gives_every_order)
{
    enum { N = 48000 };
    int order[256] = {0}, count[24] = {0}, found = 0;
    fl_rng rng = {11, 0, 0};
    for (int i = 0; i < N; i++) {
        int item[4] = {0, 1, 2, 3};
        fl_rng_shuffle(item, 4, &rng);
        order[item[0] | item[1] << 2 | item[2] << 4 | item[3] << 6]++;
    }
    for (int i = 0; i < 256; i++)
        if (order[i] && found < 24) count[found++] = order[i];
        else CHECK(order[i] == 0);                                        /* a 25th code would not be a permutation */
    CHECK(found == 24 && plausible(chi_square(count, 24, N / 24.0), 24));
    CHECK(rng.index == 3 * N);

    int many[1000], seen[1000] = {0}, moved = 0;
    for (int i = 0; i < 1000; i++) many[i] = i;
    fl_rng_shuffle(many, 1000, &rng);
    for (int i = 0; i < 1000; i++) {
        seen[many[i]]++;
        moved += many[i] != i;
    }
    for (int i = 0; i < 1000; i++) CHECK(seen[i] == 1);
    CHECK(moved > 980);
}

TEST(rng_cursor_and_fill_agree_with_the_function)
{
    enum { N = 10001 };
    static real one[N], four[N];
    fl_threads_set(1);
    fl_rng_fill_normal(12, 2, 5, one, N);
    fl_threads_set(4);
    fl_rng_fill_normal(12, 2, 5, four, N);
    fl_threads_set(0);
    fl_rng rng = {12, 2, 5};
    int different = 0;
    for (int i = 0; i < N; i++) different += one[i] != four[i] || one[i] != (real)fl_rng_next_normal(&rng);
    CHECK(different == 0 && rng.index == 5 + N);
    CHECK(fl_rng_next_uniform(&rng) == fl_rng_uniform(12, 2, 5 + N));
    CHECK(fl_rng_next_below(&rng, 100) == fl_rng_below(12, 2, 6 + N, 100));
}

/* Runs are written for vectors, single numbers are not: every bit of the doubles is the same, from odd places and in odd lengths too. */
TEST(rng_runs_have_the_bits_of_single_numbers_from_every_instruction_set)
{
    enum { N = 5001 };
    static double run[N];
    for (int isa = 0; fl_isa_available(isa); isa++) {
        fl_isa_choose(fl_isa_available(isa), NULL);
        for (int first = 4; first <= 5; first++) {
            fl_rng_normals(3, 8, (uint64_t)first, run, N);
            int different = 0;
            for (int i = 0; i < N; i++) different += run[i] != fl_rng_normal(3, 8, (uint64_t)first + (uint64_t)i);
            CHECK_SAY(different == 0, "%s: %d of %d", fl_isa_available(isa), different, N);
        }
    }
    fl_isa_choose(NULL, NULL);
}
