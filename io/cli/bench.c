/* bench.c: footlight bench: how fast a network, a layer or the machine is, in steady state: weights packed, plan
 * made, one run to warm up.
 *
 *     gflop: 2 per multiply-add of all convolutions and linear layers, taps in the padding included; a gradient is
 *     forward and the way back to the input, twice that. gflops = gflop / best_s. */
#include "autograd/fold.h"
#include "autograd/receptive.h"
#include "io/cli/bench_flow.h"
#include "io/cli/bench_layer.h"
#include "io/cli/bench_nodes.h"
#include "io/cli/bench_whole.h"
#include "io/cli/method_options.h"
#include "io/cli/session.h"

#include "tensor/par.h"
#include "tensor/peak.h"
#include "tensor/rng.h"

#include <math.h>
#include <string.h>

static const char *const passes[] = {"forward", "gradient", "input", "weights", "train", NULL};
enum { PASS_FORWARD, PASS_GRADIENT, PASS_INPUT, PASS_WEIGHTS, PASS_TRAIN };
static const fl_conv_pass pass_of_layer[] = {[PASS_FORWARD] = FL_CONV_FORWARD, [PASS_INPUT] = FL_CONV_TO_INPUT,
                                             [PASS_WEIGHTS] = FL_CONV_TO_WEIGHTS};

static const fl_option options[] = {
    FL_OPTION_TEXT("model", 'm', "NAME", NULL, "a network; footlight list models names them"),
    FL_OPTION_TEXT("flow", 0, "WxH", NULL, "optical flow between two frames of this size"),
    FL_OPTION_FLAG("peak", 0, "what the machine can do: multiply-adds and memory"),
    FL_OPTION_CHOICE("pass", "PASS", "forward", passes,
                     "of a model forward, gradient (to the input) and train (one batch); of a layer forward, input and weights"),
    FL_OPTION_FLAG("nodes", 0, "of a model's forward or gradient: time and share of the peak of every node, the dearest first"),
    FL_OPTION_TEXT("method", 0, "NAME", NULL, "of a model: one whole explanation by this method"),
    FL_OPTION_INT("batch", "N", "1", 1, 1024, "clips per pass"),
    FL_OPTION_INT("repeat", "K", "7", 1, 100000, "runs under the clock"),
    {0}};
static const fl_option_group group = {"Options of bench", options};

typedef struct measured {
    fl_times times;
    double gflop;
    size_t bytes;
    const fl_graph *graph;                  /* with --nodes */
    fl_node_costs nodes;
    double peak;
} measured;

static void report(fl_cli *cli, const char *what, const char *name, const measured *m)
{
    const double gflops = m->gflop / m->times.best;
    const char *method = fl_cli_text(cli, "method"), *pass = method ? method : fl_cli_text(cli, "pass");
    if (!cli->json && isnan(m->gflop)) {
        printf("%s, %s: best %.6f s, median %.6f s; %.1f MiB\n", name, pass, m->times.best, m->times.median,
               (double)m->bytes / 1048576);
        return;
    }
    if (!cli->json) {
        printf("%s, %s: best %.6f s, median %.6f s; %.4g GFLOP, %.4g GFLOP/s; %.1f MiB\n", name, pass,
               m->times.best, m->times.median, m->gflop, gflops, (double)m->bytes / 1048576);
        if (m->graph) fl_nodes_print(m->graph, &m->nodes, m->peak);
        return;
    }
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_string(&j, what, name);
    fl_json_string(&j, "pass", pass);
    fl_json_int(&j, "batch", fl_cli_int(cli, "batch"));
    fl_json_int(&j, "repeat", fl_cli_int(cli, "repeat"));
    fl_json_number(&j, "best_s", m->times.best);
    fl_json_number(&j, "median_s", m->times.median);
    fl_json_number(&j, "gflop", m->gflop);
    fl_json_number(&j, "gflops", gflops);
    fl_json_int(&j, "peak_bytes", (long long)m->bytes);
    if (m->graph) fl_json_number(&j, "peak_gflops", 1e-9 * m->peak);
    if (m->graph) fl_nodes_write(&j, m->graph, &m->nodes, m->peak);
    fl_json_close(&j);
    fl_json_end(&j);
}

/* ---- a layer ---- */

static fl_status bench_layer(fl_cli *cli)
{
    const char *text = fl_cli_text(cli, "layer");
    const int pass = fl_cli_choice(cli, "pass");
    if (pass == PASS_GRADIENT || pass == PASS_TRAIN)
        return fl_error_set(cli->error, FL_USAGE, "--pass: a layer has forward, input and weights, not %s", passes[pass]);
    fl_conv conv;
    measured m = {0};
    if (fl_layer_parse(text, (int)fl_cli_int(cli, "batch"), &conv, cli->error) != FL_OK) return cli->error->status;
    m.gflop = 1e-9 * fl_conv_flops(&conv);
    const int repeat = (int)fl_cli_int(cli, "repeat");
    fl_status status = fl_layer_time(cli->arena, &conv, pass_of_layer[pass], repeat, &m.times, &m.bytes);
    if (status == FL_OK) report(cli, "layer", text, &m);
    return status;
}

/* ---- a network ---- */

typedef struct network_job { fl_graph *graph; const real *seed; } network_job;

static void run_network(void *user)
{
    const network_job *j = user;
    fl_graph_forward(j->graph);
    if (j->seed) fl_graph_backward(j->graph, j->seed);
}

/* The graph as explanations run it: norms folded, the signal from the logit of class 0. Weights by the formula, normal values in.
 * The seed is large: made-up weights let signals fade, and numbers near the smallest there are would take ten times as long. */
static fl_status prepare(fl_cli *cli, const fl_model *model, bool gradient, network_job *job)
{
    fl_graph *g = fl_graph_new(cli->work);
    if (!g) return cli->error->status;
    g->on_demand = true;
    fl_network net = fl_model_build(g, model, &(fl_model_options){.n = (int)fl_cli_int(cli, "batch")});
    if (!fl_graph_ok(g)) return cli->error->status;
    fl_model_fill_formula(g, model->gamma);
    const fl_fold *fold = fl_fold_new(g);
    if (!fold) return cli->error->status;
    g = job->graph = fold->g;
    net.input = fold->place[net.input];
    net.output = fold->place[net.logits != FL_NONE ? net.logits : net.output];
    const fl_plan forward = {.keep = FL_KEEP_OUTPUTS, .out = &net.output, .n_out = 1};
    const fl_plan backward = {.keep = FL_KEEP_FOR_BACKWARD, .out = &net.output, .n_out = 1, .root = net.output,
                              .wrt = &net.input, .n_wrt = 1};
    if (fl_graph_plan(g, gradient ? &backward : &forward) != FL_OK) return cli->error->status;
    const fl_shape in = fl_graph_shape(g, net.input), out = fl_graph_shape(g, net.output);
    fl_rng_fill_normal(cli->seed, 0, 0, fl_graph_value(g, net.input), fl_shape_count(in));
    real *seed = FL_NEW(cli->arena, real, fl_shape_count(out));
    if (!seed) return cli->error->status;
    for (int n = 0; n < out.n; n++) seed[fl_at(out, n, 0, 0, 0, 0)] = R(1e20);
    job->seed = gradient ? seed : NULL;
    return FL_OK;
}

/* Times of its nodes, and the peak that they are shares of. */
static fl_status look_closer(fl_cli *cli, const network_job *job, measured *m)
{
    fl_peak peak;
    const int repeat = (int)fl_cli_int(cli, "repeat");
    if (fl_nodes_time(cli->arena, job->graph, job->seed, repeat, &m->times, &m->nodes) != FL_OK) return cli->error->status;
    if (fl_peak_measure(cli->arena, &peak) != FL_OK) return cli->error->status;
    m->graph = job->graph;
    m->peak = peak.flops;
    return FL_OK;
}

static fl_status bench_model(fl_cli *cli)
{
    const int pass = fl_cli_choice(cli, "pass");
    if (pass != PASS_FORWARD && pass != PASS_GRADIENT)
        return fl_error_set(cli->error, FL_USAGE, "--pass: a model has forward, gradient and train, not %s", passes[pass]);
    const fl_model *model = fl_session_find_model(cli);
    network_job job = {0};
    measured m = {0};
    if (!model || prepare(cli, model, pass == PASS_GRADIENT, &job) != FL_OK) return cli->error->status;
    for (int i = 0; job.graph && i < job.graph->count; i++)
        if (job.graph->computed[i]) m.gflop += 2e-9 * fl_node_macs(&job.graph->node[i]) * (job.seed ? 2 : 1);
    const fl_status status = fl_cli_flag(cli, "nodes") ? look_closer(cli, &job, &m) :
                             fl_time_work(cli->arena, run_network, &job, (int)fl_cli_int(cli, "repeat"), &m.times);
    m.bytes = cli->work->peak;
    if (status == FL_OK) report(cli, "model", model->name, &m);
    return status;
}

/* ---- an explanation, a step of training ---- */

static fl_status bench_whole(fl_cli *cli)
{
    const fl_model *model = fl_session_find_model(cli);
    measured m = {.gflop = (double)NAN};
    if (!model) return cli->error->status;
    const int batch = (int)fl_cli_int(cli, "batch"), repeat = (int)fl_cli_int(cli, "repeat");
    const fl_status status = fl_cli_given(cli, "method") ? fl_method_time(cli, model, batch, repeat, &m.times)
                                                         : fl_training_time(cli, model, batch, repeat, &m.times);
    m.bytes = cli->work->peak;
    if (status == FL_OK) report(cli, "model", model->name, &m);
    return status;
}

/* ---- optical flow ---- */

static fl_status bench_flow(fl_cli *cli)
{
    const char *size = fl_cli_text(cli, "flow");
    fl_times t;
    size_t bytes;
    const fl_status status = fl_flow_time(cli->arena, size, (int)fl_cli_int(cli, "repeat"), &t, &bytes);
    if (status != FL_OK) return status;
    if (!cli->json) {
        printf("tv-l1 %s: best %.6f s, median %.6f s per flow, %d flows on %d threads; %.1f MiB\n", size,
               t.best / FL_BENCH_FLOWS, t.median / FL_BENCH_FLOWS, FL_BENCH_FLOWS, fl_threads(),
               (double)bytes / 1048576);
        return FL_OK;
    }
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_string(&j, "flow", size);
    fl_json_int(&j, "flows", FL_BENCH_FLOWS);
    fl_json_int(&j, "threads", fl_threads());
    fl_json_number(&j, "best_s_per_flow", t.best / FL_BENCH_FLOWS);
    fl_json_number(&j, "median_s_per_flow", t.median / FL_BENCH_FLOWS);
    fl_json_int(&j, "peak_bytes", (long long)bytes);
    fl_json_close(&j);
    fl_json_end(&j);
    return FL_OK;
}

/* ---- the machine ---- */

static fl_status bench_peak(fl_cli *cli)
{
    fl_peak peak;
    if (fl_peak_measure(cli->arena, &peak) != FL_OK) return cli->error->status;
    if (!cli->json) {
        printf("%d threads: %.4g GFLOP/s, one thread: %.4g GFLOP/s; memory: %.4g GB/s\n", peak.threads,
               1e-9 * peak.flops, 1e-9 * peak.flops_one_thread, 1e-9 * peak.bytes);
        return FL_OK;
    }
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_int(&j, "threads", peak.threads);
    fl_json_number(&j, "gflops", 1e-9 * peak.flops);
    fl_json_number(&j, "gflops_one_thread", 1e-9 * peak.flops_one_thread);
    fl_json_number(&j, "gbytes_per_s", 1e-9 * peak.bytes);
    fl_json_close(&j);
    fl_json_end(&j);
    return FL_OK;
}

static fl_status run(fl_cli *cli)
{
    const bool peak = fl_cli_flag(cli, "peak"), flow = fl_cli_given(cli, "flow");
    const bool model = fl_cli_given(cli, "model"), layer = fl_cli_given(cli, "layer") && !model;
    if (peak + layer + model + flow != 1)
        return fl_error_set(cli->error, FL_USAGE, "bench: expected one of --model NAME, --layer TEXT, --flow WxH and "
                            "--peak, got %s", peak || layer || model || flow ? "several" : "none");
    if (fl_cli_given(cli, "method") && !model)
        return fl_error_set(cli->error, FL_USAGE, "--method: needs --model NAME");
    if (fl_cli_flag(cli, "nodes") && (!model || fl_cli_given(cli, "method") || fl_cli_choice(cli, "pass") == PASS_TRAIN))
        return fl_error_set(cli->error, FL_USAGE, "--nodes: needs --model NAME and --pass forward or gradient");
    if (flow) return bench_flow(cli);
    if (model && (fl_cli_given(cli, "method") || fl_cli_choice(cli, "pass") == PASS_TRAIN)) return bench_whole(cli);
    return peak ? bench_peak(cli) : layer ? bench_layer(cli) : bench_model(cli);
}

const fl_command fl_command_bench = {
    "bench", "how fast a network, a layer, optical flow or this machine is",
    "--model NAME | --layer TEXT | --flow WxH | --peak [options]", 0, 0,
    (const fl_option_group *const[]){&group, &fl_method_options, NULL},
    "  footlight bench --model r2plus1d_small --pass gradient --repeat 20\n"
    "  footlight bench --model tsm_resnet50 --pass gradient --nodes\n"
    "  footlight bench --model r2plus1d_18 --method smoothgrad --samples 5\n"
    "  footlight bench --layer \"64>128 3x3x3 s2 @16x56x56\" --pass input --json\n\n"
    "Without --model, --layer is a convolution: \"IN>OUT KERNEL [sSTRIDE] [gGROUPS] @TxHxW\".\n"
    "Times are in steady state: weights packed, buffers placed, after one run that does not count.\n"
    "--nodes: way up is a value made, with all that is fused into it, way down its signal handed on.",
    run};
