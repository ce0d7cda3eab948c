/* flow_file.c: flow from arrays and from pairs of pictures. */
#include "io/flow_file.h"

#include "io/folder.h"
#include "io/npy.h"

#include <math.h>
#include <string.h>

static const char X[] = "flow_x", Y[] = "flow_y";

static bool is_floating(fl_scalar type)
{
    return type == FL_SCALAR_F64 || type == FL_SCALAR_F32 || type == FL_SCALAR_F16;
}

static bool is_flow(const fl_npy *a)
{
    return a->axes == 4 && is_floating(a->type) && (a->size[3] == 2 || (a->size[1] == 2 && a->size[3] != 3));
}

static bool is_part(const char *path, const void *prefix)
{
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, prefix, strlen(prefix)) == 0;
}

/* Looking is no failure: errors on the way are forgotten. */
static bool header_is_flow(const char *path)
{
    enum { HEAD = 4096 };
    unsigned char head[HEAD];
    fl_npy a = {0};
    fl_error err = {0};
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    const size_t n = fread(head, 1, sizeof head, f);
    fclose(f);
    const fl_bytes bytes = {head, n};
    if (!fl_npy_is(bytes)) return false;
    fl_npy_parse(bytes, path, &a, &err);      /* complains that the values are missing, after the header is read */
    return is_flow(&a);
}

bool fl_flow_file_is(fl_arena *scratch, const char *path)
{
    if (!fl_folder_exists(path)) return fl_file_is_regular(path) && header_is_flow(path);
    fl_arena own;
    fl_error err = {0};
    fl_listing found = {0};
    fl_arena_init_beside(&own, scratch);
    own.error = &err;
    const bool some = fl_folder_list(&own, path, is_part, X, &found) == FL_OK && found.count > 0;
    fl_arena_free(&own);
    return some;
}

static fl_status check_size(fl_arena *a, const char *name, const int64_t size[3])
{
    const bool side = size[1] >= 1 && size[2] >= 1 && size[1] <= FL_CLIP_SIDE && size[2] <= FL_CLIP_SIDE;
    if (side && size[0] >= 1 && size[0] <= FL_CLIP_FRAMES) return FL_OK;
    return fl_error_set(a->error, FL_UNREADABLE, "%s: 1 to %d flows of 1 to %d pixels a side expected, got %lld of "
                        "%lld x %lld", name, FL_CLIP_FRAMES, FL_CLIP_SIDE, (long long)size[0], (long long)size[2],
                        (long long)size[1]);
}

/* T,2,H,W to T,H,W,2 */
static real *interleaved(fl_arena *a, const real *planes, const int64_t size[3])
{
    const int64_t pixels = size[1] * size[2];
    real *uv = FL_NEW(a, real, 2 * size[0] * pixels);
    for (int64_t t = 0; uv && t < size[0]; t++)
        for (int64_t i = 0; i < 2 * pixels; i++) uv[2 * t * pixels + i] = planes[(2 * t + i % 2) * pixels + i / 2];
    return uv;
}

fl_status fl_flow_file_decode(fl_arena *a, fl_bytes bytes, const char *name, fl_flow_file *f)
{
    fl_npy npy;
    memset(f, 0, sizeof *f);
    snprintf(f->source, sizeof f->source, "%s", name);
    snprintf(f->format, sizeof f->format, "flow npy");
    if (fl_npy_parse(bytes, name, &npy, a->error) != FL_OK) return a->error->status;
    if (!is_flow(&npy))
        return fl_error_set(a->error, FL_UNREADABLE, "%s: flow is an array of floating-point numbers of shape "
                            "T,H,W,2 or T,2,H,W, got %d axes of %s", name, npy.axes, fl_scalar_name(npy.type));
    const bool last = npy.size[3] == 2;
    const int64_t size[3] = {npy.size[0], npy.size[last ? 1 : 2], npy.size[last ? 2 : 3]};
    if (check_size(a, name, size) != FL_OK) return a->error->status;
    const real *uv = fl_npy_values(a, &npy);
    if (uv && !last) uv = interleaved(a, uv, size);
    if (!uv) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", name);
    for (int64_t i = 0; i < npy.count; i++)
        if (!isfinite(uv[i]))
            return fl_error_set(a->error, FL_UNREADABLE, "%s: value %lld of the flow is %g; mark unknown flow with 0",
                                name, (long long)i, (double)uv[i]);
    f->flows = (int)size[0];
    f->height = (int)size[1];
    f->width = (int)size[2];
    f->uv = uv;
    fl_sha256_bytes(bytes.data, bytes.size, f->sha256);
    return FL_OK;
}

static fl_status read_npy(fl_arena *a, const char *path, fl_flow_file *f)
{
    fl_bytes bytes;
    fl_arena file;
    fl_arena_init_beside(&file, a);
    fl_status status = fl_file_read(&file, path, FL_FILE_CAP, &bytes);
    if (status == FL_OK) status = fl_flow_file_decode(a, bytes, path, f);
    fl_arena_free(&file);
    return status;
}

/* Both parts are grey pictures: the first of the three channels says it. */
static fl_status from_pictures(fl_arena *a, const fl_clip *x, const fl_clip *y, double bound, fl_flow_file *f)
{
    if (x->frames != y->frames || x->height != y->height || x->width != y->width)
        return fl_error_set(a->error, FL_UNREADABLE, "%s: %d pictures %s of %d x %d, but %d pictures %s of %d x %d; "
                            "expected the same", f->source, x->frames, X, x->width, x->height, y->frames, Y, y->width,
                            y->height);
    const int64_t count = (int64_t)x->frames * x->height * x->width;
    real *uv = FL_NEW(a, real, 2 * count);
    if (!uv) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", f->source);
    for (int64_t i = 0; i < count; i++) {
        uv[2 * i] = (real)(x->rgb[3 * i] / 255.0 * 2 * bound - bound);
        uv[2 * i + 1] = (real)(y->rgb[3 * i] / 255.0 * 2 * bound - bound);
    }
    f->flows = x->frames;
    f->height = x->height;
    f->width = x->width;
    f->uv = uv;
    snprintf(f->note, sizeof f->note, "grey 0..255 is -%g..%g pixels", bound, bound);
    fl_sha256 hash;
    fl_sha256_begin(&hash);
    fl_sha256_add(&hash, x->sha256, strlen(x->sha256));
    fl_sha256_add(&hash, y->sha256, strlen(y->sha256));
    fl_sha256_end(&hash, f->sha256);
    return FL_OK;
}

static fl_status read_folder(fl_arena *a, const char *path, double bound, fl_flow_file *f)
{
    fl_clip x, y;
    fl_arena pictures;
    fl_arena_init_beside(&pictures, a);
    snprintf(f->source, sizeof f->source, "%s", path);
    snprintf(f->format, sizeof f->format, "flow folder");
    fl_status status = fl_clip_read_named(&pictures, path, X, &x);
    if (status == FL_OK) status = fl_clip_read_named(&pictures, path, Y, &y);
    if (status == FL_OK) status = from_pictures(a, &x, &y, bound, f);
    fl_arena_free(&pictures);
    return status;
}

fl_status fl_flow_file_read(fl_arena *a, const char *path, double bound, fl_flow_file *f)
{
    memset(f, 0, sizeof *f);
    if (!(bound > 0 && bound <= 1e6))
        return fl_error_set(a->error, FL_USAGE, "the bound of flow is above 0 pixels, got %g", bound);
    return fl_folder_exists(path) ? read_folder(a, path, bound, f) : read_npy(a, path, f);
}
