/* torch_tensor.c: what the makers of tensors mean: _rebuild_tensor_v2(storage, first, size, stride, ...) and its kin.
 *
 *     number i0,i1,... of the tensor = number first + i0 stride0 + i1 stride1 + ... of the storage */
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

/* Hooks are functions: an empty dictionary, or none. */
static bool no_hooks(fl_torch *t, const fl_pickled *hooks)
{
    const bool dictionary = hooks->kind == FL_PICKLED_DICT || (hooks->kind == FL_PICKLED_OBJECT && !hooks->state
                            && fl_pickled_is_global(hooks->maker, "collections", "OrderedDict")
                            && hooks->given->count == 0);
    if (hooks->kind == FL_PICKLED_NONE || (dictionary && hooks->count == 0)) return true;
    return fl_torch_wrong(t, "it comes with hooks (%s), which are code", fl_torch_maker(t, hooks));
}

/* (storage, first, size, stride, requires_grad, hooks ...); version 3 adds the type of the numbers in untyped
 * bytes. */
static bool rebuild(fl_torch *t, const fl_pickled *given, int version, fl_stored *s)
{
    static const int least[] = {0, 4, 6, 7}, most[] = {0, 4, 7, 8};
    int64_t first, count;
    int axes = 0;
    if (given->count < least[version] || given->count > most[version])
        return fl_torch_wrong(t, "its maker got %d values", given->count);
    const fl_pickled *offset = given->item[1];
    const fl_storage *storage = fl_torch_storage(t, given->item[0], &first, &count);
    if (!storage) return false;
    *s = (fl_stored){.type = storage->type->type, .big_endian = t->big_endian, .strided = true,
                     .values = storage->data};
    if (version == 3) {
        const fl_storage_type *type = fl_torch_dtype(given->item[6]);
        if (!type) return fl_torch_wrong(t, "its numbers are of type %s, which is not read here; save it as float32",
                                         fl_torch_maker(t, given->item[6]));
        if (storage->type->size != 1 || first || count % type->size)
            return fl_torch_wrong(t, "its storage does not hold whole numbers of its type");
        s->type = type->type;
        count /= type->size;
    } else if (strcmp(storage->type->name, "UntypedStorage") == 0) {
        return fl_torch_wrong(t, "its storage has no type");
    }
    if (version > 1 && !no_hooks(t, given->item[5])) return false;
    if (offset->kind != FL_PICKLED_INT || offset->integer < 0 || offset->integer > count)
        return fl_torch_wrong(t, "it begins outside of its storage");
    if (!fl_torch_sizes(t, given->item[2], s->size, &s->axes) || !fl_torch_sizes(t, given->item[3], s->stride, &axes))
        return false;
    if (axes != s->axes) return fl_torch_wrong(t, "it has %d sizes and %d strides", s->axes, axes);
    return fl_torch_fits(t, s, first + offset->integer, first + count);
}

enum maker { NOT_ONE, PLAIN_1, PLAIN_2, PLAIN_3, PARAMETER, SUBCLASS, ARRAY, UNREAD };

/* Which maker of tensors; UNREAD: one whose tensors have no plain numbers (sparse, quantised, nested). */
static enum maker maker_of(const fl_pickled *v)
{
    static const struct { const char *name; enum maker maker; } known[] = {
        {"_rebuild_tensor", PLAIN_1}, {"_rebuild_tensor_v2", PLAIN_2}, {"_rebuild_tensor_v3", PLAIN_3},
        {"_rebuild_parameter", PARAMETER}, {"_rebuild_parameter_with_state", PARAMETER},
    };
    if (!v || v->kind != FL_PICKLED_OBJECT || v->maker->kind != FL_PICKLED_GLOBAL) return NOT_ONE;
    if (fl_numpy_makes_array(v)) return ARRAY;
    const char *module = v->maker->module, *name = v->maker->name;
    if (strcmp(module, "torch._tensor") == 0 && strcmp(name, "_rebuild_from_type_v2") == 0) return SUBCLASS;
    if (strcmp(module, "torch._utils") != 0) return NOT_ONE;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0) return known[i].maker;
    return strncmp(name, "_rebuild_", 9) == 0 ? UNREAD : NOT_ONE;
}

bool fl_torch_makes_tensor(const fl_pickled *v) { return maker_of(v) != NOT_ONE; }

static bool make(fl_torch *t, const fl_pickled *v, fl_stored *s, int depth);

/* (maker, class, its values, state): a subclass of Tensor; its numbers are those of the tensor inside. */
static bool make_subclass(fl_torch *t, const fl_pickled *given, fl_stored *s, int depth)
{
    if (given->count != 4 || given->item[0]->kind != FL_PICKLED_GLOBAL || given->item[2]->kind != FL_PICKLED_TUPLE)
        return fl_torch_wrong(t, "its maker got values that make no tensor");
    const fl_pickled *class = given->item[1];
    if (class->kind != FL_PICKLED_GLOBAL || fl_import_classify(class->module, class->name) != FL_IMPORT_KNOWN)
        return fl_torch_wrong(t, "it is of the class %s, which is not known here", fl_torch_maker(t, class));
    const fl_pickled inside = {.kind = FL_PICKLED_OBJECT, .maker = given->item[0], .given = given->item[2]};
    return make(t, &inside, s, depth + 1);
}

static bool make(fl_torch *t, const fl_pickled *v, fl_stored *s, int depth)
{
    const enum maker maker = maker_of(v);
    if (depth > 4) return fl_torch_wrong(t, "tensors inside of tensors");
    switch (maker) {
    case PLAIN_1: case PLAIN_2: case PLAIN_3: return rebuild(t, v->given, (int)(maker - PLAIN_1) + 1, s);
    case ARRAY: return fl_numpy_array(t, v, s);
    case SUBCLASS: return make_subclass(t, v->given, s, depth);
    case PARAMETER:                                  /* (tensor, requires_grad, hooks[, state]) */
        if (v->given->count < 3 || v->given->count > 4)
            return fl_torch_wrong(t, "its maker got %d values", v->given->count);
        return no_hooks(t, v->given->item[2]) && make(t, v->given->item[0], s, depth + 1);
    case UNREAD: return fl_torch_wrong(t, "it is made by %s: only dense tensors are read; save it as float32",
                                       fl_torch_maker(t, v));
    default: return fl_torch_wrong(t, "it is made by %s, which is not known here and never called",
                                   fl_torch_maker(t, v));
    }
}

bool fl_torch_tensor(fl_torch *t, const fl_pickled *v, fl_stored *s) { return make(t, v, s, 0); }
