/* parameters.c: constants of the file as parameters of the graph: named after them, with their values set. */
#include "io/onnx/import.h"

#include "autograd/runs.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

const real *fl_onnx_weights(fl_onnx_import *im, const fl_onnx_value *v)
{
    const fl_scalar own = sizeof(real) == 8 ? FL_SCALAR_F64 : FL_SCALAR_F32;
    const fl_onnx_tensor *t = v->stored;
    if (t && t->type == own && fl_scalar_host_is_little() && (uintptr_t)t->values % sizeof(real) == 0)
        return (const real *)(const void *)t->values;
    const int64_t count = fl_onnx_count(v);
    real *values = FL_NEW(im->arena, real, count);
    if (!values) return NULL;
    if (t) fl_scalar_decode(t->type, t->values, false, count, values);
    for (int64_t i = 0; !t && i < count; i++) values[i] = v->reals ? (real)v->reals[i] : (real)v->integers[i];
    return values;
}

static bool remember(fl_onnx_import *im, fl_onnx_parameter p)
{
    if (im->parameters == im->parameter_room) {
        const int room = im->parameter_room ? 2 * im->parameter_room : 64;
        fl_onnx_parameter *more = FL_NEW(im->arena, fl_onnx_parameter, room);
        if (!more) return false;
        if (im->parameters) memcpy(more, im->parameter, (size_t)im->parameters * sizeof *more);
        im->parameter = more;
        im->parameter_room = room;
    }
    im->parameter[im->parameters++] = p;
    return true;
}

static fl_id known(const fl_onnx_import *im, const fl_onnx_parameter *wanted, fl_shape shape)
{
    for (int i = 0; i < im->parameters; i++) {
        const fl_onnx_parameter *p = &im->parameter[i];
        if (p->of == wanted->of && strcmp(p->how, wanted->how) == 0 && memcmp(p->seat, wanted->seat, sizeof p->seat) == 0 &&
            fl_shape_equal(fl_graph_shape(im->g, p->node), shape))
            return p->node;
    }
    return FL_NONE;
}

/* Seats as they tell one array from another of the same shape: none, where axes ascend, as in the file; axes of length 1 have none. */
static void order_of(const fl_onnx_value *v, const int *seat, int order[FL_ONNX_RANK])
{
    bool ascends = true;
    for (int i = 0; i < FL_ONNX_RANK; i++) order[i] = seat && i < v->rank && v->dim[i] != 1 ? seat[i] : FL_SEAT_NONE;
    for (int i = 0, last = FL_SEAT_NONE; i < FL_ONNX_RANK; i++) {
        if (order[i] == FL_SEAT_NONE) continue;
        ascends &= order[i] > last;
        last = order[i];
    }
    for (int i = 0; ascends && i < FL_ONNX_RANK; i++) order[i] = FL_SEAT_NONE;
}

/* Elements of v in the memory order of the graph: its axis i goes to seat[i], axes without one are 1 long. */
static void copy_seated(const fl_onnx_value *v, const int *seat, const real *from, fl_shape s, double factor,
                        real *to)
{
    int64_t step[5] = {0}, stride = 1;
    for (int i = v->rank - 1; i >= 0; i--) {
        if (seat[i] >= 0) step[seat[i]] = stride;
        stride *= v->dim[i];
    }
    for (int n = 0; n < s.n; n++)
        for (int t = 0; t < s.t; t++)
            for (int h = 0; h < s.h; h++)
                for (int w = 0; w < s.w; w++)
                    for (int c = 0; c < s.c; c++) {
                        const int64_t at = n * step[0] + c * step[1] + t * step[2] + h * step[3] + w * step[4];
                        to[fl_at(s, n, c, t, h, w)] = (real)(factor * (double)from[at]);
                    }
}

fl_id fl_onnx_parameter_node(fl_onnx_import *im, const fl_onnx_value *v, const int *seat, const char *how, fl_shape shape,
                             fl_role role, bool *fresh)
{
    fl_onnx_parameter p = {.of = v, .how = how};
    order_of(v, seat, p.seat);
    *fresh = false;
    if (!fl_onnx_ok(im)) return FL_NONE;
    fl_id id = known(im, &p, shape);
    if (id != FL_NONE) return id;
    const char *const label = im->label;
    im->label = fl_onnx_clean_name(im, v->name);
    const char *name = fl_onnx_name(im, *how ? how : NULL);
    im->label = label;
    id = role == FL_PARAM ? fl_node_param(im->g, name, shape) : fl_node_buffer(im->g, name, shape);
    p.node = id;
    *fresh = id != FL_NONE && remember(im, p);
    return *fresh ? id : FL_NONE;
}

fl_id fl_onnx_seated(fl_onnx_import *im, const fl_onnx_value *v, const int *seat, const char *how, double factor)
{
    fl_shape s = {1, 1, 1, 1, 1};
    bool fresh;
    for (int i = 0; i < v->rank; i++)
        if (v->dim[i] != 1) *fl_shape_axis(&s, seat[i]) = v->dim[i] <= INT_MAX ? (int)v->dim[i] : 0;
    const fl_id id = fl_onnx_parameter_node(im, v, seat, how, s, v->stored && !v->whole ? FL_PARAM : FL_BUFFER, &fresh);
    if (!fresh) return id;
    const fl_mark mark = fl_arena_mark(im->arena);
    const real *values = fl_onnx_weights(im, v);
    if (values) copy_seated(v, seat, values, s, factor, fl_graph_value(im->g, id));
    fl_arena_release(im->arena, mark);
    return id;
}

fl_id fl_onnx_plain(fl_onnx_import *im, const fl_onnx_value *v, fl_shape shape, fl_role role)
{
    bool fresh;
    if (fl_onnx_count(v) != fl_shape_count(shape)) {
        fl_onnx_fail(im, "constant '%.80s' has %lld values, expected %lld", v->name, (long long)fl_onnx_count(v),
                     (long long)fl_shape_count(shape));
        return FL_NONE;
    }
    const fl_id id = fl_onnx_parameter_node(im, v, NULL, "", shape, role, &fresh);
    if (!fresh) return id;
    const fl_mark mark = fl_arena_mark(im->arena);
    const real *values = fl_onnx_weights(im, v);
    if (values) fl_from_file_order(shape, values, fl_graph_value(im->g, id));
    fl_arena_release(im->arena, mark);
    return id;
}

fl_id fl_onnx_vector(fl_onnx_import *im, const fl_onnx_value *v, int channels, fl_role role)
{
    const fl_shape shape = fl_shape_vector(1, channels);
    bool fresh;
    if (fl_onnx_count(v) != 1) return fl_onnx_plain(im, v, shape, role);
    const fl_id id = fl_onnx_parameter_node(im, v, NULL, "repeated", shape, role, &fresh);
    const double *value = fresh ? fl_onnx_as_reals(im, v) : NULL;
    for (int c = 0; value && c < channels; c++) fl_graph_value(im->g, id)[c] = (real)value[0];
    return id;
}

fl_id fl_onnx_scalar(fl_onnx_import *im, const char *part, double value)
{
    if (!fl_onnx_ok(im)) return FL_NONE;
    const fl_id id = fl_node_buffer(im->g, fl_onnx_name(im, part), (fl_shape){1, 1, 1, 1, 1});
    if (id != FL_NONE) *fl_graph_value(im->g, id) = (real)value;
    return id;
}
