/* drive_optimise.c: masks found by gradient descent: one driver for all rows of mask_recipes.c.
 *
 *   E(p) = sum over rows of reward * loss(network(changed by the row's mask)) + sum over terms of weight_t * term(mask)
 *
 * In every iteration one pass over all masks (areas are rows of a batch), one walk down to the parameters, one step:
 * (search_step.c): SGD with momentum 0.9 and dampening 0.9, or Adam, or along the gradient over its largest value, or Armijo's search
 * (search_line.c). Parameters stay within 0 .. 1, except where a sigmoid follows. The mask is the one after the last step; as
 * published, the one before it. A network that cannot have several rows gets its areas one after the other.
 *
 * State: parameters, momentum, iteration, weights, and the masks that are finished. */
#include "attribution/search.h"

#include "tensor/math.h"
#include "tensor/par.h"

#include <string.h>

/* ---- results ---- */

/* The masks as they are after the last step. */
static void look_again(fl_search *s)
{
    if (s->o->as_published && s->t > 0) return;
    fl_graph_forward(s->m.g);
    s->r->done += s->m.rows;
    fl_search_keep_masks(s);
}

static fl_status make_map(fl_search *s)
{
    real *map = s->r->map->data;
    const bool shows_mask = s->q.selects || s->o->goal == FL_GOAL_PRESERVE;
    if (s->q.show == FL_SHOW_SUMMED) {
        return fl_masks_sum(s->r->clip, s->sets, s->found, map, s->r->scratch) ? fl_run_no_memory(s->r) : FL_OK;
    }
    FL_EACH(i, s->voxels) map[i] = shows_mask ? s->found[i] : 1 - s->found[i];
    if (s->q.step == FL_STEP_LARGEST && !shows_mask) FL_EACH(i, s->voxels) map[i] = map[i] < R(0.01) ? 0 : map[i];
    return FL_OK;
}

/* ---- beginning ---- */

static void set_weights(fl_search *s)
{
    for (int i = 0; i < s->m.terms; i++) {
        fl_mask_weight *w = &s->q.term[i];
        const bool rough = w->term >= FL_TERM_VARIATION, sized = !rough && w->term != FL_TERM_CORE;
        if (sized && (s->o->area_weight > 0 || s->o->meant & FL_READS(area_weight))) w->weight = s->o->area_weight;
        if (rough && (s->o->smoothness > 0 || s->o->meant & FL_READS(smoothness)))
            w->weight = s->q.paths == FL_PATHS_BOTH ? s->o->smoothness / 2 : s->o->smoothness;
        if (!(w->growth > 0)) w->growth = 1;
        s->weight[i] = w->weight;
    }
}

/* For all groups of areas: they are equally many. */
static fl_status allocate(fl_search *s)
{
    fl_arena *a = s->r->scratch;
    s->count = fl_shape_count(fl_graph_shape(s->m.g, s->m.cells));
    s->parameters = FL_NEW(a, real, s->count);
    s->moment[0] = FL_NEW(a, real, s->count);
    s->moment[1] = FL_NEW(a, real, s->q.step == FL_STEP_ADAM ? s->count : 0);
    s->zero = FL_NEW(a, real, s->m.noise == FL_NONE ? 0 : s->r->voxels);
    s->sum = FL_NEW(a, double, s->q.step == FL_STEP_SEARCH ? s->count : 0);
    return s->parameters && s->moment[0] && s->moment[1] && s->zero && s->sum ? FL_OK : fl_run_no_memory(s->r);
}

static fl_status open_masks(fl_search *s, int sets, int rows)
{
    const fl_mask_plan how = {&s->q, sets, rows, s->areas + s->first, s->o->as_published};
    const fl_status status = fl_masks_build(&s->m, s->r, &how);
    for (int row = 0; status == FL_OK && row < s->m.rows; row++) fl_search_set_row(s, row);
    if (s->m.arena.peak > s->r->map->bytes) s->r->map->bytes = s->m.arena.peak;
    if (status != FL_OK) fl_masks_free(&s->m);
    return status;
}

/* FL_MISFIT: the samples of the network cannot be told apart; then areas come one by one. */
static fl_status open_first(fl_search *s)
{
    const bool dual = s->o->goal == FL_GOAL_DUAL;
    s->width = s->sets;
    s->rows = s->q.step == FL_STEP_SEARCH ? fl_search_width(s) : dual ? 2 * s->width : s->width;
    fl_status status = open_masks(s, s->width, s->rows);
    if (status == FL_MISFIT && s->rows > s->r->batch && !dual) {
        s->width = s->q.step == FL_STEP_SEARCH ? s->width : s->r->batch;
        s->rows = s->r->batch;
        status = open_masks(s, s->width, s->rows);
    }
    return status ? fl_error_set(s->r->g->error, status, "%s: %s", s->r->method->name, s->m.error.message) : allocate(s);
}

static void write_parameters(const fl_search *s)
{
    memcpy(fl_graph_value(s->m.g, s->m.cells), s->parameters, (size_t)s->count * sizeof(real));
}

/* What must be seen before the first step: the clip itself, as a reference; where frames can stand still. */
static fl_status begin(fl_search *s, bool resumed)
{
    if (!resumed) {
        FL_EACH(i, s->count) s->parameters[i] = (real)s->q.start;
        for (int k = 0; k < (s->q.step == FL_STEP_ADAM ? 2 : 1); k++) memset(s->moment[k], 0, (size_t)s->count * sizeof(real));
        s->optimiser = s->q.step == FL_STEP_ADAM ? fl_optimiser_adam(s->o->rate) : fl_optimiser_sgd(s->o->rate, 0.9, 0.9);
        set_weights(s);
        s->t = 0;
        s->ended = false;
    }
    if (s->q.rules) {
        FL_EACH(i, s->count) fl_graph_value(s->m.g, s->m.cells)[i] = 1;
        fl_graph_forward(s->m.g);
        fl_graph_remember(s->m.g);
        s->r->done += resumed ? 0 : s->m.rows;
    }
    write_parameters(s);
    if (s->q.form != FL_FORM_FRAMES || resumed) return FL_OK;
    const fl_status status = fl_search_begin_frames(s);
    memcpy(s->parameters, fl_graph_value(s->m.g, s->m.cells), (size_t)s->count * sizeof(real));
    return status;
}

/* ---- the state ---- */

static void describe(fl_search *s, fl_state *state)
{
    const size_t reals = (size_t)s->count * sizeof(real);
    fl_state_add(state, "group", &s->first, sizeof s->first);
    fl_state_add(state, "iteration", &s->t, sizeof s->t);
    fl_state_add(state, "ended", &s->ended, sizeof s->ended);
    fl_state_add(state, "weights", s->weight, sizeof s->weight);
    fl_state_add(state, "first_loss", &s->first_loss, sizeof s->first_loss);
    fl_state_add(state, "optimiser", &s->optimiser, sizeof s->optimiser);
    fl_state_add(state, "parameters", s->parameters, reals);
    fl_state_add(state, "momentum", s->moment[0], reals);
    if (s->q.step == FL_STEP_ADAM) fl_state_add(state, "squares", s->moment[1], reals);
    fl_state_add(state, "masks", s->found, (size_t)(s->sets * s->voxels) * sizeof(real));
}

/* ---- the run ---- */

static fl_status search_group(fl_search *s, const fl_state *state)
{
    fl_run *r = s->r;
    while (s->t < s->o->iterations && !s->ended && !r->told_to_stop) {
        bool more = true;
        if (fl_search_iterate(s, &more)) return r->g->error->status;
        s->ended = !more;
        memcpy(s->parameters, fl_graph_value(s->m.g, s->m.cells), (size_t)s->count * sizeof(real));
        fl_run_cut(r, s->first + s->width < s->sets || (s->t < s->o->iterations && more));
        if (fl_run_keep(r, state)) return r->g->error->status;
    }
    look_again(s);
    return FL_OK;
}

/* All groups of areas; the first is open. */
static fl_status search_all(fl_search *s)
{
    fl_run *r = s->r;
    fl_state state = {0};
    const int begun = r->done;
    describe(s, &state);
    if (fl_run_resume(r, &state)) return r->g->error->status;
    bool resumed = r->done != begun;
    const int per_iteration = s->q.step == FL_STEP_SEARCH ? fl_search_most(s) : s->rows;
    const int before = (s->q.rules ? s->rows : 0) + (s->q.form == FL_FORM_FRAMES ? r->clip.t : 0);
    r->total = 1 + (before + s->o->iterations * per_iteration + s->rows) * (s->sets / s->width);
    for (bool open = s->first == 0; s->first < s->sets && !r->told_to_stop; open = false, resumed = false) {
        if (!open) {
            fl_masks_free(&s->m);
            const fl_status status = open_masks(s, s->width, s->rows);
            if (status) return fl_error_set(r->g->error, status, "%s: %s", r->method->name, s->m.error.message);
        }
        if (begin(s, resumed) || search_group(s, &state)) return r->g->error->status;
        s->first += s->width;
    }
    return FL_OK;
}

static fl_status check(fl_search *s)
{
    fl_error *err = s->r->g->error;
    const char *name = s->r->method->name;
    if (s->o->goal == FL_GOAL_DUAL && s->q.form != FL_FORM_DISCS)
        return fl_error_set(err, FL_USAGE, "%s: goal: preserve or delete; both at once is for masks that have an area", name);
    if (!(fl_method_uses(s->r->method) & FL_READS(areas))) return FL_OK;
    s->sets = fl_areas_read(s->o->areas, s->areas, err);
    return err->status;
}

static fl_status run(fl_run *r)
{
    fl_search s = {.r = r, .o = &r->o, .q = fl_mask_recipe_of(r->method->variant, r->o.as_published), .sets = 1};
    real low, high;
    if (check(&s)) return r->g->error->status;
    fl_min_max(r->x, r->voxels, &low, &high);
    r->map->noise_sigma = r->o.noise > 0 ? r->o.noise * ((double)high - (double)low) : 0.0;
    s.voxels = fl_shape_count(r->map->shape);
    s.ties_by_place = r->o.as_published && (r->method->variant == FL_MASK_EP_2D || r->method->variant == FL_MASK_EP_3D);
    s.found = FL_NEW(r->scratch, real, s.sets * s.voxels);
    if (!s.found) return fl_run_no_memory(r);
    fl_explainer_rest(r->e);                             /* the network has seen the clip: from here on it stands in the masks' graph */
    fl_status status = open_first(&s);
    if (status == FL_OK) status = search_all(&s);
    fl_masks_free(&s.m);
    return status ? status : make_map(&s);
}

#define SEARCHES FL_READS(iterations) | FL_READS(rate) | FL_READS(seed)
#define DISCS    SEARCHES | FL_READS(areas) | FL_READS(goal) | FL_READS(area_weight) | FL_READS(mask_step) | FL_READS(mask_sigma) | \
                 FL_READS_BASELINE
#define CELLS    SEARCHES | FL_READS(goal) | FL_READS(area_weight) | FL_READS(smoothness) | FL_READS_BASELINE
#define PATHS    SEARCHES | FL_READS(steps) | FL_READS(noise) | FL_READS(area_weight) | FL_READS(smoothness) | FL_READS_BASELINE
#define FRAMES   SEARCHES | FL_READS(area_weight) | FL_READS(smoothness) | FL_READS(as_published)

const fl_driver fl_drive_optimise = {
    .name = "optimise",
    .uses = {[FL_MASK_EP_2D] = DISCS | FL_READS(as_published), [FL_MASK_EP_3D] = DISCS | FL_READS(as_published),
             [FL_MASK_STEP] = DISCS | FL_READS(as_published) | FL_READS(core_shape) | FL_READS(core_frames) | FL_READS(core_size),
             [FL_MASK_EXTREMAL] = DISCS, [FL_MASK_MEANINGFUL] = CELLS, [FL_MASK_MEANINGFUL_3D] = CELLS,
             [FL_MASK_FREEZE] = FRAMES, [FL_MASK_REVERSE] = FRAMES, [FL_MASK_IGOS] = PATHS, [FL_MASK_IGOS_PP] = PATHS,
             [FL_MASK_FGVIS] = SEARCHES | FL_READS(goal) | FL_READS(noise) | FL_READS_BASELINE},
    .run = run,
    .looks_only = true
};
