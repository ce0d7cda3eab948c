/* sampling.c: the loop around the probe: gather, count, keep the state, stop. */
#include "attribution/sampling.h"

#include "tensor/par.h"

#include <limits.h>
#include <math.h>

fl_status fl_sampling_begin(fl_sampling *s, fl_run *r)
{
    s->run = r;
    s->probe = fl_probe_open(r->e, &r->o.target, r->x, r->scratch);
    if (!s->probe) return r->g->error->status;
    s->base = fl_probe_base(s->probe);
    const int64_t total = r->done + 1 + s->count;
    if (total > INT_MAX)
        return fl_error_set(r->g->error, FL_USAGE, "%s: %lld passes are too many: expected less than 2^31; hide larger parts",
                            r->method->name, (long long)total);
    r->total = (int)total;
    r->done++;                                           /* the probe's look at the clip */
    fl_state_add(&s->state, "samples", &s->done, sizeof s->done);
    return FL_OK;
}

/* Between two samples everything is in order: this is where a state is kept and where a run may end. */
static bool take(void *user, int64_t k, double score, const real *y)
{
    fl_sampling *s = user;
    fl_run *r = s->run;
    (void)y;
    s->gather(s->user, k, score);
    s->done = k + 1;
    fl_run_count(r, 1);
    fl_run_cut(r, s->done < s->count);
    if (r->o.tolerance > 0 && s->error && s->done % s->check == 0) s->settled = s->error(s->user) <= r->o.tolerance;
    return fl_run_keep(r, &s->state) == FL_OK && !r->told_to_stop && !s->settled;
}

static fl_region region(void *user, int64_t k)
{
    const fl_sampling *s = user;
    return s->region(s->user, k);
}

static void fill(void *user, int64_t k, real *clip)
{
    const fl_sampling *s = user;
    s->fill(s->user, k, clip);
}

fl_status fl_sampling_go(fl_sampling *s)
{
    fl_run *r = s->run;
    if (fl_run_resume(r, &s->state)) return r->g->error->status;
    const fl_variants v = {.first = s->done, .end = s->count, .region = s->region ? region : NULL, .fill = fill, .take = take, .user = s};
    const bool kept = s->done > 0 && s->done % (s->check > 0 ? s->check : 1) == 0;       /* a state of one that was settled */
    if (kept && r->o.tolerance > 0 && s->error) s->settled = s->error(s->user) <= r->o.tolerance;
    const fl_status status = s->settled ? FL_OK : fl_probe_score(s->probe, &v);
    if (status == FL_LIMIT && (r->told_to_stop || s->settled)) fl_error_clear(r->g->error);
    r->map->samples = (int)s->done;
    r->map->settled = s->settled;
    return r->g->error->status;
}

double fl_sampling_error(int64_t n, const double *value, const double *error)
{
    double most = 0, worst = 0;
    for (int64_t i = 0; i < n; i++) {
        if (fabs(value[i]) > most) most = fabs(value[i]);
        if (error[i] > worst) worst = error[i];
    }
    return worst > 0 ? worst / most : 0;
}

void fl_sampling_finish(const fl_sampling *s, const double *value, const double *error)
{
    fl_run *r = s->run;
    const int channels = r->clip.c;
    const int64_t pixels = fl_shape_pixels(r->clip);
    fl_map *m = r->map;
    FL_PARALLEL(p, pixels, r->voxels * 4) {
        for (int c = 0; c < channels; c++) m->data[p * channels + c] = (real)value[p];
        m->standard_error[p] = (real)error[p];
    }
    double sum = 0, most = 0;
    for (int64_t p = 0; p < pixels; p++) {
        sum += error[p];
        most = error[p] > most ? error[p] : most;
    }
    m->error_mean = sum / (double)pixels;
    m->error_most = most;
}
