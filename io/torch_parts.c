/* torch_parts.c: what readers of tensors and of arrays share: messages, names, sizes, and whether numbers lie inside their block. */
#include "io/torch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* An expanded tensor (stride 0) has more numbers than its storage: so many at most, or a few bytes would claim
 * terabytes. */
#define EXPANDED_MOST ((int64_t)1 << 24)

bool fl_torch_wrong(fl_torch *t, const char *format, ...)
{
    char text[FL_MESSAGE_SIZE / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (t->tensor) fl_error_set(t->arena->error, FL_UNREADABLE, "%s: tensor '%s': %s", t->name, t->tensor, text);
    else fl_error_set(t->arena->error, FL_UNREADABLE, "%s: %s", t->name, text);
    return false;
}

const char *fl_torch_maker(fl_torch *t, const fl_pickled *v)
{
    while (v && v->kind == FL_PICKLED_OBJECT) v = v->maker;          /* makers come before what they make: no cycle */
    if (v && v->kind == FL_PICKLED_PERSISTENT) {
        const fl_pickled *id = fl_pickled_tuple(v->id, 2, 8);        /* ('module', class, file, source) */
        v = id && id->item[1]->kind == FL_PICKLED_GLOBAL ? id->item[1] : NULL;
    }
    if (!v || v->kind != FL_PICKLED_GLOBAL) return "something without a name";
    const char *text = fl_arena_text(t->arena, "%s.%s", v->module, v->name);
    return text ? text : "something without a name";
}

bool fl_torch_sizes(fl_torch *t, const fl_pickled *v, int64_t size[FL_MAX_AXES], int *axes)
{
    if (v && v->kind == FL_PICKLED_OBJECT && fl_pickled_is_global(v->maker, "torch", "Size") && v->given->count == 1)
        v = v->given->item[0];
    v = fl_pickled_tuple(v, 0, FL_MAX_AXES);
    if (!v) return fl_torch_wrong(t, "expected a tuple of at most %d sizes", FL_MAX_AXES);
    *axes = v->count;
    for (int i = 0; i < v->count; i++) {
        size[i] = v->item[i]->integer;
        if (v->item[i]->kind != FL_PICKLED_INT || size[i] < 0 || size[i] > FL_STORED_MOST)
            return fl_torch_wrong(t, "expected sizes and strides from 0 to 2^40");
    }
    return true;
}

static bool count_numbers(fl_torch *t, fl_stored *s)
{
    bool empty = false;
    s->count = 1;
    for (int i = 0; i < s->axes; i++) empty = empty || s->size[i] == 0;
    for (int i = 0; i < s->axes && !empty; i++) {
        if (s->count > FL_STORED_MOST / s->size[i]) return fl_torch_wrong(t, "its shape has more than 2^40 numbers");
        s->count *= s->size[i];
    }
    if (empty) s->count = 0;
    return true;
}

bool fl_torch_fits(fl_torch *t, fl_stored *s, int64_t first, int64_t count)
{
    if (!count_numbers(t, s)) return false;
    int64_t last = 0, expected = 1;                  /* 8 axes of 2^40 times 2^40: checked at each step */
    bool rows = true;
    for (int a = s->axes - 1; a >= 0 && s->count; a--) {
        if (s->size[a] == 1) continue;
        if (s->strided && s->stride[a] != expected) rows = false;
        const int64_t stride = s->strided ? s->stride[a] : expected;
        if (stride && s->size[a] - 1 > (FL_STORED_MOST - last) / stride)
            return fl_torch_wrong(t, "its strides lead out of its storage");
        last += (s->size[a] - 1) * stride;
        expected *= s->size[a];
    }
    s->strided = !rows;
    if (first < 0 || first > count || (s->count && last >= count - first))
        return fl_torch_wrong(t, "it takes numbers %" PRId64 " to %" PRId64 " of a storage of %" PRId64, first,
                              first + last, count);
    if (s->count > count && s->count > EXPANDED_MOST)
        return fl_torch_wrong(t, "its shape repeats %" PRId64 " stored numbers to %" PRId64, count, s->count);
    s->values += first * fl_scalar_size(s->type);
    return true;
}
