/* ops_window.c: convolutions and pools: [N,C,places...] with one to three axes of places.
 *
 * Places lie on T,H,W (three axes) or H,W (two); the batch of a 2-D network is a row of frames and lies on T, where
 * kernels have one tap. One axis of places stays where it is, else it is T. */
#include "io/onnx/import.h"

#include "autograd/runs.h"

#include <limits.h>

enum { MOST_KERNEL = 4096, MOST_STEP = 1 << 16 };

/* Seats for x: batch, channels, places. False with the error set. */
static bool window_seats(fl_onnx_import *im, const fl_onnx_value *x, int *want)
{
    if (x->rank < 3 || x->rank > 5)
        return fl_onnx_fail(im, "expected an operand of 3 to 5 axes (batch, channels, places), got %d", x->rank);
    const int line = x->rank == 3 && x->seat[2] >= FL_AXIS_T ? x->seat[2] : FL_AXIS_T;
    want[0] = x->rank == 5 ? FL_AXIS_N : x->rank == 4 ? FL_AXIS_T : FL_SEAT_ANY;
    want[1] = FL_AXIS_C;
    for (int i = 2; i < x->rank; i++) want[i] = x->rank == 3 ? line : 5 - x->rank + i;
    return fl_onnx_seats(im, x, want, 0);
}

/* One number per axis of places, from 1 or 0 up. */
static bool per_place(fl_onnx_import *im, const char *name, int places, int64_t least, int64_t most, int64_t *to)
{
    const int count = fl_onnx_list(im, name, -1, 6, to);
    if (count == -1) return true;                              /* the preset stays */
    if (count != places) return fl_onnx_fail(im, "%s: expected %d numbers, got %d", name, places, count);
    for (int i = 0; i < count; i++)
        if (to[i] < least || to[i] > most)
            return fl_onnx_fail(im, "%s: expected %lld to %lld, got %lld", name, (long long)least, (long long)most,
                                (long long)to[i]);
    return true;
}

/* SAME: as many windows as strides fit; the smaller half of the padding in front (UPPER) or behind (LOWER). */
static void pad_same(int64_t length, bool upper, int k, int s, int d, int *low, int *high)
{
    const int64_t reach = (int64_t)d * (k - 1) + 1, windows = (length + s - 1) / s;
    const int64_t total = (windows - 1) * s + reach - length, half = total > 0 ? total / 2 : 0;
    *low = (int)(upper || total <= 0 ? half : total - half);
    *high = (int)(upper && total > 0 ? total - half : half);
}

/* Kernel, stride, dilation, padding of the node; kernel: its size per axis of places. */
static bool read_window(fl_onnx_import *im, const fl_onnx_value *x, const int *want, const int64_t *kernel,
                        fl_window *win)
{
    const int places = x->rank - 2;
    int64_t strides[6] = {1, 1, 1}, dilations[6] = {1, 1, 1}, pads[6] = {0};
    const char *const automatic = fl_onnx_text(im, "auto_pad", "NOTSET");
    const bool upper = fl_onnx_is(im, "auto_pad", "NOTSET", "SAME_UPPER"),
               lower = fl_onnx_is(im, "auto_pad", "NOTSET", "SAME_LOWER"),
               none = fl_onnx_is(im, "auto_pad", "NOTSET", "VALID");
    if (!upper && !lower && !none && !fl_onnx_is(im, "auto_pad", "NOTSET", "NOTSET"))
        return fl_onnx_fail(im, "auto_pad '%.40s' is unknown", automatic);
    if (!per_place(im, "strides", places, 1, MOST_STEP, strides) ||
        !per_place(im, "dilations", places, 1, MOST_STEP, dilations) ||
        (!upper && !lower && !none && !per_place(im, "pads", 2 * places, 0, MOST_STEP, pads)))
        return false;
    *win = (fl_window){{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    for (int i = 0; i < places; i++) {
        const int axis = want[i + 2] - FL_AXIS_T;
        if (kernel[i] < 1 || kernel[i] > MOST_KERNEL || dilations[i] * kernel[i] > 1 << 24)
            return fl_onnx_fail(im, "a kernel of %lld taps, dilated by %lld: expected 1 to %d", (long long)kernel[i],
                                (long long)dilations[i], (int)MOST_KERNEL);
        win->k[axis] = (int)kernel[i];
        win->s[axis] = (int)strides[i];
        win->d[axis] = (int)dilations[i];
        win->lo[axis] = (int)pads[i];
        win->hi[axis] = (int)pads[i + places];
        if (upper || lower)
            pad_same(x->dim[i + 2], upper, win->k[axis], win->s[axis], win->d[axis], &win->lo[axis], &win->hi[axis]);
    }
    return true;
}

/* The taps of a weight along each axis of places; a kernel_shape must say the same. */
static bool read_kernel(fl_onnx_import *im, const fl_onnx_value *w, int64_t *kernel)
{
    int64_t said[6] = {0};
    const int places = w->rank - 2, count = fl_onnx_list(im, "kernel_shape", -1, 6, said);
    if (count == -2) return false;
    if (count >= 0 && count != places) return fl_onnx_fail(im, "kernel_shape: expected %d numbers, got %d", places, count);
    for (int i = 0; i < places; i++) {
        kernel[i] = w->dim[i + 2];
        if (count >= 0 && said[i] != kernel[i])
            return fl_onnx_fail(im, "kernel_shape: expected %lld on axis %d, as in the weight, got %lld; export it again",
                                (long long)kernel[i], i, (long long)said[i]);
    }
    return true;
}

static void import_conv(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0), *w = fl_onnx_constant(im, 1, "the weight");
    const fl_onnx_value *b = fl_onnx_given(im, 2) ? fl_onnx_constant(im, 2, "the bias") : NULL;
    const int64_t groups = fl_onnx_int(im, "group", 1);
    int64_t kernel[6] = {1, 1, 1};
    int want[FL_ONNX_RANK] = {0};
    fl_window win = {.k = {0}};
    if (!x || !w || !fl_onnx_ok(im) || !window_seats(im, x, want)) return;
    if (w->rank != x->rank) {
        fl_onnx_fail(im, "the weight has %d axes, the operand %d", w->rank, x->rank);
        return;
    }
    if (!read_kernel(im, w, kernel) || !read_window(im, x, want, kernel, &win)) return;
    if (groups < 1 || w->dim[0] < 1 || w->dim[0] > INT_MAX || w->dim[1] > INT_MAX || groups > w->dim[0] ||
        w->dim[1] * groups != x->dim[1] || w->dim[0] % groups) {
        fl_onnx_fail(im, "a weight of %lld x %lld channels in %lld groups does not fit an operand of %lld channels",
                     (long long)w->dim[0], (long long)w->dim[1], (long long)groups, (long long)x->dim[1]);
        return;
    }
    const fl_shape shape = {(int)w->dim[0], (int)w->dim[1], win.k[0], win.k[1], win.k[2]};
    const fl_id weight = fl_onnx_plain(im, w, shape, FL_PARAM);
    const fl_id bias = b ? fl_onnx_plain(im, b, fl_shape_vector(1, shape.n), FL_PARAM) : FL_NONE;
    if (!fl_onnx_ok(im)) return;
    const fl_id seated = fl_onnx_arrange(im, x, want);
    fl_onnx_result(im, 0, fl_node_conv(im->g, fl_onnx_name(im, NULL), seated, weight, bias, win, (int)groups),
                   x->rank, want);
}

/* A transposed convolution whose size follows from its window: an output_padding of zeros says nothing. */
static bool is_plain(fl_onnx_import *im)
{
    int64_t more[6];
    const int count = fl_onnx_list(im, "output_padding", -1, 6, more);
    bool plain = !fl_onnx_attribute_of(im, "output_shape") && fl_onnx_is(im, "auto_pad", "NOTSET", "NOTSET");
    for (int i = 0; i < count; i++) plain &= more[i] == 0;
    return plain;
}

/* The transpose of a convolution; its weight is [channels in, channels out / groups, places..]. */
static void import_deconv(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0), *w = fl_onnx_constant(im, 1, "the weight");
    const fl_onnx_value *b = fl_onnx_given(im, 2) ? fl_onnx_constant(im, 2, "the bias") : NULL;
    const int64_t groups = fl_onnx_int(im, "group", 1);
    int64_t kernel[6] = {1, 1, 1};
    int want[FL_ONNX_RANK] = {0};
    fl_window win = {.k = {0}};
    if (!x || !w || !fl_onnx_ok(im) || !window_seats(im, x, want)) return;
    if (w->rank != x->rank) {
        fl_onnx_fail(im, "the weight has %d axes, the operand %d", w->rank, x->rank);
        return;
    }
    if (!is_plain(im)) {
        fl_onnx_fail(im, "output_shape, output_padding and auto_pad are not available here; export it with pads alone");
        return;
    }
    if (!read_kernel(im, w, kernel) || !read_window(im, x, want, kernel, &win)) return;
    if (groups < 1 || w->dim[0] != x->dim[1] || w->dim[1] < 1 || w->dim[1] > INT_MAX / groups || w->dim[0] % groups) {
        fl_onnx_fail(im, "a weight of %lld x %lld channels in %lld groups does not fit an operand of %lld channels",
                     (long long)w->dim[0], (long long)w->dim[1], (long long)groups, (long long)x->dim[1]);
        return;
    }
    const fl_shape shape = {(int)w->dim[0], (int)w->dim[1], win.k[0], win.k[1], win.k[2]};
    const fl_id weight = fl_onnx_plain(im, w, shape, FL_PARAM);
    const fl_id bias = b ? fl_onnx_plain(im, b, fl_shape_vector(1, shape.c * (int)groups), FL_PARAM) : FL_NONE;
    if (!fl_onnx_ok(im)) return;
    const fl_id seated = fl_onnx_arrange(im, x, want);
    fl_onnx_result(im, 0, fl_node_deconv(im->g, fl_onnx_name(im, NULL), seated, weight, bias, win, (int)groups),
                   x->rank, want);
}

static void import_pool(fl_onnx_import *im, bool max)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    int64_t kernel[6];
    int want[FL_ONNX_RANK] = {0};
    fl_window win = {.k = {0}};
    if (!x || !window_seats(im, x, want)) return;
    if (fl_onnx_list(im, "kernel_shape", -1, 6, kernel) != x->rank - 2) {
        fl_onnx_fail(im, "kernel_shape: expected %d numbers", x->rank - 2);
        return;
    }
    if (fl_onnx_wanted(im, 1)) fl_onnx_fail(im, "its second output, the places of the maxima, is not available");
    if (!fl_onnx_ok(im) || !read_window(im, x, want, kernel, &win)) return;
    const bool ceil = fl_onnx_int(im, "ceil_mode", 0) != 0, count_pad = fl_onnx_int(im, "count_include_pad", 0) != 0;
    const fl_id seated = fl_onnx_arrange(im, x, want);
    const char *name = fl_onnx_name(im, NULL);
    fl_onnx_result(im, 0, max ? fl_node_maxpool(im->g, name, seated, win, ceil)
                              : fl_node_avgpool(im->g, name, seated, win, ceil, count_pad), x->rank, want);
}

static void import_maxpool(fl_onnx_import *im) { import_pool(im, true); }
static void import_avgpool(fl_onnx_import *im) { import_pool(im, false); }

static void import_global(fl_onnx_import *im, bool max)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    fl_window win = {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}};
    unsigned axes = 0;
    int want[FL_ONNX_RANK] = {0};
    if (!x || !window_seats(im, x, want)) return;
    for (int i = 2; i < x->rank; i++) {
        axes |= 1u << want[i];
        win.k[want[i] - FL_AXIS_T] = (int)x->dim[i];
    }
    const fl_id seated = fl_onnx_arrange(im, x, want);
    const char *name = fl_onnx_name(im, NULL);
    fl_onnx_result(im, 0, max ? fl_node_maxpool(im->g, name, seated, win, false)
                              : fl_node_mean(im->g, name, seated, axes), x->rank, want);
}

static void import_global_max(fl_onnx_import *im) { import_global(im, true); }
static void import_global_average(fl_onnx_import *im) { import_global(im, false); }

/* Channels on C; all other axes where they are. */
static bool channel_seats(fl_onnx_import *im, const fl_onnx_value *x, int *want)
{
    if (x->rank < 2) return fl_onnx_fail(im, "expected batch and channels, got %d axes", x->rank);
    for (int i = 0; i < x->rank; i++) want[i] = FL_SEAT_ANY;
    want[1] = FL_AXIS_C;
    return fl_onnx_seats(im, x, want, 0);
}

static void import_batchnorm(fl_onnx_import *im)
{
    static const char *const what[5] = {NULL, "the scale", "the bias", "the mean", "the variance"};
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    fl_id v[5];
    int want[FL_ONNX_RANK] = {0};
    if (!x || !channel_seats(im, x, want)) return;
    if (fl_onnx_int(im, "training_mode", 0) || !fl_onnx_int(im, "spatial", 1) || fl_onnx_wanted(im, 1)) {
        fl_onnx_fail(im, "expected stored statistics per channel; export the network for inference (model.eval())");
        return;
    }
    for (int k = 1; k < 5; k++) {
        const fl_onnx_value *c = fl_onnx_constant(im, k, what[k]);
        v[k] = c ? fl_onnx_plain(im, c, fl_shape_vector(1, (int)x->dim[1]), k < 3 ? FL_PARAM : FL_BUFFER) : FL_NONE;
    }
    if (!fl_onnx_ok(im)) return;
    const fl_id seated = fl_onnx_arrange(im, x, want);
    fl_onnx_result(im, 0, fl_node_batchnorm(im->g, fl_onnx_name(im, NULL), seated, v[1], v[2], v[3], v[4],
                                            fl_onnx_real(im, "epsilon", 1e-5)), x->rank, want);
}

static void import_lrn(fl_onnx_import *im)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    const int64_t size = fl_onnx_int(im, "size", 0);
    int want[FL_ONNX_RANK] = {0};
    if (!x || !channel_seats(im, x, want)) return;
    if (size < 1 || size > MOST_KERNEL || size % 2 == 0) { /* of an even window, ours has its longer half in front */
        fl_onnx_fail(im, "expected a window of an odd number of channels, got %lld", (long long)size);
        return;
    }
    const fl_id seated = fl_onnx_arrange(im, x, want);
    fl_onnx_result(im, 0, fl_node_lrn(im->g, fl_onnx_name(im, NULL), seated, (int)size,
                                      fl_onnx_real(im, "alpha", 1e-4), fl_onnx_real(im, "beta", 0.75),
                                      fl_onnx_real(im, "bias", 1)), x->rank, want);
}

/* ---- resize ---- */

/* New lengths of all axes, from operand `sizes`, or from `scales` where there are none. */
static bool new_lengths(fl_onnx_import *im, const fl_onnx_value *x, int scales, int sizes, int64_t *length)
{
    if (fl_onnx_given(im, sizes)) {
        if (!fl_onnx_is(im, "keep_aspect_ratio_policy", "stretch", "stretch"))
            return fl_onnx_fail(im, "keep_aspect_ratio_policy '%.40s' is not available; export it with stretch and the sizes it comes to",
                                fl_onnx_text(im, "keep_aspect_ratio_policy", ""));
        const int count = fl_onnx_list(im, "sizes", sizes, FL_ONNX_RANK, length);
        return count == x->rank || fl_onnx_fail(im, "sizes: expected %d numbers, got %d", x->rank, count);
    }
    const fl_onnx_attribute *a = fl_onnx_attribute_of(im, "scales");
    const fl_onnx_value *v = fl_onnx_given(im, scales) ? fl_onnx_constant(im, scales, "scales") : NULL;
    const double *scale = v ? fl_onnx_as_reals(im, v) : a ? a->floats : NULL;
    const int64_t count = v ? fl_onnx_count(v) : a ? a->n_floats : 0;
    if (!scale || count != x->rank) return fl_onnx_fail(im, "scales: expected %d numbers", x->rank);
    for (int i = 0; i < x->rank; i++) {
        const double to = scale[i] * (double)x->dim[i];
        if (!(to >= 1 && to < 1 << 24)) return fl_onnx_fail(im, "scales: axis %d would be %g long", i, to);
        length[i] = (int64_t)(to + 1e-4);
        if (to - (double)length[i] > 1e-3 || (double)length[i] - to > 1e-3)
            return fl_onnx_fail(im,
                                "scales: axis %d would be %g long; export it with sizes, so that nothing is cut off",
                                i, to);
    }
    return true;
}

/* Which of ONNX's many rules is one of ours (tensor/resample.h). */
static bool resize_rule(fl_onnx_import *im, bool upsample, const fl_onnx_value *x, const int64_t *length,
                        fl_resize_mode *mode, bool *align)
{
    const char *transformation = fl_onnx_text(im, "coordinate_transformation_mode", upsample ? "asymmetric"
                                                                                             : "half_pixel");
    const bool nearest = fl_onnx_is(im, "mode", "nearest", "nearest"),
               linear = fl_onnx_is(im, "mode", "nearest", "linear");
    const bool asymmetric =
        im->program->opset < 11 || fl_onnx_is(im, "coordinate_transformation_mode", "", "asymmetric");
    const bool half = !asymmetric && (fl_onnx_is(im, "coordinate_transformation_mode", "half_pixel", "half_pixel") ||
                                      fl_onnx_is(im, "coordinate_transformation_mode", "", "pytorch_half_pixel"));
    bool whole = true, shrinks_to_one = false;
    for (int i = 0; i < x->rank; i++) {
        whole &= length[i] % x->dim[i] == 0;
        shrinks_to_one |= length[i] == 1 && x->dim[i] > 1;
    }
    *align = fl_onnx_is(im, "coordinate_transformation_mode", "", "align_corners");
    *mode = nearest ? FL_RESIZE_NEAREST : FL_RESIZE_LINEAR;
    const bool floors = im->program->opset < 11 || fl_onnx_is(im, "nearest_mode", "round_prefer_floor", "floor");
    const bool rounds = fl_onnx_is(im, "nearest_mode", "round_prefer_floor", "round_prefer_floor") ||
                        fl_onnx_is(im, "nearest_mode", "round_prefer_floor", "round_prefer_ceil");
    if (fl_onnx_int(im, "antialias", 0) || fl_onnx_int(im, "exclude_outside", 0))
        return fl_onnx_fail(im, "antialias and exclude_outside are not available");
    if (nearest && ((asymmetric && floors) || (half && rounds && whole))) return true;
    if (linear && (*align || (half && !shrinks_to_one))) return true;
    return fl_onnx_fail(im,
                        "mode '%.20s' with '%.40s' is not available; expected nearest with asymmetric and floor, or "
                        "linear with half_pixel or align_corners",
                        fl_onnx_text(im, "mode", "nearest"), transformation);
}

static void resize(fl_onnx_import *im, bool upsample)
{
    const fl_onnx_value *x = fl_onnx_data(im, 0);
    const bool old = upsample || im->program->opset < 11;      /* operands x, scales */
    int64_t length[FL_ONNX_RANK] = {0};
    int want[FL_ONNX_RANK] = {0};
    fl_resize_mode mode;
    bool align;
    fl_shape to = {1, 1, 1, 1, 1};
    if (!x || !window_seats(im, x, want) || !new_lengths(im, x, old ? 1 : 2, old ? -1 : 3, length)) return;
    for (int i = 0; i < x->rank; i++) {
        if (length[i] < 1 || length[i] > 1 << 24)
            fl_onnx_fail(im, "axis %d would be %lld long", i, (long long)length[i]);
        else if (i < 2 && length[i] != x->dim[i]) fl_onnx_fail(im, "batch and channels cannot be resized");
        else if (want[i] >= 0) *fl_shape_axis(&to, want[i]) = (int)length[i];
    }
    if (!fl_onnx_ok(im) || !resize_rule(im, upsample, x, length, &mode, &align)) return;
    const fl_id seated = fl_onnx_arrange(im, x, want);
    fl_onnx_result(im, 0, fl_node_resize(im->g, fl_onnx_name(im, NULL), seated, to, mode, align), x->rank, want);
}

static void import_resize(fl_onnx_import *im) { resize(im, false); }
static void import_upsample(fl_onnx_import *im) { resize(im, true); }

const fl_onnx_op fl_onnx_window_ops[] = {
    {"Conv", import_conv}, {"ConvTranspose", import_deconv}, {"MaxPool", import_maxpool},
    {"AveragePool", import_avgpool}, {"GlobalAveragePool", import_global_average},
    {"GlobalMaxPool", import_global_max},
    {"BatchNormalization", import_batchnorm}, {"LRN", import_lrn}, {"Resize", import_resize},
    {"Upsample", import_upsample}, {NULL, NULL}};
