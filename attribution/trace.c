/* trace.c: an explanation in a plan that keeps everything, then the clip's own values and signals once more, then the element. */
#include "attribution/trace.h"

#include "attribution/explainer.h"

#include <math.h>
#include <string.h>

bool fl_trace_possible(const fl_method *m)
{
    return m->level == FL_LEVEL_INPUT && (m->driver == &fl_drive_backward || m->driver == &fl_drive_rules);
}

static void find_place(const fl_map *m, const int wanted[4], int place[4])
{
    const fl_shape s = m->shape;
    double most = -1;
    for (int64_t i = 0; i < fl_shape_count(s); i++) {
        const int64_t p = i / s.c;
        const int at[4] = {(int)(i % s.c), (int)(p / s.w / s.h), (int)(p / s.w % s.h), (int)(p % s.w)};
        if ((wanted[0] >= 0 && at[0] != wanted[0]) ||
            (wanted[1] >= 0 && (at[1] != wanted[1] || at[2] != wanted[2] || at[3] != wanted[3])) || !(fabs((double)m->data[i]) > most))
            continue;
        most = fabs((double)m->data[i]);
        memcpy(place, at, sizeof at);
    }
}

static fl_status check_place(const fl_shape s, const int place[4], fl_error *err)
{
    if (place[0] >= s.c) return fl_error_set(err, FL_USAGE, "channel: expected 0 to %d, got %d", s.c - 1, place[0]);
    if (place[1] < 0) return FL_OK;
    if (place[1] < s.t && place[2] >= 0 && place[2] < s.h && place[3] >= 0 && place[3] < s.w) return FL_OK;
    return fl_error_set(err, FL_USAGE, "pixel: expected t,y,x below %d,%d,%d, got %d,%d,%d", s.t, s.h, s.w, place[1], place[2], place[3]);
}

/* The law's own pass may have shown the network the baseline. */
static void run_again(fl_explainer *e, const real *clip, int64_t voxels)
{
    memcpy(fl_graph_value(e->g, e->net.input), clip, (size_t)voxels * sizeof(real));
    fl_graph_forward(e->g);
    fl_graph_backward(e->g, e->seed);
}

fl_status fl_trace(fl_explainer *e, const fl_method *method, const real *clip, const fl_explain_options *options, const int place[4],
                   fl_arena *results, fl_traced *t)
{
    const fl_shape s = fl_graph_shape(e->whole_g, e->whole.input);
    *t = (fl_traced){.place = {0}};
    if (!fl_trace_possible(method))
        return fl_error_set(e->whole_g->error, FL_USAGE, "%s: a trace shows one walk down to the input: gradient, gradient_x_input, "
                            "guided_backprop, deconvnet, deeplift and the LRP methods have one", method->name);
    if (check_place(s, place, e->whole_g->error)) return FL_USAGE;
    fl_explain_options o = options ? *options : method->defaults;
    if (!method->defaults.rules) o.unfolded = true;                  /* the same numbers, and norms are there to be seen */
    e->plan = NULL;
    e->keep_all = true;
    const fl_status status = fl_explain(e, method, clip, &o, results, &t->map);
    e->keep_all = false;
    if (status) return status;
    const int64_t voxels = fl_shape_count(s) / e->batch;
    run_again(e, clip, voxels);
    find_place(&t->map, place, t->place);
    t->g = e->g;
    t->input = e->net.input;
    t->element = fl_at(s, 0, t->place[0], t->place[1], t->place[2], t->place[3]);
    t->value = (double)clip[t->element];
    t->signal = (double)fl_graph_signal(e->g, t->input)[t->element];
    return fl_follow(e->g, t->input, t->element, results, &t->trail);
}
