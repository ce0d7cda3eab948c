/* result.c: small questions about a result that every writer asks. */
#include "io/result.h"

#include <math.h>

fl_status fl_result_check(const fl_result *r, fl_error *error)
{
    if (r->frames < 1 || r->height < 1 || r->width < 1 || (int64_t)r->height * r->width > (1 << 26) ||
        (int64_t)r->frames * r->height * r->width > (int64_t)1 << 31)
        return fl_error_set(error, FL_USAGE, "pictures: a clip of %d frames of %d x %d; expected at least one pixel "
                            "and less than 2^31 in all", r->frames, r->height, r->width);
    if (!r->rgb || r->method_count < 1 || !r->method)
        return fl_error_set(error, FL_USAGE, "pictures: nothing to draw: frames or maps are missing");
    for (int m = 0; m < r->method_count; m++)
        if (!r->method[m].map || !r->method[m].name)
            return fl_error_set(error, FL_USAGE, "pictures: map %d of %d has no values or no name", m + 1,
                                r->method_count);
    return FL_OK;
}

int fl_result_index(const fl_result *r, int frame) { return r->frame_index ? r->frame_index[frame] : frame; }

double fl_result_rate(const fl_result *r)
{
    double rate = r->frames_per_second;
    return !(rate > 0) ? 8 : rate < 1 ? 1 : rate > 50 ? 50 : rate;
}

static int inside(double v, int last) { return v < 0 ? 0 : v > last ? last : (int)floor(v + 0.5); }

bool fl_result_box(const fl_result *r, int frame, int box[4])
{
    if (!r->box) return false;
    const fl_frame_box *b = &r->box[frame];
    if (!(b->x0 <= b->x1 && b->y0 <= b->y1)) return false;
    box[0] = inside(b->x0, r->width - 1);
    box[1] = inside(b->y0, r->height - 1);
    box[2] = inside(b->x1, r->width - 1);
    box[3] = inside(b->y1, r->height - 1);
    return true;
}

const char *fl_method_title(const fl_method_map *m) { return m->title ? m->title : m->name; }

double *fl_method_importance(const fl_result *r, const fl_method_map *m, fl_arena *arena)
{
    int64_t pixels = (int64_t)r->height * r->width;
    double *value = FL_NEW(arena, double, r->frames);
    for (int t = 0; t < r->frames && value; t++) {
        if (m->per_frame) value[t] = isfinite(m->per_frame[t]) ? (double)m->per_frame[t] : 0;
        for (int64_t i = 0; i < pixels && !m->per_frame; i++) {
            double v = (double)m->map[t * pixels + i];
            if (isfinite(v)) value[t] += fabs(v);
        }
    }
    return value;
}
