/* check_against.c: reads what others computed, says where the two part; writes what we computed, for them or for another build. */
#include "io/cli/check_against.h"

#include "attribution/against.h"
#include "io/npz_write.h"

#include <math.h>
#include <string.h>

/* ---- their file ---- */

fl_status fl_theirs_open(fl_cli *cli, const char *path, fl_theirs *t)
{
    *t = (fl_theirs){.path = path};
    fl_bundle_init(&t->bundle, cli->arena);
    if (fl_weights_file_open(cli->arena, path, &t->file) != FL_OK) return cli->error->status;
    return fl_weights_file_bundle(&t->file, &t->bundle);
}

fl_status fl_theirs_input(fl_cli *cli, const fl_theirs *t, const fl_model *m, fl_input *in)
{
    const fl_entry *e = fl_bundle_find(&t->bundle, "input");
    *in = (fl_input){.source = t->path, .title = "their-input", .format = "npz", .note = ""};
    if (!e) return FL_OK;
    const int64_t *size = e->size + (e->axes == 5);
    if ((e->axes != 4 && e->axes != 5) || (e->axes == 5 && e->size[0] != 1) || size[0] != m->channels)
        return fl_error_set(cli->error, FL_UNREADABLE, "%s: input: expected shape 1,%d,T,H,W or %d,T,H,W, got %d axes, the channels %lld",
                            t->path, m->channels, m->channels, e->axes, e->axes ? (long long)size[0] : 0);
    for (int i = 0; i < 4; i++)
        if (size[i] < 1 || size[i] > 1 << 20)
            return fl_error_set(cli->error, FL_UNREADABLE, "%s: input: an axis of %lld cannot be", t->path, (long long)size[i]);
    in->shape = (fl_shape){1, (int)size[0], (int)size[1], (int)size[2], (int)size[3]};
    const int64_t n = fl_shape_count(in->shape);
    real *file_order = FL_NEW(cli->arena, real, n), *values = FL_NEW(cli->arena, real, n);
    if (!file_order || !values) return cli->error->status;
    fl_entry_read(e, 0, n, file_order);
    fl_from_file_order(in->shape, file_order, values);
    in->values = values;
    in->rgb = fl_input_shown(cli, &m->input, in->shape, values);
    return cli->error->status;
}

/* --target, else the file's class, else the best one. */
static fl_status choose_target(fl_cli *cli, const fl_session *s, const fl_theirs *t, fl_target *target)
{
    const fl_entry *e = t ? fl_bundle_find(&t->bundle, "class") : NULL;
    real value;
    *target = (fl_target){.class_index = FL_CLASS_AUTO};
    if (e && fl_entry_count(e) != 1)
        return fl_error_set(cli->error, FL_UNREADABLE, "%s: class: expected one number, got %lld", t->path, (long long)fl_entry_count(e));
    if (!e || fl_cli_given(cli, "target"))
        return fl_session_class(cli, s, "target", fl_cli_text(cli, "target"), &target->class_index, NULL);
    fl_entry_read(e, 0, 1, &value);
    target->class_index = value >= 0 && value < s->classes ? (int)value : s->classes;
    if (target->class_index < s->classes) return FL_OK;
    return fl_error_set(cli->error, FL_UNREADABLE, "%s: class %g: the network has classes 0 to %d", t->path, (double)value, s->classes - 1);
}

/* ---- what was found ---- */

static double tolerance(const fl_cli *cli) { return fl_cli_real(cli, "tolerance"); }

static void print_difference(const fl_cli *cli, const fl_difference *d)
{
    if (d->misfit) {
        printf("  -     %-44s %s\n", d->name, d->misfit);
        return;
    }
    const bool ok = d->relative <= tolerance(cli);
    printf("  %s  %-44s %9.2e  %lld values", ok ? "ok  " : "DIFF", d->name, d->relative, (long long)d->compared);
    if (!ok) {
        printf("; most at c,t,y,x %d,%d,%d,%d: %.6g here, %.6g there",
               d->place[1], d->place[2], d->place[3], d->place[4], d->ours, d->theirs);
        if (d->cosine > 0.99999) printf("; the same direction, %.4g times as large", d->ratio);
        else printf("; cosine %.4g", d->cosine);
    }
    printf("\n");
}

static const char *from_where(fl_cli *cli, const fl_session *s, const fl_against *x, bool signal)
{
    const fl_difference *first = fl_against_first(x, signal, tolerance(cli)), *before = NULL;
    const char *what = signal ? "gradients, from the score down" : "values, from the clip up";
    if (!first) return NULL;
    for (const fl_difference *d = x->item; d < first; d++)
        if (d->signal == signal && !d->misfit) before = d;
    const fl_node *node = first->node == FL_NONE ? NULL : &s->graph->node[first->node];
    return fl_arena_text(cli->arena, "%s: they part at %s%s%s%s%s%s", what, first->name,
                         node ? " (" : "", node ? node->op->name : "", node ? ", " : "", node ? node->op->file : "",
                         !node ? "" : before ? fl_arena_text(cli->arena, "); %s still agrees", before->name) : ")");
}

static void write_difference(fl_json *j, const fl_cli *cli, const fl_difference *d)
{
    fl_json_object(j, NULL);
    fl_json_string(j, "name", d->name);
    fl_json_string(j, "side", d->signal ? "gradient" : "value");
    if (d->misfit) {
        fl_json_string(j, "misfit", d->misfit);
    } else {
        fl_json_bool(j, "agrees", d->relative <= tolerance(cli));
        fl_json_number(j, "relative", d->relative);
        fl_json_number(j, "cosine", d->cosine);
        fl_json_number(j, "ratio", d->ratio);
        fl_json_int(j, "compared", d->compared);
        fl_json_ints(j, "place", d->place, 5);
        fl_json_number(j, "ours", d->ours);
        fl_json_number(j, "theirs", d->theirs);
    }
    fl_json_close(j);
}

static int misfits(const fl_against *x)
{
    int n = 0;
    for (int i = 0; i < x->count; i++) n += x->item[i].misfit != NULL;
    return n;
}

/* Nodes may have another form elsewhere. What the whole is about may not: the input, the score, its gradient, the map. */
static const fl_difference *misfit_of_all(const fl_against *x)
{
    for (int i = 0; i < x->count; i++)
        if (x->item[i].misfit && !strchr(x->item[i].name, ':')) return &x->item[i];
    return NULL;
}

static void say(fl_cli *cli, const fl_session *s, const fl_theirs *t, const fl_against *x, const char *const where[2])
{
    if (!cli->json) {
        printf("%s, %s, %s, %s, against %s; relative L2, tolerance %g\n",
               s->model->name, s->weights.name, s->input.source, FL_REAL_NAME, t->path, tolerance(cli));
        for (int side = 0; side < 2; side++) {
            printf("\n%s\n", side ? "gradients, from the score down" : "values, from the clip up");
            for (int i = 0; i < x->count; i++)
                if (x->item[i].signal == (side == 1)) print_difference(cli, &x->item[i]);
        }
        printf("\n");
        for (int side = 0; side < 2; side++)
            if (where[side]) printf("%s\n", where[side]);
        if (x->unknown) printf("%d arrays are no node's, first %s\n", x->unknown, x->first_unknown);
        if (!where[0] && !where[1])
            printf(misfits(x) ? "they agree where they can be compared; %d have another shape\n" : "they agree\n", misfits(x));
        return;
    }
    fl_json j;
    fl_json_to_stream(&j, stdout, true);
    fl_json_object(&j, NULL);
    fl_json_string(&j, "version", FL_VERSION);
    fl_json_string(&j, "precision", FL_REAL_NAME);
    fl_cli_write_command(&j, cli);
    fl_session_write(&j, s);
    fl_json_number(&j, "tolerance", tolerance(cli));
    fl_json_array(&j, "arrays");
    for (int i = 0; i < x->count; i++) write_difference(&j, cli, &x->item[i]);
    fl_json_close(&j);
    fl_json_string(&j, "values_part_at", where[0]);
    fl_json_string(&j, "gradients_part_at", where[1]);
    fl_json_int(&j, "unknown", x->unknown);
    fl_json_close(&j);
    fl_json_end(&j);
}

/* The map of --method, for the array "map". */
static fl_status make_map(fl_cli *cli, const fl_session *s, const fl_theirs *t, const fl_target *target, fl_map *map)
{
    const char *name = fl_cli_text(cli, "method");
    const bool has = fl_bundle_find(&t->bundle, "map") || fl_bundle_find(&t->bundle, "map_value");
    const fl_method *method = name ? fl_method_find(name) : NULL;
    *map = (fl_map){.method = NULL};
    if (name && !method)
        return fl_error_set(cli->error, FL_USAGE, "--method: method '%s' is unknown; did you mean '%s'?", name, fl_method_nearest(name));
    if (has && !method) return fl_error_set(cli->error, FL_USAGE, "%s holds a map: by which method? Expected --method NAME", t->path);
    if (!has) return FL_OK;
    return fl_explain(s->explainer, method, s->input.values, &(fl_explain_options){.target = *target, .seed = cli->seed}, cli->arena, map);
}

fl_status fl_check_against(fl_cli *cli, fl_session *s, const fl_theirs *t)
{
    fl_target target;
    fl_against x;
    fl_map map;
    if (choose_target(cli, s, t, &target) != FL_OK || make_map(cli, s, t, &target, &map) != FL_OK ||
        fl_against_run(s->explainer, s->input.values, &target, map.method ? &map : NULL, &t->bundle, cli->arena, &x) != FL_OK)
        return cli->error->status;
    if (misfits(&x) == x.count)
        return fl_error_set(cli->error, FL_USAGE, "%s: nothing in it can be compared (%d arrays of another shape, %d that are no "
                            "node's%s%s): expected output, gradient, activation:NODE, gradient:NODE or map", t->path, x.count, x.unknown,
                            x.unknown ? ", first " : "", x.unknown ? x.first_unknown : "");
    const char *const where[2] = {from_where(cli, s, &x, false), from_where(cli, s, &x, true)};
    say(cli, s, t, &x, where);
    const fl_difference *lost = misfit_of_all(&x);
    if (!where[0] && !where[1] && lost)
        return fl_error_set(cli->error, FL_CHECK, "%s: %s was not compared: %s", t->path, lost->name, lost->misfit);
    if (!where[0] && !where[1]) return cli->error->status;
    return fl_error_set(cli->error, FL_CHECK, "%s: %s", t->path, where[0] ? where[0] : where[1]);
}

/* ---- ours, for others ---- */

enum { MOST_WHOLE = 16384, SAMPLES = 2048 };       /* larger nodes are sampled, as against.h says */

typedef struct saver { fl_npz_out z; const fl_session *s; const fl_explainer *e; } saver;

static void put(saver *v, const char *kind, const char *node, fl_shape s, const real *values, bool whole)
{
    fl_arena own;
    const int64_t all = fl_shape_count(s), n = whole || all <= MOST_WHOLE ? all : SAMPLES;
    fl_arena_init_beside(&own, v->z.arena);
    const char *name = fl_arena_text(&own, "%s%s%s%s", kind, n < all ? "_value" : "", *node ? ":" : "", node);
    real *order = FL_NEW(&own, real, all);
    if (name && order) {
        fl_to_file_order(s, values, order);
        for (int64_t i = 0; n < all && i < n; i++) order[i] = order[(int64_t)((double)i * (double)all / (double)n)];
        const int64_t size[5] = {s.n, s.c, s.t, s.h, s.w}, some[1] = {n};
        fl_npz_add(&v->z, name, n < all ? 1 : 5, n < all ? some : size, order);
    }
    fl_arena_free(&own);
}

static void save_value(fl_graph *g, fl_id i, void *user)
{
    saver *v = user;
    const fl_network *net = &v->s->net;
    put(v, "activation", g->node[i].name, g->node[i].shape, g->node[i].value, false);
    if (i == (net->output != FL_NONE ? net->output : net->logits)) put(v, "output", "", g->node[i].shape, g->node[i].value, true);
}

static void save_signal(fl_graph *g, fl_id i, void *user)
{
    saver *v = user;
    if (i == v->s->net.input) put(v, "gradient", "", g->node[i].shape, g->node[i].signal, true);
    else if (g->node[i].role == FL_COMPUTED) put(v, "gradient", g->node[i].name, g->node[i].shape, g->node[i].signal, false);
}

fl_status fl_check_save(fl_cli *cli, fl_session *s, const char *path)
{
    fl_target target;
    saver v = {.s = s};
    if (choose_target(cli, s, NULL, &target) != FL_OK) return cli->error->status;
    const fl_watch watch = {.value = save_value, .signal = save_signal, .user = &v};
    if (fl_npz_begin(&v.z, cli->arena, path) == FL_OK) {
        put(&v, "input", "", s->input.shape, s->input.values, true);
        if (fl_walk_watched(s->explainer, s->input.values, &target, &watch) == FL_OK) {
            const real class_index = (real)target.class_index;
            fl_npz_add(&v.z, "class", 0, NULL, &class_index);
        }
    }
    return fl_npz_end(&v.z);
}
