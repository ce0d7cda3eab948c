/* train_state.c: a training run as a bundle, and back: what an interrupted run needs to end with the same bits.
 *
 * Parameters and statistics under their names, the optimiser's arrays as optimiser.first.NAME and optimiser.second.NAME, the
 * number of batches done as optimiser.step. Everything else follows from the recipe. */
#include "models/train.h"

#include <string.h>

enum { STATES = 2 };
static const char *const STATE_NAME[STATES] = {"optimiser.first.", "optimiser.second."};

/* State k of parameter i. */
static fl_status store_state(const fl_trainer *t, fl_bundle *b, int i, int k)
{
    const fl_node *node = &t->g->node[t->params[i]];
    const int64_t count = fl_shape_count(node->shape);
    char *name = fl_arena_text(b->arena, "%s%s", STATE_NAME[k], node->name);
    real *copy = FL_NEW(b->arena, real, count);
    if (!name || !copy) return b->arena->error->status;
    memcpy(copy, t->state[k][i], (size_t)count * sizeof *copy);
    return fl_bundle_add(b, name, 1, &count, copy);
}

fl_status fl_trainer_store(const fl_trainer *t, fl_bundle *b)
{
    fl_status status = fl_graph_store_part(t->g, t->lesson->part, b);
    real *step = FL_NEW(b->arena, real, 2);
    if (status != FL_OK || !step) return b->arena->error->status;
    const int64_t low = t->step % 4096, high = t->step / 4096;      /* exact in float32 up to 2^24 * 4096 steps */
    step[0] = (real)low;
    step[1] = (real)high;
    status = fl_bundle_add(b, "optimiser.step", 1, (int64_t[]){2}, step);
    const int states = fl_optimiser_states(&t->optimiser);
    for (int i = 0; i < t->n_params; i++)
        for (int k = 0; k < STATES && k < states && status == FL_OK; k++) status = store_state(t, b, i, k);
    return status;
}

static const fl_entry *expect(fl_trainer *t, const fl_bundle *b, const char *name, int64_t count)
{
    const fl_entry *e = fl_bundle_find(b, name);
    if (!e)
        fl_error_set(t->arena->error, FL_MISFIT, "checkpoint: tensor '%s' is missing; it belongs to another model or optimiser, or "
                     "holds weights only: start again without --resume", name);
    else if (fl_entry_count(e) != count)
        fl_error_set(t->arena->error, FL_MISFIT, "checkpoint: tensor '%s': expected %lld values, got %lld; it belongs to another "
                     "model: start again without --resume", name, (long long)count, (long long)fl_entry_count(e));
    else return e;
    return NULL;
}

static bool is_digit(real x) { return x >= 0 && x <= 1 << 24 && x == (real)(int64_t)x; }

/* The batches done, or -1: a file may hold anything. */
static int64_t read_step(fl_trainer *t, const fl_bundle *b)
{
    const fl_entry *e = expect(t, b, "optimiser.step", 2);
    if (!e) return -1;
    real step[2];
    fl_entry_read(e, 0, 2, step);
    const real low = step[0], high = step[1];
    const int64_t done = is_digit(low) && is_digit(high) && low < 4096 ? (int64_t)high * 4096 + (int64_t)low : -1;
    if (done >= 0 && done <= t->recipe.steps) return done;
    if (done < 0)
        fl_error_set(t->arena->error, FL_MISFIT, "checkpoint: 'optimiser.step' holds %g and %g, which is no number of batches; the file "
                     "is damaged: start again without --resume", (double)low, (double)high);
    else
        fl_error_set(t->arena->error, FL_MISFIT, "checkpoint: %lld batches are done, more than the %lld of this recipe; raise --steps, or "
                     "start again without --resume", (long long)done, (long long)t->recipe.steps);
    return -1;
}

/* State k of parameter i. An optimiser without it must not find one: it would continue from the other's. */
static bool load_state(fl_trainer *t, const fl_bundle *b, int i, int k)
{
    const fl_node *node = &t->g->node[t->params[i]];
    const int64_t count = fl_shape_count(node->shape);
    const fl_mark mark = fl_arena_mark(t->arena);
    const char *name = fl_arena_text(t->arena, "%s%s", STATE_NAME[k], node->name);
    const bool wanted = k < fl_optimiser_states(&t->optimiser);
    const fl_entry *e = name && wanted ? expect(t, b, name, count) : NULL;
    if (e) fl_entry_read(e, 0, count, t->state[k][i]);
    if (name && !wanted && fl_bundle_find(b, name))
        fl_error_set(t->arena->error, FL_MISFIT, "checkpoint: tensor '%s' belongs to another optimiser: name that one, or start again "
                     "without --resume", name);
    fl_arena_release(t->arena, mark);
    return t->arena->error->status == FL_OK;
}

fl_status fl_trainer_load(fl_trainer *t, const fl_bundle *b)
{
    const int64_t done = read_step(t, b);
    if (done < 0 || fl_graph_load_part(t->g, t->lesson->part, b) != FL_OK) return t->arena->error->status;
    for (int i = 0; i < t->n_params; i++)
        for (int k = 0; k < STATES; k++)
            if (!load_state(t, b, i, k)) return t->arena->error->status;
    t->optimiser.steps = 0;
    t->optimiser.correction1 = t->optimiser.correction2 = 1;
    for (t->step = 0; t->step < done; t->step++) fl_optimiser_begin(&t->optimiser);
    return FL_OK;
}
