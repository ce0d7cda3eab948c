/* report_data.c: value = q * scale of its frame, q = round(value / scale) in int16, little end first. */
#include "io/report_data.h"

#include <math.h>

static bool measure(fl_report_method *m, fl_arena *arena, const fl_result *r)
{
    int64_t pixels = (int64_t)r->height * r->width;
    fl_scaled s;
    if (fl_scale_map(&s, arena, m->method->map, r->frames, pixels, r->look) != FL_OK) return false;
    m->min = s.min;
    m->max = s.max;
    m->flat = s.flat;
    m->not_finite = s.not_finite;
    m->importance = fl_method_importance(r, m->method, arena);
    m->least = FL_NEW(arena, double, r->frames);
    m->most = FL_NEW(arena, double, r->frames);
    if (!m->importance || !m->least || !m->most) return false;
    for (int t = 0; t < r->frames; t++) {
        bool any = false;
        for (int64_t i = 0; i < pixels; i++) {
            double v = (double)m->method->map[t * pixels + i];
            if (!isfinite(v)) continue;
            if (!any || v < m->least[t]) m->least[t] = v;
            if (!any || v > m->most[t]) m->most[t] = v;
            any = true;
        }
    }
    return true;
}

fl_report_method *fl_report_methods(fl_arena *arena, const fl_result *r)
{
    fl_report_method *m = FL_NEW(arena, fl_report_method, r->method_count);
    for (int k = 0; k < r->method_count && m; k++) {
        m[k].method = &r->method[k];
        if (!measure(&m[k], arena, r)) return NULL;
    }
    return m;
}

int fl_report_peak(const fl_result *r, const fl_report_method *m)
{
    int peak = 0;
    for (int t = 1; t < r->frames; t++)
        if (m->importance[t] > m->importance[peak]) peak = t;
    return peak;
}

static void numbers(fl_buffer *b, const char *key, const double *value, int count)
{
    fl_buffer_format(b, ",\"%s\":[", key);
    for (int i = 0; i < count; i++) {
        if (i) fl_buffer_text(b, ",");
        fl_buffer_number(b, value[i], 9);
    }
    fl_buffer_text(b, "]");
}

static void number(fl_buffer *b, const char *key, double value)
{
    fl_buffer_format(b, ",\"%s\":", key);
    fl_buffer_number(b, value, 9);
}

/* The largest |value| of each frame over 32767; 0 for a frame of zeros. */
static void scales(fl_buffer *b, const fl_result *r, const fl_report_method *m, double *scale)
{
    for (int t = 0; t < r->frames; t++) scale[t] = fmax(-m->least[t], m->most[t]) / 32767;
    numbers(b, "scale", scale, r->frames);
}

static void map(fl_buffer *b, const fl_result *r, const fl_report_method *m, const double *scale)
{
    int64_t pixels = (int64_t)r->height * r->width, n = pixels * r->frames;
    fl_buffer_text(b, ",\"map\":\"");
    if (!fl_buffer_reserve(b, (size_t)n * 3 + 64)) return;      /* before the mark: the page outlives it */
    fl_mark mark = fl_arena_mark(b->arena);
    unsigned char *bytes = FL_NEW(b->arena, unsigned char, 2 * n);
    b->failed = !bytes;
    for (int64_t i = 0; i < n && bytes; i++) {
        double v = (double)m->method->map[i], unit = scale[i / pixels];
        int q = isfinite(v) && unit > 0 ? (int)floor(v / unit + 0.5) : 0;
        bytes[2 * i] = (unsigned char)(q & 255);
        bytes[2 * i + 1] = (unsigned char)((q >> 8) & 255);
    }
    if (bytes) fl_buffer_base64(b, bytes, (size_t)(2 * n));
    fl_buffer_text(b, "\"");
    fl_arena_release(b->arena, mark);
}

static void method(fl_buffer *b, const fl_result *r, const fl_report_method *m)
{
    double *scale = FL_NEW(b->arena, double, r->frames);
    if (!scale) {
        b->failed = true;
        return;
    }
    fl_buffer_format(b, "{\"given\":%s,\"flat\":%s", m->method->per_frame ? "true" : "false",
                     m->flat ? "true" : "false");
    number(b, "min", m->min);
    number(b, "max", m->max);
    numbers(b, "importance", m->importance, r->frames);
    scales(b, r, m, scale);
    map(b, r, m, scale);
    fl_buffer_text(b, "}");
}

static void palettes(fl_buffer *b)
{
    static const struct { const char *name; fl_palette palette; } all[] = {
        {"signed", FL_PALETTE_signed}, {"heat", FL_PALETTE_heat}, {"jet", FL_PALETTE_jet}};
    unsigned char table[256][3];
    fl_buffer_text(b, ",\"palettes\":{");
    for (int i = 0; i < 3; i++) {
        fl_palette_fill(all[i].palette, table);
        fl_buffer_format(b, "%s\"%s\":\"", i ? "," : "", all[i].name);
        fl_buffer_base64(b, table, sizeof table);
        fl_buffer_text(b, "\"");
    }
    fl_buffer_text(b, "}");
}

static void boxes(fl_buffer *b, const fl_result *r)
{
    int box[4];
    fl_buffer_text(b, ",\"boxes\":[");
    for (int t = 0; t < r->frames; t++) {
        if (t) fl_buffer_text(b, ",");
        if (fl_result_box(r, t, box)) fl_buffer_format(b, "[%d,%d,%d,%d]", box[0], box[1], box[2], box[3]);
        else fl_buffer_text(b, "null");
    }
    fl_buffer_text(b, "]");
}

void fl_report_data(fl_buffer *b, const fl_result *r, const fl_report_method *m)
{
    fl_buffer_format(b, "{\"frames\":%d,\"height\":%d,\"width\":%d,\"start\":%d", r->frames, r->height, r->width,
                     fl_report_peak(r, m));
    number(b, "rate", fl_result_rate(r));
    fl_buffer_text(b, ",\"index\":[");
    for (int t = 0; t < r->frames; t++) fl_buffer_format(b, "%s%d", t ? "," : "", fl_result_index(r, t));
    fl_buffer_text(b, "]");
    if (r->box) boxes(b, r);
    palettes(b);
    fl_buffer_text(b, ",\"methods\":[");
    for (int k = 0; k < r->method_count; k++) {
        if (k) fl_buffer_text(b, ",");
        method(b, r, &m[k]);
    }
    fl_buffer_text(b, "]}");
}
