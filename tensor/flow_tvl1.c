/* flow_tvl1.c: from the smallest pictures to the largest: the pyramid of a pair, and the scratch memory of it all. */
#include "tensor/blur.h"
#include "tensor/flow_parts.h"
#include "tensor/flow_work.h"
#include "tensor/resample.h"

#include <math.h>
#include <string.h>

enum { SMALLEST = 16, PLANES = 10 };

typedef struct size { int height, width; } size;

static int64_t pixels_of(size s) { return (int64_t)s.height * s.width; }
static fl_shape shape_of(size s, int channels) { return (fl_shape){1, channels, 1, s.height, s.width}; }

/* Sizes of the levels, the first one that of the frames; returns how many there are. */
static int levels_of(const fl_flow_params *p, int height, int width, size level[FL_FLOW_LEVELS])
{
    int n = 1;
    level[0] = (size){height, width};
    for (; n < p->levels; n++) {
        level[n].height = (int)floor(level[n - 1].height * p->step + 0.5);
        level[n].width = (int)floor(level[n - 1].width * p->step + 0.5);
        if (level[n].height < SMALLEST || level[n].width < SMALLEST) break;
    }
    return n;
}

static fl_blur blur_of(const fl_flow_params *p)
{
    return fl_blur_frames(0.6 * sqrt(1 / (p->step * p->step) - 1), FL_BORDER_NEAREST);
}

/* ---- memory: one array per pair at work, cut into pieces ---- */

static int64_t padded(size s) { return (int64_t)(s.height + 2) * (s.width + 2); }

static int64_t blur_reals(const fl_flow_params *p, size s)
{
    const fl_blur blur = blur_of(p);
    return (int64_t)((fl_blur_scratch(shape_of(s, 1), &blur) + sizeof(real) - 1) / sizeof(real));
}

int64_t fl_flow_work_size(const fl_flow_params *p, int height, int width)
{
    size level[FL_FLOW_LEVELS];
    const int n = levels_of(p, height, width, level);
    int64_t all = 0;
    for (int i = 1; i < n; i++) all += 2 * pixels_of(level[i]);
    return all + PLANES * padded(level[0]) + 8 * pixels_of(level[0]) + 2 * width + fl_flow_median_scratch(width)
         + blur_reals(p, level[0]);
}

static real *cut(real **work, int64_t count)
{
    real *piece = *work;
    *work += count;
    return piece;
}

static fl_flow_level level_in(real *work, size s)
{
    fl_flow_level l = {.height = s.height, .width = s.width, .pitch = s.width + 2};
    memset(work, 0, (size_t)(PLANES * padded(s)) * sizeof *work);
    for (int k = 0; k < 2; k++) {
        l.u[k] = cut(&work, padded(s));
        l.g[k] = cut(&work, padded(s));
        for (int i = 0; i < 2; i++) l.p[k][i] = cut(&work, padded(s));
    }
    l.inverse = cut(&work, padded(s));
    l.rest = cut(&work, padded(s));
    l.image = cut(&work, 3 * pixels_of(s));
    l.change = cut(&work, s.width);
    l.k = cut(&work, s.width);
    l.row = cut(&work, fl_flow_median_scratch(s.width));
    return l;
}

/* ---- a level ---- */

static void from_padded(const fl_flow_level *l, real *flow)
{
    for (int y = 0; y < l->height; y++)
        for (int x = 0; x < l->width; x++)
            for (int k = 0; k < 2; k++) *flow++ = l->u[k][fl_flow_at(l, y, x)];
}

/* The flow of the level above (smaller), enlarged and in pixels of this one. */
static void enlarge(const fl_flow_level *l, size above, const real *flow, real *enlarged)
{
    const real factor[2] = {(real)((double)l->width / above.width), (real)((double)l->height / above.height)};
    fl_resize(shape_of(above, 2), flow, shape_of((size){l->height, l->width}, 2), enlarged, FL_RESIZE_LINEAR, false);
    for (int y = 0; y < l->height; y++)
        for (int x = 0; x < l->width; x++)
            for (int k = 0; k < 2; k++) l->u[k][fl_flow_at(l, y, x)] = factor[k] * *enlarged++;
    for (int k = 0; k < 2; k++) fl_flow_close(l, l->u[k]);
}

static void solve(const fl_flow_level *l, const fl_flow_params *p, const real *frame0, const real *frame1)
{
    fl_flow_image(l, frame1);
    for (int warp = 0; warp < p->warps; warp++) {
        fl_flow_warp(l, frame0);
        bool moving = true;
        for (int i = 0; i < p->outer && moving; i++) {
            for (int k = 0; k < 2 && p->median; k++) fl_flow_median(l, l->u[k], p->median);
            for (int j = 0; j < p->inner && moving; j++) moving = fl_flow_round(l, p) > p->epsilon * p->epsilon;
        }
    }
}

/* ---- a pair ---- */

/* The frame at[i] of every level, reduced from the one before. */
static void pyramid(const fl_flow_params *p, const size *level, int n, const real *frame, const real **at,
                    real **work, real *blurred, real *scratch)
{
    const fl_blur blur = blur_of(p);
    at[0] = frame;
    for (int i = 1; i < n; i++) {
        real *to = cut(work, pixels_of(level[i]));
        fl_blur_forward(shape_of(level[i - 1], 1), &blur, at[i - 1], blurred, scratch);
        fl_resize(shape_of(level[i - 1], 1), blurred, shape_of(level[i], 1), to, FL_RESIZE_LINEAR, false);
        at[i] = to;
    }
}

void fl_flow_pair(const fl_flow_params *p, const real *frame0, const real *frame1, int height, int width, real *work,
                  real *flow)
{
    size level[FL_FLOW_LEVELS];
    const real *at0[FL_FLOW_LEVELS] = {0}, *at1[FL_FLOW_LEVELS] = {0};
    const int n = levels_of(p, height, width, level);
    real *smaller = cut(&work, 2 * pixels_of(level[0])), *enlarged = cut(&work, 2 * pixels_of(level[0]));
    real *blurred = cut(&work, pixels_of(level[0])), *scratch = cut(&work, blur_reals(p, level[0]));
    pyramid(p, level, n, frame0, at0, &work, blurred, scratch);
    pyramid(p, level, n, frame1, at1, &work, blurred, scratch);
    for (int i = n - 1; i >= 0; i--) {
        const fl_flow_level l = level_in(work, level[i]);
        if (i < n - 1) enlarge(&l, level[i + 1], smaller, enlarged);
        solve(&l, p, at0[i], at1[i]);
        from_padded(&l, i ? smaller : flow);
    }
}
