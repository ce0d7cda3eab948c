/* explanation.c: runs the methods and gathers what pictures and page show. */
#include "io/cli/explanation.h"

#include "io/cli/interrupt.h"
#include "io/cli/progress.h"

#include <math.h>
#include <string.h>

/* ---- one method ---- */

static fl_shape shape_of_drawn(const fl_session *s)
{
    const fl_shape in = s->input.shape;
    return (fl_shape){1, 1, in.t, in.h, in.w};
}

static void find_peak(const fl_session *s, fl_explained *e)
{
    const fl_shape clip = shape_of_drawn(s);
    const int64_t at = fl_pointing_voxel(clip, e->drawn, NULL);
    e->peak[0] = (int)(at / ((int64_t)clip.h * clip.w));
    e->peak[1] = (int)(at / clip.w % clip.h);
    e->peak[2] = (int)(at % clip.w);
}

static fl_status run_method(fl_cli *cli, const fl_explanation *x, const fl_method *method, fl_explained *e)
{
    const fl_session *s = x->session;
    fl_explain_options o = x->options;
    fl_progress progress;
    fl_progress_begin(&progress, cli, method->name);
    o.progress = fl_progress_step;
    o.user = &progress;
    if (x->limits && fl_limits_begin(x->limits, method, &o) != FL_OK) return cli->error->status;
    fl_status status = fl_explain(s->explainer, method, s->input.values, &o, cli->arena, &e->map);
    if (x->limits) fl_limits_end(x->limits, status == FL_OK);
    fl_progress_end(&progress);
    if (status != FL_OK) return status;
    e->drawn = fl_map_reduce(&e->map, &x->reduction, cli->arena);
    if (!e->drawn) return cli->error->status;
    for (int i = 0; i < e->map.warnings; i++) fl_cli_warn(cli, "%s: %s", method->name, e->map.warning[i]);
    find_peak(s, e);
    if (!x->boxes) return FL_OK;
    e->hit = fl_pointing_hit(shape_of_drawn(s), e->drawn, &x->boxes->truth);
    e->chance = fl_pointing_chance(shape_of_drawn(s), &x->boxes->truth);
    e->energy = fl_energy_inside(shape_of_drawn(s), e->drawn, &x->boxes->truth);
    return FL_OK;
}

/* ---- what is shown ---- */

typedef struct pair_list { fl_pair *item; int count, room; } pair_list;

static void add(pair_list *l, const char *key, const char *value)
{
    fl_assert(l->count < l->room);
    if (value) l->item[l->count++] = (fl_pair){key, value};
}

static fl_status describe_options(fl_cli *cli, const fl_explanation *x, fl_explained *e, fl_pairs *shown)
{
    int count = 0;
    const fl_setting *setting = fl_map_settings(&e->map, cli->arena, &count);
    const fl_reduction how = fl_map_reduction(&e->map, &x->reduction);
    pair_list list = {FL_NEW(cli->arena, fl_pair, count + 10), 0, count + 10};
    if (!setting || !list.item) return cli->error->status;
    for (int i = 0; i < count; i++) add(&list, setting[i].name, setting[i].value);
    add(&list, "channels", fl_channels_name[how.channels]);
    add(&list, "polarity", fl_polarity_name[how.polarity]);
    if (e->map.level == FL_LEVEL_LAYER) add(&list, "upsample", fl_upsample_name[how.upsample]);
    e->settings = (fl_pairs){list.item, list.count};
    const fl_map *map = &e->map;
    if (map->standard_error) {
        add(&list, "samples", fl_arena_text(cli->arena, map->partial ? "%d (stopped)" : map->settled ? "%d (tolerance reached)" : "%d",
                                            map->samples));
        if (map->segments) add(&list, "segments cut", fl_arena_text(cli->arena, "%d", map->segments));
        add(&list, "standard error, mean", fl_arena_text(cli->arena, "%.3g", map->error_mean));
        add(&list, "standard error, most", fl_arena_text(cli->arena, "%.3g", map->error_most));
    }
    if (x->boxes) {
        add(&list, "pointing game", e->hit ? "hit" : "miss");
        add(&list, "chance of a hit", fl_arena_text(cli->arena, "%.3g", e->chance));
        add(&list, "energy inside the boxes",
            isnan(e->energy) ? "no positive value" : fl_arena_text(cli->arena, "%.3g", e->energy));
    }
    *shown = (fl_pairs){list.item, list.count};
    return cli->error->status;
}

static fl_status show_method(fl_cli *cli, const fl_explanation *x, fl_explained *e, fl_method_map *m)
{
    const fl_method *method = e->map.method;
    *m = (fl_method_map){.name = method->name, .title = method->title, .citation = method->citation,
                         .note = method->doc, .map = e->drawn,
                         .law = {.sum = e->map.sum, .wanted = e->map.wanted, .absorbed = e->map.absorbed, .residual = e->map.residual}};
    if (method->law != FL_LAW_NONE) {
        m->law.name = fl_law_name[method->law];
        m->law.formula = fl_law_formula[method->law];
    }
    m->warnings = (fl_texts){e->map.warning, e->map.warnings};
    return describe_options(cli, x, e, &m->options);
}

static fl_status describe_origin(fl_cli *cli, const fl_session *s, fl_pairs *pairs)
{
    pair_list list = {FL_NEW(cli->arena, fl_pair, 12), 0, 12};
    if (!list.item) return cli->error->status;
    add(&list, "command", fl_cli_command_line(cli));
    add(&list, "clip sha256", *s->input.sha256 ? s->input.sha256 : NULL);
    add(&list, "sampling", s->input.sampling);
    add(&list, "note", *s->input.note ? s->input.note : NULL);
    add(&list, "weights", s->weights.name);
    add(&list, "weights sha256", s->weights.path ? fl_weights_sha256(&s->weights) : NULL);
    add(&list, "seed", fl_arena_text(cli->arena, "%llu", (unsigned long long)cli->seed));
    add(&list, "precision", FL_REAL_NAME);
    add(&list, "footlight", FL_VERSION);
    *pairs = (fl_pairs){list.item, list.count};
    return cli->error->status;
}

fl_status fl_explanation_show(fl_cli *cli, fl_explanation *x)
{
    const fl_session *s = x->session;
    const fl_map *first = &x->done[0].map;
    const int class_index = first->options.target.class_index;
    fl_method_map *m = FL_NEW(cli->arena, fl_method_map, x->methods.count);
    if (!m) return cli->error->status;
    x->result = (fl_result){
        .clip = s->input.title, .model = s->model->name, .frames = s->input.shape.t, .height = s->input.shape.h,
        .width = s->input.shape.w, .rgb = s->input.rgb, .frame_index = s->input.frame, .frames_per_second = NAN,
        .box = x->boxes ? x->boxes->drawn : NULL, .box_name = x->boxes ? x->boxes->label : NULL,
        .target = class_index, .target_label = fl_session_label(s, class_index), .target_logit = first->logit,
        .target_probability = first->probability, .top = s->top, .top_count = s->top_count, .method = m,
        .method_count = x->methods.count, .look = x->look};
    for (int i = 0; i < x->methods.count; i++)
        if (show_method(cli, x, &x->done[i], &m[i]) != FL_OK) return cli->error->status;
    return describe_origin(cli, s, &x->result.provenance);
}

fl_status fl_explanation_run(fl_cli *cli, fl_explanation *x)
{
    const int asked = x->methods.count;
    int i = 0;
    x->done = FL_NEW(cli->arena, fl_explained, asked);
    if (!x->done) return cli->error->status;
    for (; i < asked && run_method(cli, x, x->methods.item[i], &x->done[i]) == FL_OK; i++)
        if (x->done[i].map.partial && !x->partial) x->partial = &x->done[i].map;
    fl_interrupt_listen(false);
    fl_explainer_rest(x->session->explainer);
    x->methods.count = i;
    x->unfinished += asked - i;
    return i == asked ? fl_explanation_show(cli, x) : cli->error->status;
}

void fl_explanation_print(const fl_explanation *x, FILE *to)
{
    const fl_input *in = &x->session->input;
    for (int i = 0; i < x->methods.count; i++) {
        const fl_explained *e = &x->done[i];
        const int frame = in->frame ? in->frame[e->peak[0]] : e->peak[0];
        fprintf(to, "%-22s peak in frame %d at column %d, row %d", e->map.method->name, frame, e->peak[2],
                e->peak[1]);
        if (e->map.method->law != FL_LAW_NONE)
            fprintf(to, "; sum %.6g of %.6g, off by %.2g", e->map.sum, e->map.wanted, e->map.residual);
        if (e->map.standard_error)
            fprintf(to, "; standard error %.2g, at most %.2g", e->map.error_mean, e->map.error_most);
        if (x->boxes)
            fprintf(to, "; points %s the box (chance %.3g), energy inside %.3g", e->hit ? "into" : "beside",
                    e->chance, e->energy);
        fprintf(to, "\n");
    }
}
