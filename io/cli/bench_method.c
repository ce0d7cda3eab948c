/* bench_method.c: how long a whole explanation takes. The time depends on the options, hardly on weights and clip. */
#include "io/cli/bench_whole.h"
#include "io/cli/method_options.h"
#include "tensor/rng.h"

typedef struct job {
    fl_explainer *explainer;
    const fl_method *method;
    fl_explain_options options;
    const real *clip;
    fl_arena *results;
    fl_status status;
} job;

static void explain(void *user)
{
    job *j = user;
    const fl_mark mark = fl_arena_mark(j->results);
    fl_map map;
    const fl_status status = fl_explain(j->explainer, j->method, j->clip, &j->options, j->results, &map);
    if (status != FL_OK) j->status = status;
    fl_arena_release(j->results, mark);
}

static fl_status prepare(fl_cli *cli, const fl_model *model, int batch, job *j)
{
    fl_graph *g = fl_graph_new(cli->work);
    if (!g) return cli->error->status;
    g->on_demand = true;
    const fl_network net = fl_model_build(g, model, &(fl_model_options){.n = batch});
    if (!fl_graph_ok(g)) return cli->error->status;
    fl_model_fill_formula(g, model->gamma);
    const int64_t count = fl_shape_count(fl_graph_shape(g, net.input)) / batch;
    real *clip = FL_NEW(cli->arena, real, count);
    j->explainer = fl_explainer_new(g, net, &model->input);
    if (!clip || !j->explainer) return cli->error->status;
    fl_rng_fill_normal(cli->seed, 0, 0, clip, count);
    j->clip = clip;
    j->results = cli->arena;
    return FL_OK;
}

fl_status fl_method_time(fl_cli *cli, const fl_model *model, int batch, int repeat, fl_times *times)
{
    fl_method_list methods;
    job j = {.status = FL_OK};
    if (fl_methods_parse(cli, "method", fl_cli_text(cli, "method"), &methods) != FL_OK ||
        fl_methods_check_options(cli, &methods) != FL_OK || fl_methods_read_rows(cli, &j.options) != FL_OK)
        return cli->error->status;
    if (fl_cli_given(cli, "baseline-clip"))
        return fl_error_set(cli->error, FL_USAGE, "--baseline-clip: bench makes up its clip, and what it is compared with: use --baseline");
    if (methods.count > 1) return fl_error_set(cli->error, FL_USAGE, "--method: one at a time, got %d", methods.count);
    j.method = methods.item[0];
    if (prepare(cli, model, batch, &j) != FL_OK) return cli->error->status;
    const fl_status status = fl_time_work(cli->arena, explain, &j, repeat, times);
    return status != FL_OK ? status : j.status;
}
