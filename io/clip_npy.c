/* clip_npy.c: a clip as a NumPy array: uint8 0..255, or floating point 0..1 (rounded to 8 bits).
 *
 * Layouts: thwc = T,H,W,3, tchw = T,3,H,W, cthw = 3,T,H,W. */
#include "io/clip_formats.h"
#include "io/npy.h"

#include <math.h>
#include <string.h>

/* Axes of time, row, column, channel in the file. */
typedef struct layout { const char *name; int t, h, w, c; } layout;
static const layout layouts[] = {{"thwc", 0, 1, 2, 3}, {"tchw", 0, 2, 3, 1}, {"cthw", 1, 2, 3, 0}};
enum { LAYOUTS = sizeof layouts / sizeof layouts[0] };

static fl_status find_layout(const fl_source *s, const char *wanted, const fl_npy *npy, const layout **found)
{
    bool named = false, fits = false;
    for (int i = LAYOUTS - 1; i >= 0; i--) {
        bool asked = wanted && strcmp(wanted, layouts[i].name) == 0;
        named = named || asked;
        if (npy->axes != 4 || npy->size[layouts[i].c] != 3 || (wanted && !asked)) continue;
        *found = &layouts[i];
        fits = true;
    }
    if (wanted && !named)
        return fl_error_set(s->arena->error, FL_USAGE, "--layout is thwc, tchw or cthw, got '%s'", wanted);
    if (fits) return FL_OK;
    char shape[200] = "";
    for (int i = 0, n = 0; i < npy->axes; i++)
        n += snprintf(shape + n, sizeof shape - (size_t)n, "%s%lld", i ? "," : "", (long long)npy->size[i]);
    return fl_source_error(s, 0, "an array of shape T,H,W,3 or T,3,H,W or 3,T,H,W%s%s expected, got %s",
                           wanted ? ", here " : "", wanted ? wanted : "", shape);
}

/* 8 bits from a value 0..1; -1 when it is outside. */
static int byte_of(double x) { return x >= 0 && x <= 1 ? (int)floor(x * 255 + 0.5) : -1; }

/* Distance in values between neighbours along each axis of the file. */
static void strides(const fl_npy *npy, int64_t step[4])
{
    int64_t n = 1;
    for (int i = 0; i < 4; i++) {
        int axis = npy->fortran_order ? i : 3 - i;
        step[axis] = n;
        n *= npy->size[axis];
    }
}

static fl_status convert(const fl_source *s, const fl_npy *npy, const layout *l, const fl_clip *clip,
                         unsigned char *rgb)
{
    bool whole = npy->type == FL_SCALAR_U8;
    int64_t step[4], bytes = fl_scalar_size(npy->type);
    strides(npy, step);
    for (int64_t i = 0; i < npy->count; i++) {
        int64_t p = i / 3, x = p % clip->width, y = p / clip->width % clip->height,
            t = p / clip->width / clip->height;
        int64_t at = t * step[l->t] + y * step[l->h] + x * step[l->w] + i % 3 * step[l->c];
        real value;
        fl_scalar_decode(npy->type, npy->values + at * bytes, npy->big_endian, 1, &value);
        int b = whole ? (int)value : byte_of((double)value);
        if (b < 0)
            return fl_source_error(s, (size_t)(npy->values - s->bytes.data) + (size_t)(at * bytes),
                                   "a value 0..1 expected (or uint8), got %.*g; divide by 255?", sizeof value == 8 ? 17 : 9, (double)value);
        rgb[i] = (unsigned char)b;
    }
    return FL_OK;
}

fl_status fl_clip_npy(const fl_source *s, const fl_clip_options *o, fl_clip *clip)
{
    fl_npy npy;
    const layout *l = &layouts[0];
    fl_status status = fl_npy_parse(s->bytes, s->name, &npy, s->arena->error);
    if (status == FL_OK) status = find_layout(s, o->layout, &npy, &l);
    if (status != FL_OK) return status;
    bool floating = npy.type == FL_SCALAR_F64 || npy.type == FL_SCALAR_F32 || npy.type == FL_SCALAR_F16;
    if (npy.type != FL_SCALAR_U8 && !floating)
        return fl_source_error(s, 0, "a clip of type uint8 (0..255) or float (0..1) expected, got %s",
                               fl_scalar_name(npy.type));
    unsigned char *rgb = fl_clip_frames(s, clip, npy.size[l->t], npy.size[l->h], npy.size[l->w]);
    if (!rgb) return fl_source_status(s);
    if (floating) fl_clip_note(clip, "values 0..1 rounded to 8 bits");
    snprintf(clip->format, sizeof clip->format, "npy %s", l->name);
    return convert(s, &npy, l, clip, rgb);
}
