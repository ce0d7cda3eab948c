/* test_io_sample.c: frame indices: the examples of the study, the rules by their definition, clips that are too
 * short. */
#include "io/sample.h"
#include "tests/test.h"

#include <string.h>

static fl_status sample(fl_sample_options o, int n, int *index, fl_error *err)
{
    fl_error none = {0};
    fl_error *e = err ? err : &none;
    fl_error_clear(e);
    return fl_sample(&o, n, index, e);
}

/* index = first, first + step, ... */
static void check_run(fl_sample_options o, int n, int first, int step)
{
    int index[64];
    CHECK(sample(o, n, index, NULL) == FL_OK);
    for (int k = 0; k < o.frames; k++)
        CHECK_SAY(index[k] == first + k * step, "%s, n = %d: index %d is %d", o.rule ? o.rule : "default", n, k,
                  index[k]);
}

TEST(io_sample_examples_of_the_study)
{
    check_run((fl_sample_options){.frames = 16}, 100, 9, 6);
    check_run((fl_sample_options){.frames = 16, .rule = "long_range_last"}, 100, 9, 6);
    check_run((fl_sample_options){.frames = 16, .rule = "long_range_first"}, 100, 6, 6);
    check_run((fl_sample_options){.frames = 16, .rule = "long_range_last"}, 33, 2, 2);
    check_run((fl_sample_options){.frames = 16, .rule = "long_range_first"}, 33, 2, 2);
    check_run((fl_sample_options){.frames = 8, .rule = "long_range_first"}, 16, 0, 2);
    check_run((fl_sample_options){.frames = 8, .rule = "long_range_last"}, 16, 1, 2);
    check_run((fl_sample_options){.frames = 16}, 16, 0, 1);
    /* floor(n / f) - T + 1 = 100/6 - 15 = 1 start; 100/2 - 15 = 35: floor(35 * 1 / 2) = 17, of three: 5, 17, 29 */
    check_run((fl_sample_options){.frames = 16, .rule = "dense", .stride = 6}, 100, 0, 6);
    check_run((fl_sample_options){.frames = 16, .rule = "dense", .stride = 2}, 100, 34, 2);
    for (int i = 0; i < 3; i++)
        check_run((fl_sample_options){.frames = 16, .rule = "dense", .stride = 2, .clip = i, .clips = 3}, 100,
                  10 + 24 * i, 2);
}

TEST(io_sample_stride_and_start)
{
    check_run((fl_sample_options){.frames = 5, .stride = 3}, 100, 0, 3);
    check_run((fl_sample_options){.frames = 5, .stride = 3, .start = 7}, 20, 7, 3);
    check_run((fl_sample_options){.frames = 5, .start = 7}, 20, 7, 1);
    check_run((fl_sample_options){.frames = 5, .rule = "stride"}, 20, 0, 1);
}

TEST(io_sample_segments_take_the_middle)
{
    int index[8];
    CHECK(sample((fl_sample_options){.frames = 8, .rule = "segments"}, 100, index, NULL) == FL_OK);
    const int want[8] = {6, 18, 31, 43, 56, 68, 81, 93};         /* 12.5 k + 6.25 */
    CHECK(memcmp(index, want, sizeof want) == 0);
    check_run((fl_sample_options){.frames = 8, .rule = "segments"}, 8, 0, 1);
    check_run((fl_sample_options){.frames = 1, .rule = "segments"}, 9, 4, 1);
}

/* Every rule that spreads, for every n and T: inside, ascending, and the gaps are those of the rule. */
TEST(io_sample_spread_rules_stay_inside)
{
    for (int i = 0; fl_sample_rule(i); i++) {
        const char *rule = fl_sample_rule(i);
        if (strcmp(rule, "stride") == 0) continue;
        for (int frames = 1; frames <= 20; frames++) {
            for (int n = frames; n < 90; n++) {
                int index[20], bad = 0;
                sample((fl_sample_options){.frames = frames, .rule = rule, .seed = 5, .short_clip = FL_SHORT_ERROR},
                       n, index, NULL);
                for (int k = 0; k < frames; k++)
                    bad += index[k] < 0 || index[k] >= n || (k && index[k] <= index[k - 1]);
                CHECK_SAY(bad == 0, "%s, %d of %d", rule, frames, n);
                if (strcmp(rule, "long_range_last") == 0) CHECK(index[frames - 1] == n - 1);
            }
        }
    }
}

TEST(io_sample_random_rules)
{
    int a[16], b[16], hits[6] = {0};
    fl_sample_options o = {.frames = 16, .rule = "long_range_random", .seed = 3};
    sample(o, 100, a, NULL);
    sample(o, 100, b, NULL);
    CHECK(memcmp(a, b, sizeof a) == 0);
    o.stream = 1;
    sample(o, 100, b, NULL);
    CHECK(memcmp(a, b, sizeof a) != 0);
    /* 100 frames in parts of 6: 17 parts, of which the last 16 count; part p holds 6p .. 6p+5, the last one 96 ..
     * 99 */
    for (uint64_t s = 0; s < 1000; s++) {
        o.stream = s;
        sample(o, 100, a, NULL);
        for (int k = 0; k < 16; k++) CHECK(a[k] / 6 == k + 1);
        hits[a[4] % 6]++;
    }
    for (int i = 0; i < 6; i++) CHECK_SAY(hits[i] > 110 && hits[i] < 230, "place %d: %d of 1000", i, hits[i]);
    /* 20 starts, 20 clips: every start once; the 21st clip begins a new round */
    int seen[20] = {0};
    for (int c = 0; c < 21; c++) {
        sample((fl_sample_options){.frames = 16, .rule = "random", .seed = 9, .clip = c, .clips = 21}, 35, a, NULL);
        for (int k = 1; k < 16; k++) CHECK(a[k] == a[0] + k);
        CHECK(a[0] >= 0 && a[0] < 20);
        if (c < 20) seen[a[0]]++;
    }
    for (int i = 0; i < 20; i++) CHECK(seen[i] == 1);
}

TEST(io_sample_short_clips)
{
    fl_error err = {0};
    int index[8];
    const int clamped[8] = {0, 1, 2, 2, 2, 2, 2, 2}, looped[8] = {0, 1, 2, 0, 1, 2, 0, 1};
    static const char *const rules[] = {"long_range_last", "long_range_first", "long_range_random", "segments",
                                        "dense", "random", "stride"};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        fl_sample_options o = {.frames = 8, .rule = rules[i]};
        CHECK(sample(o, 3, index, &err) == FL_OK && memcmp(index, clamped, sizeof index) == 0);
        o.short_clip = FL_SHORT_LOOP;
        CHECK(sample(o, 3, index, &err) == FL_OK && memcmp(index, looped, sizeof index) == 0);
        o.short_clip = FL_SHORT_ERROR;
        CHECK(sample(o, 3, index, &err) == FL_USAGE && strstr(err.message, "3 frames"));
    }
    const int strided[8] = {1, 4, 7, 9, 9, 9, 9, 9}, around[8] = {1, 4, 7, 0, 3, 6, 9, 2};
    CHECK(sample((fl_sample_options){.frames = 8, .start = 1, .stride = 3}, 10, index, &err) == FL_OK);
    CHECK(memcmp(index, strided, sizeof index) == 0);
    CHECK(sample((fl_sample_options){.frames = 8, .start = 1, .stride = 3, .short_clip = FL_SHORT_LOOP}, 10, index,
                 &err) == FL_OK);
    CHECK(memcmp(index, around, sizeof index) == 0);
}

TEST(io_sample_refuses)
{
    int index[8];
    fl_error err;
    err = (fl_error){0};
    CHECK(sample((fl_sample_options){.frames = 8, .rule = "longest"}, 10, index, &err) == FL_USAGE
          && strstr(err.message, "longest"));
    CHECK(sample((fl_sample_options){.frames = 0}, 10, index, &err) == FL_USAGE);
    CHECK(sample((fl_sample_options){.frames = 8}, 0, index, &err) == FL_USAGE);
    CHECK(sample((fl_sample_options){.frames = 8, .start = 10}, 10, index, &err) == FL_USAGE);
    CHECK(sample((fl_sample_options){.frames = 8, .start = -1}, 10, index, &err) == FL_USAGE);
    CHECK(sample((fl_sample_options){.frames = 8, .stride = -1}, 10, index, &err) == FL_USAGE);
    CHECK(sample((fl_sample_options){.frames = 8, .rule = "dense", .clip = 2, .clips = 2}, 10, index,
                 &err) == FL_USAGE);
    CHECK(sample((fl_sample_options){.frames = 8, .rule = "dense", .clips = 65}, 10, index, &err) == FL_USAGE);
    fl_short_clip s;
    fl_error_clear(&err);
    CHECK(fl_short_clip_named("loop", &s, &err) == FL_OK && s == FL_SHORT_LOOP);
    CHECK(fl_short_clip_named("mirror", &s, &err) == FL_USAGE && strstr(err.message, "mirror"));
}
