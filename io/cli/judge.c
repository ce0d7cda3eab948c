/* judge.c: a map, reduced and signed, goes to one metric after the other. */
#include "io/cli/judge.h"

#include "io/cli/progress.h"
#include "io/npy.h"
#include "tensor/peak.h"

#include <math.h>
#include <string.h>

/* ---- judging ---- */

static const real *copy_map(void *user, int k)
{
    const fl_judging *j = user;
    return j->copies[k].data;
}

static fl_status check_copies(fl_cli *cli, const fl_judging *j, const fl_map *map, const fl_metric *m)
{
    if (!(m->needs & FL_NEEDS_METHOD) || !j->copies) return FL_OK;
    if (!fl_shape_equal(j->copies->shape, map->shape))
        return fl_error_set(cli->error, FL_USAGE, "%s: the maps of the noisy copies have another shape than the map", m->name);
    const int wanted = j->options.trials ? j->options.trials : m->defaults.trials;
    if (j->copy_count >= wanted) return FL_OK;
    return fl_error_set(cli->error, FL_USAGE, "%s: expected maps of %d noisy copies, got %d; --trials %d takes these", m->name, wanted,
                        j->copy_count, j->copy_count);
}

fl_status fl_judge_map(fl_cli *cli, const fl_judging *j, const fl_map *map, fl_measure *measure, double *seconds)
{
    const fl_session *s = j->session;
    const bool foreign = !map->method->driver;
    const fl_reduction whole = {FL_CHANNELS_SUM, FL_POLARITY_BOTH, FL_UPSAMPLE_DEFAULT};
    fl_judged judged = {.shape = s->input.shape, .map = fl_map_reduce(map, NULL, cli->arena),
        .signed_map = fl_map_reduce(map, &whole, cli->arena),
                        .sum = fl_sum(map->data, fl_shape_count(map->shape)), .truth = j->truth, .explainer = s->explainer,
                        .clip = s->input.values, .target = map->options.target, .wanted = foreign ? (double)NAN : map->wanted,
                        .method = foreign ? NULL : map->method, .options = foreign ? NULL : j->explain, .raw = map->data,
                        .raw_count = fl_shape_count(map->shape), .copy_map = j->copies ? copy_map : NULL, .copy_user = (void *)j,
                        .progress = j->silent ? NULL : fl_progress_step};
    if (!judged.map || !judged.signed_map) return cli->error->status;
    for (int k = 0; k < j->metrics.count; k++) {
        fl_progress progress;
        if (check_copies(cli, j, map, j->metrics.item[k]) != FL_OK) return cli->error->status;
        if (!j->silent) fl_progress_begin(&progress, cli, j->metrics.item[k]->name);
        judged.user = &progress;
        const double begin = fl_clock();
        const fl_status status = fl_metric_judge(j->metrics.item[k], &judged, &j->options, cli->arena, &measure[k]);
        if (!j->silent) fl_progress_end(&progress);
        if (seconds) seconds[k] += fl_clock() - begin;
        if (status != FL_OK) return status;
    }
    return FL_OK;
}

/* ---- foreign maps ---- */

/* Reduced like any map: the sum over channels, enlarged without a value moving to another frame. No driver: it cannot be made again. */
static const fl_method foreign_input = {.name = "map", .title = "A map from a file", .citation = "", .doc = "", .level = FL_LEVEL_INPUT,
    .reduction = {FL_CHANNELS_SUM, FL_POLARITY_BOTH, FL_UPSAMPLE_BILINEAR}};
static const fl_method foreign_layer = {.name = "map", .title = "A map of a layer from a file", .citation = "", .doc = "",
    .level = FL_LEVEL_LAYER, .reduction = {FL_CHANNELS_SUM, FL_POLARITY_BOTH, FL_UPSAMPLE_BILINEAR}};

/* The last axes are T,H,W; one more is C. */
static bool shape_of(const int64_t *size, int axes, fl_shape clip, fl_shape *s)
{
    if (axes != 3 && axes != 4) return false;
    for (int i = 0; i < axes; i++)
        if (size[i] < 1 || size[i] > 1 << 20) return false;
    const int64_t *t = size + axes - 3;
    *s = (fl_shape){1, axes == 4 ? (int)size[0] : 1, (int)t[0], (int)t[1], (int)t[2]};
    const bool same = s->t == clip.t && s->h == clip.h && s->w == clip.w;
    return axes == 4 ? same && s->c == clip.c : s->t <= clip.t && s->h <= clip.h && s->w <= clip.w;
}

static fl_status make_map(fl_cli *cli, const char *path, fl_shape clip, fl_shape s, const real *file_order, fl_map *m)
{
    real *data = FL_NEW(cli->arena, real, fl_shape_count(s));
    const bool layer = s.t != clip.t || s.h != clip.h || s.w != clip.w;
    if (!data) return cli->error->status;
    for (int64_t i = 0; i < fl_shape_count(s); i++)
        if (!isfinite(file_order[i]))
            return fl_error_set(cli->error, FL_UNREADABLE, "%s: value %lld is %g; expected finite numbers", path, (long long)i,
                                (double)file_order[i]);
    fl_from_file_order(s, file_order, data);
    *m = (fl_map){.method = layer ? &foreign_layer : &foreign_input, .level = layer ? FL_LEVEL_LAYER : FL_LEVEL_INPUT, .shape = s,
                  .data = data, .clip = clip, .wanted = (double)NAN, .sum = (double)NAN, .residual = (double)NAN};
    return FL_OK;
}

static fl_status read_maps(fl_cli *cli, const char *path, const fl_session *s, bool several, fl_map **maps, int *count)
{
    fl_npy a;
    fl_shape shape, clip = s->input.shape;
    const real *v = fl_npy_read(cli->arena, path, &a);
    if (!v) return cli->error->status;
    const int front = several || (a.axes == 5 && a.size[0] == 1) ? 1 : 0;
    if (!shape_of(a.size + front, a.axes - front, clip, &shape))
        return fl_error_set(cli->error, FL_UNREADABLE, "%s: expected a map of shape %s%d,%d,%d (T,H,W), %s%d,%d,%d,%d (C,T,H,W), or a "
                            "smaller T',H',W' of a layer", path, several ? "N," : "", clip.t, clip.h, clip.w, several ? "N," : "", clip.c,
                            clip.t, clip.h, clip.w);
    *count = front ? (int)a.size[0] : 1;
    *maps = FL_NEW(cli->arena, fl_map, *count);
    for (int i = 0; *maps && i < *count; i++)
        if (make_map(cli, path, clip, shape, v + i * fl_shape_count(shape), *maps + i) != FL_OK) break;
    return cli->error->status;
}

fl_status fl_foreign_map(fl_cli *cli, const char *path, const fl_session *s, fl_map *m)
{
    fl_map *one;
    int count;
    if (read_maps(cli, path, s, false, &one, &count) == FL_OK) *m = *one;
    return cli->error->status;
}

fl_status fl_foreign_maps(fl_cli *cli, const char *path, const fl_session *s, fl_map **maps, int *count)
{
    return read_maps(cli, path, s, true, maps, count);
}
