/* check.c: footlight check: proofs that a user can run, on the network, the weights and the clip that the maps are of. */
#include "attribution/check.h"
#include "io/cli/check_against.h"

#include <math.h>
#include <string.h>

static const fl_option options[] = {
    FL_OPTION_TEXT("clip", 'c', "CLIP", NULL, "the clip, as for explain; default: a made one, the reference formula"),
    FL_OPTION_TEXT("target", 't', "CLASS", "auto", "the class whose score is checked: a name, an index, or auto, the best one"),
    FL_OPTION_CHOICE("only", "GROUP", NULL, fl_check_group_name, "one group of checks; default: all"),
    FL_OPTION_INT("samples", "N", "64", 1, 1000000, "elements that are computed once more, per node of the network"),
    FL_OPTION_FLAG("full-size", 0,
                   "laws and identities of a large network (1.25 GMAC) on the clip as it is, not on a smaller one: an hour"),
    FL_OPTION_TEXT("against", 0, "FILE", NULL,
                   "compare with a .npz of another framework or build instead: where do the two part? (see below)"),
    FL_OPTION_REAL("tolerance", "X", "1e-3", 0, 1e9, "with --against: relative difference (L2) that still agrees"),
    FL_OPTION_TEXT("method", 0, "NAME", NULL, "with --against: whose map the array 'map' is"),
    FL_OPTION_TEXT("save", 0, "FILE", NULL,
                   "write such a .npz of this run instead: input, output, gradient, and every node (large ones sampled)"),
    FL_OPTION_TEXT("inject", 0, "FAULT", NULL, "put a mistake into the network first, and see which check catches it; 'list' names them"),
    {0}};
static const fl_option_group group = {"Options of check", options};

/* ---- findings, as they come ---- */

typedef struct talk { fl_cli *cli; fl_json j; const char *group; int passed, failed, skipped; const char *first; } talk;

static void print_line(talk *t, const fl_finding *f)
{
    if (!t->group || strcmp(t->group, f->group) != 0)
        printf("%s%s%s%s\n", t->group ? "\n" : "", f->group, f->size ? ", on " : "", f->size ? f->size : "");
    if (f->skipped) {
        printf("  -     %-66s %s\n", f->name, f->skipped);
        return;
    }
    printf("  %s  %-66s %9.2e  of %8.1e  %lld %s", f->passed ? "ok  " : "FAIL",
           f->name, f->figure, f->bound, (long long)f->compared, f->unit);
    printf(*f->where && (!f->passed || f->figure > 0) ? "; worst: %s\n" : "\n", f->where);
}

static void write_line(fl_json *j, const fl_finding *f)
{
    fl_json_object(j, NULL);
    fl_json_string(j, "group", f->group);
    fl_json_string(j, "name", f->name);
    if (f->size) fl_json_string(j, "size", f->size);
    fl_json_string(j, "result", f->skipped ? "skipped" : f->passed ? "passed" : "failed");
    if (f->skipped) {
        fl_json_string(j, "why", f->skipped);
    } else {
        fl_json_number(j, "figure", f->figure);
        fl_json_number(j, "bound", f->bound);
        fl_json_string(j, "bound_from", f->bound_from);
        fl_json_int(j, "compared", f->compared);
        fl_json_string(j, "unit", f->unit);
        fl_json_string(j, "where", *f->where ? f->where : NULL);
    }
    fl_json_close(j);
}

static void hear(const fl_finding *f, void *listener)
{
    talk *t = listener;
    if (t->cli->json) write_line(&t->j, f);
    else print_line(t, f);
    fflush(stdout);
    t->group = f->group;
    if (f->skipped) t->skipped++;
    else if (f->passed) t->passed++;
    else if (!t->failed++) t->first = fl_arena_text(t->cli->arena, "%s", f->name);
}

/* ---- the run ---- */

/* The same network for other clips. Parameters are copied by name, second inputs and first states where they fit. FL_NONE where
 * parameters have another size: they belong to places. */
static fl_network build(void *user, fl_shape clips, fl_arena *arena, fl_graph **to)
{
    const fl_session *s = ((void **)user)[0];
    const fl_cli *cli = ((void **)user)[1];
    fl_model_options o = fl_session_model_options(cli);
    const fl_shape own = fl_graph_shape(s->graph, s->net.input);
    o.frames = clips.t == own.t ? s->input.shape.t : clips.t;
    o.height = clips.h == own.h ? s->input.shape.h : clips.h;
    o.width = clips.w == own.w ? s->input.shape.w : clips.w;
    o.n = clips.n;
    fl_graph *g = *to = fl_graph_new(arena);
    fl_network net = g ? fl_model_build(g, s->model, &o) : fl_network_none;
    if (!g || !fl_graph_ok(g)) return fl_network_none;
    for (fl_id i = 0; i < g->count; i++) {
        const fl_id from = g->node[i].role == FL_COMPUTED ? FL_NONE : fl_graph_find(s->graph, g->node[i].name);
        const real *values = from == FL_NONE ? NULL : fl_graph_value(s->graph, from);
        if (!values) continue;
        const int64_t count = fl_shape_count(s->graph->node[from].shape), all = fl_shape_count(g->node[i].shape);
        if (g->node[i].role == FL_PARAM && count != all) return fl_network_none;
        for (int64_t at = 0; at + count <= all; at += count)
            memcpy(fl_graph_value(g, i) + at, values, (size_t)count * sizeof(real));
    }
    fl_graph_touch(g);
    if (fl_cli_choice(cli, "stream") == 1) net.input = net.flow;
    return net;
}

static void list_faults(void)
{
    for (const fl_fault *f = fl_fault_table; f->name; f++) printf("  %-22s %s\n", f->name, f->doc);
}

static fl_status find_fault(const fl_cli *cli, const fl_fault **fault)
{
    const char *name = fl_cli_text(cli, "inject"), *known[64];
    int count = 0;
    *fault = name ? fl_fault_find(name) : NULL;
    if (!name || *fault) return FL_OK;
    for (; fl_fault_table[count].name; count++) known[count] = fl_fault_table[count].name;
    return fl_cli_unknown(cli->error, "--inject: fault", name, known, count, "footlight check --inject list names them");
}

/* The clip of the command line, else the file's, else a made one. */
static fl_status open_session(fl_cli *cli, const fl_theirs *theirs, fl_session *s)
{
    const char *clip = cli->arguments ? cli->argument[0] : fl_cli_text(cli, "clip");
    if (clip) return fl_session_open(cli, clip, s);
    if (!theirs) return fl_session_open_or_make(cli, s);
    if (fl_session_begin(cli, s) != FL_OK || fl_theirs_input(cli, theirs, s->model, &s->input) != FL_OK) return cli->error->status;
    if (!s->input.values && fl_input_make(cli, s->model, &s->input) != FL_OK) return cli->error->status;
    return fl_session_finish(cli, s);
}

static fl_status check(fl_cli *cli, fl_session *s, const fl_fault *fault)
{
    talk t = {.cli = cli};
    void *both[2] = {s, cli};
    int failed = 0;
    fl_arena scratch;
    fl_check_options o = {.fault = fault, .samples = (int)fl_cli_int(cli, "samples"), .only = fl_cli_text(cli, "only"),
                          .large = fl_cli_flag(cli, "full-size") ? (double)INFINITY : 0, .build = build, .user = both,
                          .found = hear, .listener = &t};
    if (fl_session_class(cli, s, "target", fl_cli_text(cli, "target"), &o.target.class_index, NULL) != FL_OK) return cli->error->status;
    fl_json_to_stream(&t.j, stdout, true);
    if (cli->json) {
        fl_json_object(&t.j, NULL);
        fl_json_string(&t.j, "version", FL_VERSION);
        fl_json_string(&t.j, "precision", FL_REAL_NAME);
        fl_cli_write_command(&t.j, cli);
        fl_session_write(&t.j, s);
        if (fault) fl_json_string(&t.j, "injected", fault->name);
        fl_json_array(&t.j, "checks");
    } else {
        printf("%s, %s, %s, %s\n", s->model->name, s->weights.name, s->input.source, FL_REAL_NAME);
        if (fault) printf("injected: %s: %s\n", fault->name, fault->doc);
        printf("\n");
    }
    fl_arena_init_beside(&scratch, cli->arena);
    const fl_status status = fl_check_run(s->explainer, s->input.values, &o, &scratch, &failed);
    fl_arena_free(&scratch);
    if (cli->json) {
        fl_json_close(&t.j);
        fl_json_int(&t.j, "passed", t.passed);
        fl_json_int(&t.j, "failed", t.failed);
        fl_json_int(&t.j, "skipped", t.skipped);
        fl_json_close(&t.j);
        fl_json_end(&t.j);
    } else {
        printf("\n%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped);
    }
    if (status != FL_OK || !failed) return status;
    return fl_error_set(cli->error, FL_CHECK, "%d of %d checks failed, first: %s", t.failed, t.failed + t.passed, t.first ? t.first : "");
}

static fl_status run(fl_cli *cli)
{
    fl_session s;
    const fl_fault *fault;
    const char *inject = fl_cli_text(cli, "inject");
    if (inject && strcmp(inject, "list") == 0) {
        list_faults();
        return FL_OK;
    }
    fl_theirs theirs;
    const char *against = fl_cli_text(cli, "against"), *save = fl_cli_text(cli, "save");
    if (!against && (fl_cli_given(cli, "tolerance") || fl_cli_given(cli, "method")))
        return fl_error_set(cli->error, FL_USAGE, "--tolerance and --method need --against FILE");
    if (find_fault(cli, &fault) != FL_OK || (against && fl_theirs_open(cli, against, &theirs) != FL_OK) ||
        open_session(cli, against ? &theirs : NULL, &s) != FL_OK || fl_session_rank(cli, &s, 1) != FL_OK)
        return cli->error->status;
    if (save && fl_check_save(cli, &s, save) != FL_OK) return cli->error->status;
    if (against) return fl_check_against(cli, &s, &theirs);
    return save ? FL_OK : check(cli, &s, fault);
}

const fl_command fl_command_check = {
    "check", "proofs: is the gradient the gradient, do maps keep their laws", "[CLIP] [--model NAME] [options]", 0, 1,
    (const fl_option_group *const[]){&group, &fl_session_network, &fl_session_weights, &fl_input_options, NULL},
    "  footlight check --model tiny --weights formula\n"
    "  footlight check clip.y4m --json\n"
    "  footlight check --model tiny --weights formula --inject missing_mask      fails, exit code 5: which checks see it?\n\n"
    "ops: every op against its definition, its transpose and finite differences, on examples and at the network's own values.\n"
    "network: the gradient against differences of the score; the same bits for any number of threads and any batch.\n"
    "laws: what maps must sum to, and what every node must hand on. identities: methods that must agree with each other.\n"
    "Of a large network (1.25 GMAC a clip) laws and identities are looked at on the clip made smaller, its bits with 1 and 2 threads: a\n"
    "minute or two instead of an hour. --full-size takes the hour.\n"
    "A check passes when its figure is not above its bound; exit code 5 when one fails.\n\n"
    "  footlight check --model tiny --weights formula --save f32.npz          then, with the float64 build:\n"
    "  build/f64/footlight check --model tiny --weights formula --against f32.npz --tolerance 1e-5\n"
    "  footlight check --model r2plus1d_18 -w r2plus1d_18.pth --against theirs.npz\n\n"
    "theirs.npz from PyTorch (names of modules are names of nodes here; any of the arrays may be missing):\n"
    "  out = {'input': x.numpy()}; x.requires_grad_()\n"
    "  def hook(name):\n"
    "      def f(module, i, o):\n"
    "          out['activation:' + name] = o.detach().numpy()\n"
    "          o.register_hook(lambda g: out.__setitem__('gradient:' + name, g.numpy()))\n"
    "      return f\n"
    "  for name, module in net.named_modules():\n"
    "      if not list(module.children()): module.register_forward_hook(hook(name))\n"
    "  y = net(x); y[0, c].backward()\n"
    "  numpy.savez('theirs.npz', output=y.detach().numpy(), gradient=x.grad.numpy(), **{'class': c}, **out)",
    run};
