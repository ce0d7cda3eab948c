/* sample.c: a rule gives the k-th position, which may lie beyond the end; one place brings it back. */
#include "io/sample.h"
#include "tensor/rng.h"

#include <stdbool.h>
#include <string.h>

typedef fl_sample_options options;

static int parts(const options *o, int n) { return n / o->frames; }      /* r: at least 1 where it is used */

static int64_t long_range_last(const options *o, int n, int k)
{
    return n - 1 - (int64_t)(o->frames - 1 - k) * parts(o, n);
}

/* 0, r, 2r, ... < n has ceil(n / r) entries; entry number `of the last T`. */
static int part_of(const options *o, int n, int k)
{
    int r = parts(o, n);
    return (n + r - 1) / r - o->frames + k;
}

static int64_t long_range_first(const options *o, int n, int k) { return (int64_t)part_of(o, n, k) * parts(o, n); }

static int64_t long_range_random(const options *o, int n, int k)
{
    int r = parts(o, n), begin = part_of(o, n, k) * r;
    bool last = begin + r >= n;
    return begin + fl_rng_below(o->seed, o->stream, (uint64_t)(begin / r), last ? n - begin : r);
}

static int64_t segments(const options *o, int n,
                        int k) { return (2 * (int64_t)k + 1) * n / (2 * (int64_t)o->frames); }

static int stride_of(const options *o) { return o->stride ? o->stride : 1; }
static int clips_of(const options *o) { return o->clips ? o->clips : 1; }
static int positions(const options *o, int n) { return n / stride_of(o) - o->frames + 1; }

static int64_t dense(const options *o, int n, int k)
{
    int m = positions(o, n);
    int64_t p = m < 1 ? 0 : (int64_t)m * (2 * o->clip + 1) / (2 * clips_of(o));
    return (p + k) * stride_of(o);
}

/* Draws until the position is new; with more clips than positions they repeat after all of them were used. */
static int64_t random_dense(const options *o, int n, int k)
{
    int m = positions(o, n), p = 0, drawn[FL_SAMPLE_CLIPS] = {0};
    uint64_t draw = 0;
    for (int c = 0; m > 0 && c <= o->clip; c++) {
        bool again = true;
        while (again) {
            p = fl_rng_below(o->seed, o->stream, draw++, m);
            again = false;
            for (int j = c / m * m; j < c; j++) again = again || drawn[j] == p;
        }
        drawn[c] = p;
    }
    return ((int64_t)p + k) * stride_of(o);
}

static int64_t stride(const options *o, int n, int k)
{
    (void)n;
    return o->start + (int64_t)k * stride_of(o);
}

static const struct rule {
    const char *name;
    int64_t (*at)(const options *, int n, int k);
    bool spread;                     /* over the whole clip: asks for n >= T and then never passes the end */
} rules[] = {
    {"long_range_last", long_range_last, true}, {"long_range_first", long_range_first, true},
    {"long_range_random", long_range_random, true}, {"segments", segments, true},
    {"dense", dense, false}, {"random", random_dense, false}, {"stride", stride, false},
};
enum { RULES = sizeof rules / sizeof rules[0] };

const char *fl_sample_rule(int i) { return i >= 0 && i < RULES ? rules[i].name : NULL; }

static const struct rule *find_rule(const options *o)
{
    const char *name = o->rule ? o->rule : o->stride > 0 || o->start > 0 ? "stride" : "long_range_last";
    for (int i = 0; i < RULES; i++)
        if (strcmp(rules[i].name, name) == 0) return &rules[i];
    return NULL;
}

static fl_status check(const options *o, const struct rule *rule, int n, fl_error *err)
{
    if (!rule)
        return fl_error_set(err, FL_USAGE, "no sampling rule '%s'; there are long_range_last, long_range_first, "
                            "long_range_random, segments, dense, random, stride", o->rule);
    if (n < 1 || o->frames < 1)
        return fl_error_set(err, FL_USAGE, "sampling needs at least 1 frame in and out, got %d and %d", n, o->frames);
    if (o->stride < 0 || o->start < 0 || o->start >= n)
        return fl_error_set(err, FL_USAGE, "a start of 0 to %d and a stride of at least 1 expected, got %d and %d",
                            n - 1, o->start, o->stride);
    if (o->clip < 0 || o->clip >= clips_of(o) || clips_of(o) > FL_SAMPLE_CLIPS)
        return fl_error_set(err, FL_USAGE, "a clip of 1 to %d clips expected, got %d of %d", FL_SAMPLE_CLIPS,
                            o->clip + 1, o->clips);
    return FL_OK;
}

fl_status fl_sample(const fl_sample_options *o, int n, int *index, fl_error *err)
{
    const struct rule *rule = find_rule(o);
    fl_status status = check(o, rule, n, err);
    if (status != FL_OK) return status;
    bool spread = rule->spread && n >= o->frames;
    for (int k = 0; k < o->frames; k++) {
        int64_t at = rule->spread && !spread ? k : rule->at(o, n, k);
        if (at >= n && o->short_clip == FL_SHORT_ERROR)
            return fl_error_set(err, FL_USAGE, "the clip has %d frames, frame %lld is needed; give --short clamp "
                                "(repeat "
                                "the last frame) or --short loop, or take fewer frames", n, (long long)at);
        if (at >= n) at = o->short_clip == FL_SHORT_LOOP ? at % n : n - 1;
        index[k] = (int)at;
    }
    return FL_OK;
}

fl_status fl_short_clip_named(const char *name, fl_short_clip *s, fl_error *err)
{
    static const char *const names[] = {"clamp", "loop", "error"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *s = (fl_short_clip)i;
        return FL_OK;
    }
    return fl_error_set(err, FL_USAGE, "short clips: clamp, loop or error expected, got '%s'", name);
}
