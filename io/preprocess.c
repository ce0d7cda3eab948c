/* preprocess.c: pick, resize, crop, normalise; one frame at a time, so that memory is one frame above the result. */
#include "io/preprocess.h"
#include "tensor/resample.h"

#include <math.h>
#include <string.h>

static fl_status check_card(const fl_card_input *card, fl_error *err)
{
    if (card->height < 1 || card->width < 1 || card->fit_height < 0 || card->fit_width < 0)
        return fl_error_set(err, FL_USAGE, "the model's input has sides of at least 1 pixel, got %d x %d (resized "
                            "to %d x %d)", card->width, card->height, card->fit_width, card->fit_height);
    for (int c = 0; c < (card->source == FL_SOURCE_FLOW ? 2 : 3); c++)
        if (!isfinite(card->mean[c]) || !isfinite(card->std[c]) || card->std[c] == 0)
            return fl_error_set(err, FL_USAGE, "the model's input needs a mean and a std that is not 0 for channel "
                                "%d, got %g and %g", c, card->mean[c], card->std[c]);
    return FL_OK;
}

fl_status fl_fitting_of(const fl_card_input *card, int clip_height, int clip_width, fl_fitting *f, fl_error *err)
{
    fl_status status = check_card(card, err);
    if (status != FL_OK) return status;
    int64_t height = card->fit_height ? card->fit_height : card->height;
    int64_t width = card->fit_width ? card->fit_width : card->width;
    if (card->fit == FL_FIT_SHORT_SIDE) {
        int64_t side = height, h = clip_height, w = clip_width;
        height = h <= w ? side : side * h / w;
        width = h <= w ? side * w / h : side;
    }
    if (height < card->height || width < card->width || height > FL_CLIP_SIDE || width > FL_CLIP_SIDE)
        return fl_error_set(err, FL_USAGE, "frames of %d x %d become %lld x %lld, from which the model's %d x %d "
                            "cannot be cut (at most %d a side); crop the clip first", clip_width, clip_height,
                            (long long)width, (long long)height, card->width, card->height, FL_CLIP_SIDE);
    *f = (fl_fitting){
        .height = card->height, .width = card->width, .resized_height = (int)height, .resized_width = (int)width,
        .crop_y = (int)(height - card->height) / 2, .crop_x = (int)(width - card->width) / 2,
        .scale_y = (double)height / clip_height, .scale_x = (double)width / clip_width,
    };
    return FL_OK;
}

static unsigned char to_byte(double x) { return x <= 0 ? 0 : x >= 255 ? 255 : (unsigned char)floor(x + 0.5); }

/* The crop of one resized frame: values into the network's input (unless NULL), bytes into what is shown. */
static void normalise(const fl_card_input *card, const fl_fitting *f, const real *resized, real *input,
                      unsigned char *shown)
{
    for (int y = 0; y < f->height; y++) {
        const real *pixel = resized + ((int64_t)(y + f->crop_y) * f->resized_width + f->crop_x) * 3;
        for (int x = 0; x < f->width; x++, pixel += 3, shown += 3) {
            for (int c = 0; c < 3; c++) {
                double value = (double)pixel[card->bgr ? 2 - c : c];
                if (input) *input++ = (real)((card->white * value / 255 - card->mean[c]) / card->std[c]);
                shown[c] = to_byte((double)pixel[c]);
            }
        }
    }
}

static fl_status fit_frames(fl_arena *a, const fl_card_input *card, const fl_fitting *f, const fl_clip *clip,
                            const int *index, int count, real *input, unsigned char *shown)
{
    const fl_shape frame = {1, 3, 1, clip->height, clip->width};
    const fl_shape resized = {1, 3, 1, f->resized_height, f->resized_width};
    const int64_t values = (int64_t)f->height * f->width * 3;
    const fl_mark mark = fl_arena_mark(a);
    real *before = FL_NEW(a, real, fl_shape_count(frame)), *after = FL_NEW(a, real, fl_shape_count(resized));
    if (!before || !after) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", clip->source);
    for (int t = 0; t < count; t++) {
        fl_assert(index[t] >= 0 && index[t] < clip->frames);
        const unsigned char *rgb = clip->rgb + (int64_t)index[t] * fl_shape_count(frame);
        for (int64_t i = 0; i < fl_shape_count(frame); i++) before[i] = rgb[i];
        fl_resize(frame, before, resized, after, FL_RESIZE_LINEAR, false);
        normalise(card, f, after, input ? input + t * values : NULL, shown + t * values);
    }
    fl_arena_release(a, mark);
    return FL_OK;
}

fl_status fl_preprocess(fl_arena *a, const fl_card_input *card, const fl_clip *clip, const int *index, int count,
                        fl_network_clip *out)
{
    memset(out, 0, sizeof *out);
    fl_fitting *f = &out->fitting;
    fl_status status = fl_fitting_of(card, clip->height, clip->width, f, a->error);
    if (status != FL_OK) return status;
    unsigned char *shown = FL_NEW(a, unsigned char, (size_t)count * (size_t)f->height * (size_t)f->width * 3);
    out->input = fl_tensor_new(a, (fl_shape){1, 3, count, f->height, f->width});
    out->shown = shown;
    if (!shown || !out->input.data) return fl_error_set(a->error, FL_FAILED, "%s: memory ran out", clip->source);
    return fit_frames(a, card, f, clip, index, count, out->input.data, shown);
}

const unsigned char *fl_preprocess_shown(fl_arena *a, const fl_card_input *card, const fl_clip *clip,
                                         const int *index, int count)
{
    fl_fitting f = {0};
    if (fl_fitting_of(card, clip->height, clip->width, &f, a->error) != FL_OK) return NULL;
    unsigned char *shown = FL_NEW(a, unsigned char, (size_t)count * (size_t)f.height * (size_t)f.width * 3);
    if (!shown || fit_frames(a, card, &f, clip, index, count, NULL, shown) != FL_OK) return NULL;
    return shown;
}

static double inside(double x, double most) { return x < 0 ? 0 : x > most ? most : x; }

bool fl_preprocess_box(const fl_fitting *f, const double clip[4], double network[4])
{
    network[0] = inside(clip[0] * f->scale_x - f->crop_x, f->width);
    network[1] = inside(clip[1] * f->scale_y - f->crop_y, f->height);
    network[2] = inside(clip[2] * f->scale_x - f->crop_x, f->width);
    network[3] = inside(clip[3] * f->scale_y - f->crop_y, f->height);
    if (network[2] > network[0] && network[3] > network[1]) return true;
    memset(network, 0, 4 * sizeof *network);
    return false;
}
