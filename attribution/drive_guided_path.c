/* drive_guided_path.c: guided integrated gradients (Kapishnikov et al. 2021): the path goes first where the gradient is small.
 *
 * From b to x in S steps. At step k the gradient g is taken once; then, until the distance left, |y - x|_1, is L (1 - (k+1)/S):
 * values may not lag or lead the straight line by more than max_distance of the way; of those that may still move, the fraction with
 * the smallest |g| moves towards its limit, together as far as needed; each move adds (y - y_old) g to the map.
 *
 * Complete in the limit of small moves; a value may make up to 2 max_distance of its way on one gradient. All in double. In every round
 * a value reaches its limit, or the step is done; so there are no more rounds than values, but for rounding errors. */
#include "attribution/driver.h"

#include "tensor/par.h"

#include <math.h>

static const double NEAR = 1e-9;
enum { SPARE_ROUNDS = 5 };

typedef struct walker {
    fl_run *r;
    double *y, *sum, *size, *sorted;      /* where we are; the map; |g|, INFINITY for what may not move; scratch of the same */
    double total;                         /* |x - b|_1 */
} walker;

/* The k-th smallest (from 0) of v[0..n-1], which is rearranged: Hoare's selection, the pivot the middle of three. */
static double select_kth(double *v, int64_t n, int64_t k)
{
    int64_t low = 0, high = n - 1;
    while (low < high) {
        const double a = v[low], b = v[low + (high - low) / 2], c = v[high];
        const double pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
        int64_t i = low, j = high;
        while (i <= j) {
            while (v[i] < pivot) i++;
            while (v[j] > pivot) j--;
            if (i > j) break;
            const double swap = v[i];
            v[i++] = v[j];
            v[j--] = swap;
        }
        if (k <= j) high = j;
        else if (k >= i) low = i;
        else return v[k];
    }
    return v[k];
}

static double distance(const walker *w)
{
    double sum = 0;
    for (int64_t i = 0; i < w->r->voxels; i++) sum += fabs(w->y[i] - (double)w->r->x[i]);
    return sum;
}

static void move(walker *w, int64_t i, double to, const real *g)
{
    w->sum[i] += (to - w->y[i]) * (double)g[i];
    w->y[i] = to;
}

static double point(const walker *w, int64_t i, double alpha)
{
    return (double)w->r->baseline[i] + alpha * ((double)w->r->x[i] - (double)w->r->baseline[i]);
}

/* One round. True when the step's distance is reached. */
static bool go_on(walker *w, const real *g, double behind, double ahead, double left)
{
    const int64_t n = w->r->voxels;
    for (int64_t i = 0; i < n; i++) {
        const double way = (double)w->r->x[i] - (double)w->r->baseline[i];
        const double alpha = way != 0 ? (w->y[i] - (double)w->r->baseline[i]) / way : ahead;
        if (alpha < behind) move(w, i, point(w, i, behind), g);
        w->size[i] = w->y[i] == point(w, i, ahead) || way == 0 ? (double)INFINITY : fabs((double)g[i]);
        w->sorted[i] = w->size[i];
    }
    const double now = distance(w);
    if (fabs(now - left) <= NEAR * (fabs(now) > 1 ? fabs(now) : 1)) return true;
    const double most = select_kth(w->sorted, n, (int64_t)(w->r->o.fraction * (double)(n - 1)));
    double room = 0;
    for (int64_t i = 0; i < n; i++)
        if (w->size[i] <= most && isfinite(w->size[i])) room += fabs(w->y[i] - point(w, i, ahead));
    const double gamma = room > 0 ? (now - left) / room : (double)INFINITY;
    for (int64_t i = 0; i < n; i++) {
        if (!(w->size[i] <= most) || !isfinite(w->size[i])) continue;
        const double end = point(w, i, ahead);
        move(w, i, gamma > 1 ? end : w->y[i] + gamma * (end - w->y[i]), g);
    }
    return gamma <= 1 || room == 0;
}

static fl_status step(walker *w, int k)
{
    fl_run *r = w->r;
    real *row = fl_run_row(r, 0);
    FL_EACH(i, r->voxels) row[i] = (real)w->y[i];
    if (fl_run_forward(r, 1)) return r->g->error->status;
    fl_run_backward(r, 1);
    const double alpha = (k + 1.0) / r->o.steps;
    const double behind = fmax(alpha - r->o.max_distance, 0), ahead = fmin(alpha + r->o.max_distance, 1);
    for (int64_t round = 0; round < r->voxels + SPARE_ROUNDS; round++)
        if (go_on(w, fl_run_signal(r, 0), behind, ahead, w->total * (1 - alpha))) break;
    return FL_OK;
}

static fl_status run(fl_run *r)
{
    const int64_t n = r->voxels;
    walker w = {r, fl_run_doubles(r, n), fl_run_doubles(r, n), fl_run_doubles(r, n), fl_run_doubles(r, n), 0};
    if (!w.y || !w.sum || !w.size || !w.sorted) return r->g->error->status;
    for (int64_t i = 0; i < r->voxels; i++) w.y[i] = (double)r->baseline[i];
    w.total = distance(&w);
    for (int k = 0; k < r->o.steps && w.total > 0; k++)
        if (step(&w, k) != FL_OK) return r->g->error->status;
    fl_round(r->voxels, 1, w.sum, r->map->data);
    return FL_OK;
}

const fl_driver fl_drive_guided_path = {
    .name = "guided_path", .uses = {FL_READS(steps) | FL_READS(fraction) | FL_READS(max_distance) | FL_READS_BASELINE}, .run = run};
