/* grid_mask.c: cells by chance, then linear interpolation along each axis. */
#include "attribution/grid_mask.h"

#include "tensor/par.h"
#include "tensor/rng.h"

#include <math.h>

typedef struct fl_grid_tap { int low, high; double part; } fl_grid_tap;      /* (1 - part) low + part high */

static const uint64_t STREAM = UINT64_C(0x5215E) << 40;      /* + k; noisy samples and baselines are far from there */

static void sides(const fl_grid_mask *m, int side[3]) { side[0] = m->clip.t, side[1] = m->clip.h, side[2] = m->clip.w; }

fl_status fl_grid_mask_init(fl_grid_mask *m, fl_arena *arena, fl_error *err)
{
    static const char *const axis_name[] = {"frames", "rows", "columns"};
    int side[3];
    sides(m, side);
    for (int axis = 0; axis < 3; axis++)
        if (m->cells[axis] > side[axis])
            return fl_error_set(err, FL_USAGE, "grid: expected at most the clip's %d %s, got %d", side[axis], axis_name[axis],
                                m->cells[axis]);
    m->grid = FL_NEW(arena, double, (int64_t)m->cells[0] * m->cells[1] * m->cells[2]);
    m->tap = FL_NEW(arena, fl_grid_tap, side[0] + side[1] + side[2]);
    return m->grid && m->tap ? FL_OK : fl_error_set(err, FL_FAILED, "masks: %s", arena->error->message);
}

/* Where place o of an axis that is shifted by `by` reads its value. */
static fl_grid_tap tap_at(int o, int by, int cells, int cell)
{
    if (cells == 1) return (fl_grid_tap){0, 0, 0};
    double at = fabs((o + by + 0.5) * cells / ((double)(cells + 1) * cell) - 0.5);
    if (at > cells - 1) at = 2.0 * (cells - 1) - at;
    const int low = (int)at;
    return (fl_grid_tap){low, low + 1 < cells ? low + 1 : low, at - low};
}

static void place(fl_grid_mask *m, fl_rng *rng)
{
    int side[3];
    fl_grid_tap *tap = m->tap;
    sides(m, side);
    for (int axis = 0; axis < 3; tap += side[axis++]) {
        const int cells = m->cells[axis], cell = (side[axis] + cells - 1) / cells, by = fl_rng_next_below(rng, cell);
        for (int o = 0; o < side[axis]; o++) tap[o] = tap_at(o, by, cells, cell);
    }
}

static double along(const fl_grid_tap *t, double low, double high) { return t->part > 0 ? (1 - t->part) * low + t->part * high : low; }

void fl_grid_mask_make(fl_grid_mask *m, int64_t k, real *mask)
{
    const int gh = m->cells[1], gw = m->cells[2], height = m->clip.h, width = m->clip.w, count = m->cells[0] * gh * gw;
    fl_rng rng = {m->seed, STREAM + (uint64_t)k, 0};
    for (int i = 0; i < count; i++) m->grid[i] = fl_rng_next_uniform(&rng) < m->keep;
    place(m, &rng);
    const fl_grid_tap *tt = m->tap, *th = tt + m->clip.t, *tw = th + height;
    FL_PARALLEL(row, (int64_t)m->clip.t * height, fl_shape_pixels(m->clip) * 20) {
        const fl_grid_tap *t = &tt[row / height], *h = &th[row % height];
        const double *a = m->grid + (int64_t)t->low * gh * gw, *b = m->grid + (int64_t)t->high * gh * gw;
        for (int x = 0; x < width; x++) {
            const fl_grid_tap *w = &tw[x];
            const double top_a = along(w, a[h->low * gw + w->low], a[h->low * gw + w->high]);
            const double low_a = along(w, a[h->high * gw + w->low], a[h->high * gw + w->high]);
            const double top_b = along(w, b[h->low * gw + w->low], b[h->low * gw + w->high]);
            const double low_b = along(w, b[h->high * gw + w->low], b[h->high * gw + w->high]);
            mask[row * width + x] = (real)along(t, along(h, top_a, low_a), along(h, top_b, low_b));
        }
    }
}
