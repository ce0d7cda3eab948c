/* runs.c: where the elements of a slice lie. */
#include "autograd/runs.h"

int *fl_shape_axis(fl_shape *s, int axis)
{
    int *const list[5] = {&s->n, &s->c, &s->t, &s->h, &s->w};
    fl_assert(axis >= 0 && axis < 5);
    return list[axis];
}

fl_runs fl_runs_along(fl_shape s, int axis)
{
    static const int place[5] = {0, 4, 1, 2, 3};                 /* of N,C,T,H,W in memory */
    const int memory[5] = {s.n, s.t, s.h, s.w, s.c};
    fl_runs r = {1, memory[place[axis]], 1};
    for (int i = 0; i < place[axis]; i++) r.outer *= memory[i];
    for (int i = place[axis] + 1; i < 5; i++) r.inner *= memory[i];
    return r;
}
