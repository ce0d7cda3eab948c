/* bench_layer.c: reads a layer's description and times one of its three passes. */
#include "io/cli/bench_layer.h"

#include "tensor/rng.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST = 1 << 20 };

/* Numbers with a separator between them, from the first to the last letter of text; 0 when it is not so. */
static int read_numbers(const char *text, char separator, int most, int *number)
{
    for (int count = 0; count < most;) {
        char *end;
        long n = strtol(text, &end, 10);
        if (*text < '0' || *text > '9' || n < 1 || n > LARGEST) return 0;
        number[count++] = (int)n;
        if (*end == 0) return count;
        if (*end != separator) return 0;
        text = end + 1;
    }
    return 0;
}

/* One word of the description. stride comes as one, two (time, space) or three numbers. */
static bool read_word(const char *word, fl_conv *c)
{
    int n[3] = {0}, count;
    if (strchr(word, '>')) {
        if (read_numbers(word, '>', 2, n) != 2) return false;
        c->x.c = n[0];
        c->y.c = n[1];
    } else if (*word == '@') {
        if (read_numbers(word + 1, 'x', 3, n) != 3) return false;
        c->x.t = n[0], c->x.h = n[1], c->x.w = n[2];
    } else if (*word == 's') {
        count = read_numbers(word + 1, ',', 3, n);
        for (int i = 0; i < 3 && count; i++) c->win.s[i] = n[count == 3 ? i : count == 2 && i ? 1 : 0];
        return count > 0;
    } else if (*word == 'g') {
        return read_numbers(word + 1, ',', 1, &c->groups) == 1;
    } else {
        count = read_numbers(word, 'x', 3, n);
        for (int i = 0; i < 3; i++) c->win.k[i] = n[count == 3 ? i : 0];
        return count == 1 || count == 3;
    }
    return true;
}

static fl_status complete(const char *text, fl_conv *c, fl_error *error)
{
    if (!c->x.c || !c->x.t || !c->win.k[0])
        return fl_error_set(error, FL_USAGE, "layer '%s': %s is missing; expected something like '64>128 3x3x3 "
                            "s1,2,2 @16x56x56'", text, !c->x.c ? "IN>OUT" : !c->x.t ? "@TxHxW" : "the kernel");
    if (c->x.c % c->groups || c->y.c % c->groups)
        return fl_error_set(error, FL_USAGE, "layer '%s': %d groups do not divide %d and %d channels", text,
                            c->groups, c->x.c, c->y.c);
    const int length[3] = {c->x.t, c->x.h, c->x.w};
    int *const result[3] = {&c->y.t, &c->y.h, &c->y.w};
    for (int i = 0; i < 3; i++) {
        c->win.d[i] = 1;
        c->win.lo[i] = c->win.hi[i] = c->win.k[i] / 2;
        *result[i] = fl_window_extent(&c->win, i, length[i]);
    }
    const int64_t weight = (int64_t)c->win.k[0] * c->win.k[1] * c->win.k[2] * c->x.c;
    if (!fl_shape_valid(c->x) || !fl_shape_valid(c->y) || weight > INT64_C(1) << 32)
        return fl_error_set(error, FL_USAGE, "layer '%s': the kernel does not fit, or the layer is too large", text);
    return FL_OK;
}

fl_status fl_layer_parse(const char *text, int batch, fl_conv *c, fl_error *error)
{
    *c = (fl_conv){.win = {.s = {1, 1, 1}}, .groups = 1};
    c->x.n = c->y.n = batch;
    for (const char *p = text + strspn(text, " "); *p; p += strspn(p, " ")) {
        char word[64] = "";
        const size_t n = strcspn(p, " ");
        if (n < sizeof word) memcpy(word, p, n);
        if (!read_word(word, c))
            return fl_error_set(error, FL_USAGE, "layer '%s': cannot make sense of '%.*s'; expected IN>OUT KERNEL "
                                "[sSTRIDE] [gGROUPS] @TxHxW, for example '64>128 3x3x3 s1,2,2 @16x56x56'", text,
                                (int)n, p);
        p += n;
    }
    return complete(text, c, error);
}

typedef struct job {
    const fl_conv *conv;
    fl_conv_pass pass;
    real *x, *y, *w, *packed;
    void *scratch;
} job;

static void run_job(void *user)
{
    const job *j = user;
    if (j->pass == FL_CONV_FORWARD) fl_conv_forward(j->conv, j->x, j->packed, NULL, j->y, j->scratch);
    else if (j->pass == FL_CONV_TO_INPUT) fl_conv_to_input(j->conv, j->y, j->packed, j->x, j->scratch);
    else fl_conv_to_weights(j->conv, j->x, j->y, j->w, j->scratch);
}

fl_status fl_layer_time(fl_arena *arena, const fl_conv *c, fl_conv_pass pass, int repeat, fl_times *times,
                        size_t *bytes)
{
    const size_t before = arena->used;
    const int64_t weights = (int64_t)c->y.c * (c->x.c / c->groups) * c->win.k[0] * c->win.k[1] * c->win.k[2];
    job j = {.conv = c, .pass = pass};
    j.x = FL_NEW(arena, real, fl_shape_count(c->x));
    j.y = FL_NEW(arena, real, fl_shape_count(c->y));
    j.w = FL_NEW(arena, real, weights);
    j.packed = FL_NEW(arena, real, pass == FL_CONV_TO_WEIGHTS ? 1 : fl_conv_packed_count(c, pass));
    j.scratch = FL_NEW(arena, char, fl_conv_scratch(c, pass));
    if (!j.x || !j.y || !j.w || !j.packed || !j.scratch) return arena->error->status;
    *bytes = arena->used - before;
    fl_rng_fill_normal(0, 0, 0, j.x, fl_shape_count(c->x));
    fl_rng_fill_normal(0, 1, 0, j.y, fl_shape_count(c->y));
    fl_rng_fill_normal(0, 2, 0, j.w, weights);
    if (pass != FL_CONV_TO_WEIGHTS) fl_conv_pack(c, pass, j.w, j.packed);
    return fl_time_work(arena, run_job, &j, repeat, times);
}
