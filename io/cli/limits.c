/* limits.c: the clock of a long explanation, and its states. */
#include "io/cli/limits.h"

#include "io/cli/interrupt.h"
#include "io/state_file.h"
#include "tensor/kernels.h"
#include "tensor/peak.h"

#include <stdio.h>
#include <string.h>

static const fl_option options[] = {
    FL_OPTION_REAL("time", "SECONDS", NULL, 0, 1e9,
                   "stop after so long: what has been sampled until then is saved, with exit code 6; default: no limit"),
    FL_OPTION_FLAG("resume", 0, "go on where the same command in the same folder was stopped; begins anew when there is nothing"),
    FL_OPTION_REAL("keep-every", "SECONDS", "2", 0, 1e9, "how often a long run keeps its state for --resume"),
    FL_OPTION_FLAG("dry-run", 0, "say how many passes, seconds and bytes it would take, from a few passes, and nothing else"),
    {0}};
const fl_option_group fl_limit_options = {"Limits", options};

/* ---- states ---- */

/* Not more than a twentieth of the time goes into them. */
static bool is_due(void *user)
{
    const fl_limits *l = user;
    const double since = fl_clock() - l->kept;
    return since >= l->every && since >= 20 * l->cost;
}

static fl_status save(void *user, const fl_state *state)
{
    fl_limits *l = user;
    const double before = fl_clock();
    const fl_status status = fl_state_write(l->path, state, l->cli->error);
    l->kept = fl_clock();
    l->cost = l->every > 0 ? l->kept - before : 0;
    return status;
}

/* A method that asks for its state can give what it has when it is stopped. */
static fl_status load(void *user, const fl_state *state, bool *found)
{
    const fl_limits *l = user;
    fl_interrupt_listen(true);
    if (!l->resume) return FL_OK;
    const fl_status status = fl_state_read(l->path, state, found, l->cli->arena);
    if (status == FL_OK) fl_cli_say(l->cli, *found ? "resume: goes on from %s" : "resume: begins anew, there is no %s", l->path);
    return status;
}

static const char *whose(fl_cli *cli, const fl_session *s)
{
    const fl_model_options o = fl_session_model_options(cli);
    return fl_arena_text(cli->arena, "footlight: %s, %s\nmodel: %s\nclasses: %d\nbptt: %d\nlayers: %d\nunits: %d\npeepholes: %d\n"
                         "exact: %d\nstream: %d\nweights: %s %s\ninput: %s\n", FL_VERSION,
                         strcmp(fl_isa_name(), "base") ? "fused" : "unfused", s->model->name,
                         s->classes, (int)o.bptt, o.lstm_layers, o.lstm_hidden, o.peepholes, o.exact, fl_cli_choice(cli, "stream"),
                         s->weights.name, fl_weights_sha256(&s->weights), s->input.sha256);
}

/* ---- a run ---- */

fl_status fl_limits_read(fl_cli *cli, const fl_session *s, const char *folder, fl_limits *l)
{
    *l = (fl_limits){.cli = cli, .seconds = fl_cli_real(cli, "time"), .every = fl_cli_real(cli, "keep-every"),
                     .resume = fl_cli_flag(cli, "resume"), .folder = folder, .belongs = whose(cli, s), .begun = fl_clock()};
    if (fl_cli_given(cli, "time") && !(l->seconds > 0))
        return fl_error_set(cli->error, FL_USAGE, "--time: expected more than 0 seconds");
    return l->belongs ? FL_OK : cli->error->status;
}

/* The first pass shows the clip itself: whatever the limit, one sample follows. */
static bool step(int done, int total, void *user)
{
    fl_limits *l = user;
    const bool over = fl_interrupt_asked() || (l->seconds > 0 && fl_clock() - l->begun >= l->seconds);
    return fl_progress_step(done, total, &l->progress) && !(over && done > 1);
}

static const char *path_of(const fl_limits *l, const fl_method *m)
{
    return fl_arena_text(l->cli->arena, "%s/%s.state", l->folder, m->name);
}

fl_status fl_limits_begin(fl_limits *l, const fl_method *m, fl_explain_options *o)
{
    l->path = path_of(l, m);
    if (l->path && fl_interrupt_asked())
        return fl_error_set(l->cli->error, FL_LIMIT, "%s: not begun, since the run was interrupted; --resume goes on from what is there",
                            m->name);
    if (!l->path) return l->cli->error->status;
    l->kept = fl_clock();
    l->keeper = (fl_keeper){l->belongs, is_due, save, load, l};
    fl_progress_begin(&l->progress, l->cli, m->name);
    o->progress = step;
    o->user = l;
    o->keeper = &l->keeper;
    return FL_OK;
}

void fl_limits_end(fl_limits *l, bool finished)
{
    fl_progress_end(&l->progress);
    l->finished += finished;
    fl_interrupt_listen(l->finished > 0);
}

void fl_limits_forget(const fl_limits *l, const fl_method *const *method, int count)
{
    for (int i = 0; i < count; i++) {
        const char *path = path_of(l, method[i]);
        if (path) remove(path);
    }
}

/* ---- what it would cost ---- */

typedef struct moment { int done; double time; } moment;

typedef struct forecast {
    double begun;
    int calls, total;
    moment last, before;
} forecast;

/* A second of work, and some passes. Passes of many clips report them one after the other at their end: a call that comes long after
 * the one before it begins the reports of a pass, and what was done before it is a whole number of passes. */
static bool watch(int done, int total, void *user)
{
    enum { CALLS = 5 };
    static const double SECONDS = 1;
    forecast *f = user;
    f->calls++;
    f->total = total > done ? total : done;
    f->before = f->last;
    f->last = (moment){done, fl_clock()};
    const double so_far = f->last.time - f->begun;
    return f->calls < CALLS || so_far < SECONDS || f->last.time - f->before.time < 0.25 * so_far / f->calls;
}

static fl_status begin(fl_cli *cli, const fl_session *s, const fl_method *method, const fl_explain_options *given, forecast *f)
{
    fl_explain_options o = *given;
    fl_map map;
    *f = (forecast){.begun = fl_clock()};
    o.progress = watch;
    o.user = f;
    const fl_mark mark = fl_arena_mark(cli->arena);
    const fl_status status = fl_explain(s->explainer, method, s->input.values, &o, cli->arena, &map);
    const bool over = status == FL_OK && !map.partial;
    fl_arena_release(cli->arena, mark);
    if (over) f->before = f->last;
    if (status != FL_LIMIT || f->calls == 0) return status;
    fl_error_clear(cli->error);                                                /* that was us */
    return FL_OK;
}

fl_status fl_limits_forecast(fl_cli *cli, const fl_session *s, const fl_method *const *method, int count, const fl_explain_options *o)
{
    fl_json j;
    if (cli->json) {
        fl_json_to_stream(&j, stdout, true);
        fl_json_object(&j, NULL);
        fl_json_array(&j, "forecast");
    } else {
        printf("%-28s %10s %12s %10s\n", "method", "passes", "seconds", "MiB");
    }
    for (int i = 0; i < count; i++) {
        forecast f;
        if (begin(cli, s, method[i], o, &f) != FL_OK) return cli->error->status;
        const double seconds = (f.before.time - f.begun) / f.before.done * f.total;
        const size_t bytes = cli->arena->peak + cli->work->peak;
        if (!cli->json) {
            printf("%-28s %10d %12.3g %10.1f\n", method[i]->name, f.total, seconds, (double)bytes / 1048576);
            continue;
        }
        fl_json_object(&j, NULL);
        fl_json_string(&j, "method", method[i]->name);
        fl_json_int(&j, "passes", f.total);
        fl_json_number(&j, "seconds", seconds);
        fl_json_int(&j, "bytes", (long long)bytes);
        fl_json_close(&j);
    }
    if (!cli->json) return FL_OK;
    fl_json_close(&j);
    fl_json_close(&j);
    fl_json_end(&j);
    return FL_OK;
}
