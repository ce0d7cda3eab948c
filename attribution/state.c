/* state.c: whom a state belongs to, and when it is kept. What a state is: state.h; where it lies: io's business. */
#include "attribution/driver.h"

#include "tensor/tensor.h"

#include <math.h>

static unsigned long long hash_clip(const fl_run *r, const real *x)
{
    return x ? (unsigned long long)fl_hash(x, (size_t)r->voxels * sizeof(real)) : 0;
}

/* One line for everything that the numbers follow from. The score of the clip stands for what no name covers: values of weights that
 * were set in memory, the other input of two. NULL: memory. */
static const char *fingerprint(const fl_run *r)
{
    const fl_map as_used = {.method = r->method, .options = r->o};
    int count = 0;
    const fl_setting *setting = fl_map_settings(&as_used, r->scratch, &count);
    const fl_keeper *k = r->o.keeper;
    const char *text = fl_arena_text(r->scratch, "%smethod: %s\nprecision: %s\n", k->belongs ? k->belongs : "",
                                     r->method->name, FL_REAL_NAME);
    for (int i = 0; setting && text && i < count; i++)
        text = fl_arena_text(r->scratch, "%s%s: %s\n", text, setting[i].name, setting[i].value);
    if (!setting || !text) return NULL;
    return fl_arena_text(r->scratch, "%sclip: %016llx\nbaseline: %016llx\nscore: %.17g\n", text, hash_clip(r, r->x),
                         hash_clip(r, r->baseline), r->map->score);
}

fl_status fl_run_resume(fl_run *r, fl_state *s)
{
    bool found = false;
    if (!r->o.keeper) return FL_OK;
    fl_state_add(s, "passes", &r->done, sizeof r->done);
    s->belongs = fingerprint(r);
    if (!s->belongs) return fl_run_no_memory(r);
    return r->o.keeper->load(r->o.keeper->user, s, &found);
}

fl_status fl_run_keep(fl_run *r, const fl_state *s)
{
    const fl_keeper *k = r->o.keeper;
    return k && (r->told_to_stop || k->due(k->user)) ? k->save(k->user, s) : FL_OK;
}

bool fl_run_cut(fl_run *r, bool more_to_do)
{
    if (!r->told_to_stop) return false;
    fl_error_clear(r->g->error);
    r->map->partial = more_to_do;
    return true;
}
