/* torch_tensor.c: what the makers of tensors mean: _rebuild_tensor_v2(storage, first, size, stride, ...) and its kin.
 *
 *     number i0,i1,... of the tensor = number first + i0 stride0 + i1 stride1 + ... of the storage */
#include "io/torch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

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
