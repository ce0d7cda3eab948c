/* runs.c: where the elements of a slice lie, and moving them. */
#include "autograd/runs.h"

#include "tensor/axpy.h"
#include "tensor/par.h"

#include <string.h>

fl_runs fl_runs_along(fl_shape s, int axis)
{
    static const int place[5] = {0, 4, 1, 2, 3};                 /* of N,C,T,H,W in memory */
    const int memory[5] = {s.n, s.t, s.h, s.w, s.c};
    fl_runs r = {1, memory[place[axis]], 1};
    for (int i = 0; i < place[axis]; i++) r.outer *= memory[i];
    for (int i = place[axis] + 1; i < 5; i++) r.inner *= memory[i];
    return r;
}

/* Items of about ITEM elements: some runs, or a part of one. */
enum { ITEM = 1 << 14 };

/* Runs in an item; the length of a piece, and how many a run has. */
typedef struct fl_items { int64_t runs, length, pieces, count; } fl_items;

static fl_items items_of(int64_t count, int64_t run)
{
    fl_items k = {.runs = run < ITEM ? ITEM / run : 1, .length = run < ITEM ? run : ITEM};
    k.pieces = run < ITEM ? 1 : (run + ITEM - 1) / ITEM;
    k.count = (count + k.runs - 1) / k.runs * k.pieces;
    return k;
}

/* What item i moves: runs first .. end-1, elements at .. at+length-1 of each. */
typedef struct fl_share_of_runs { int64_t first, end, at, length; } fl_share_of_runs;

static fl_share_of_runs share_of(const fl_items *k, int64_t i, int64_t count, int64_t run)
{
    const int64_t first = i / k->pieces * k->runs, at = i % k->pieces * k->length;
    return (fl_share_of_runs){first, first + k->runs < count ? first + k->runs : count, at, run - at < k->length ? run - at : k->length};
}

void fl_runs_copy(int64_t count, int64_t run, const real *from, int64_t from_step, real *to, int64_t to_step)
{
    if (run <= 0) return;
    const fl_items k = items_of(count, run);
    FL_PARALLEL(i, k.count, count * run) {
        const fl_share_of_runs s = share_of(&k, i, count, run);
        const size_t bytes = (size_t)s.length * sizeof(real);
        for (int64_t r = s.first; r < s.end; r++) {
            if (from) memcpy(to + r * to_step + s.at, from + r * from_step + s.at, bytes);
            else memset(to + r * to_step + s.at, 0, bytes);
        }
    }
}

void fl_runs_add(int64_t count, int64_t run, const real *from, int64_t from_step, real *to, int64_t to_step)
{
    const fl_items k = items_of(count, run);
    FL_PARALLEL(i, k.count, count * run) {
        const fl_share_of_runs s = share_of(&k, i, count, run);
        for (int64_t r = s.first; r < s.end; r++) fl_axpy(s.length, 1, from + r * from_step + s.at, to + r * to_step + s.at);
    }
}
