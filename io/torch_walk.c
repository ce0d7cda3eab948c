/* torch_walk.c: from the tree of a checkpoint to named tensors.
 *
 *     {'state_dict': {'fc.weight': tensor, ...}, 'optimizer': ...}       the tensors inside "state_dict"
 *     {'encoder': {'fc.weight': tensor}}                                 encoder.fc.weight
 *     a module: _parameters, _buffers, _modules                          as its state_dict() would name them
 *
 * An object that nobody here knows is left alone where no tensors are (options, a scheduler); next to tensors it
 * might have been one, and the file is refused. Trees may have cycles: depth and steps are limited. */
#include "io/torch.h"

#include <inttypes.h>
#include <string.h>

enum { DEPTH = 32, STEPS = 1 << 20, NAME_MOST = 2048 };

typedef enum role { PLAIN, TENSOR, MODULE, MAPPING, SEQUENCE, STRANGE } role;

static const fl_pickled *module_part(const fl_pickled *v, const char *part)
{
    const fl_pickled *p = v && v->kind == FL_PICKLED_OBJECT ? fl_pickled_get(v->state, part) : NULL;
    return fl_pickled_is_mapping(p) || (p && p->kind == FL_PICKLED_OBJECT && p->count == 0) ? p : NULL;
}

static bool is_known(const fl_pickled *maker)
{
    return maker->kind == FL_PICKLED_GLOBAL && fl_import_classify(maker->module, maker->name) == FL_IMPORT_KNOWN;
}

static role role_of(const fl_pickled *v)
{
    switch (v->kind) {
    case FL_PICKLED_LIST: case FL_PICKLED_TUPLE: return SEQUENCE;
    case FL_PICKLED_DICT: return MAPPING;
    case FL_PICKLED_GLOBAL: return is_known(v) ? PLAIN : STRANGE;
    case FL_PICKLED_PERSISTENT: return STRANGE;
    case FL_PICKLED_OBJECT: break;
    default: return PLAIN;
    }
    if (fl_torch_makes_tensor(v)) return TENSOR;
    if (module_part(v, "_modules") && module_part(v, "_parameters")) return MODULE;
    if (fl_numpy_is_plain(v)) return PLAIN;
    if (!is_known(v->maker)) return STRANGE;
    return v->is_mapping ? MAPPING : PLAIN;
}

static bool too_far(fl_torch *t, int depth)
{
    if (depth <= DEPTH && t->steps++ < STEPS) return false;
    fl_torch_wrong(t, "its tensors are nested deeper than %d levels or among more than %d values", DEPTH, STEPS);
    return true;
}

/* "prefix.key", or NULL: memory, or a key that is no name. */
static const char *name_below(fl_torch *t, const char *prefix, const fl_pickled *key)
{
    const char *dot = *prefix ? "." : "";
    if (key->kind == FL_PICKLED_INT) return fl_arena_text(t->arena, "%s%s%" PRId64, prefix, dot, key->integer);
    const bool text = key->kind == FL_PICKLED_TEXT || key->kind == FL_PICKLED_BYTES;
    if (text && key->size > 0 && key->size + strlen(prefix) < NAME_MOST && !memchr(key->text, 0, key->size))
        return fl_arena_text(t->arena, "%s%s%.*s", prefix, dot, (int)key->size, (const char *)key->text);
    fl_torch_wrong(t, "below '%s' a tensor has a key that is no name of up to %d characters", prefix, NAME_MOST);
    return NULL;
}

static bool add_tensor(fl_torch *t, const char *prefix, const fl_pickled *key, const fl_pickled *v)
{
    fl_stored s;
    t->tensor = NULL;
    const char *name = name_below(t, prefix, key);
    if (!name) return false;
    t->tensor = name;
    const bool ok = fl_torch_tensor(t, v, &s);
    t->tensor = NULL;
    if (!ok) return false;
    t->bytes += s.count * fl_scalar_size(s.type);
    if (t->bytes > FL_STORED_MOST) return fl_torch_wrong(t, "its tensors have more than 2^40 bytes together");
    return fl_weights_file_add(t->arena, t->out, name, &s) == FL_OK;
}

/* An unknown object: an error next to tensors, else remembered for the message of a file without any. */
static bool meet_stranger(fl_torch *t, const char *prefix, const fl_pickled *key, const fl_pickled *v, bool refuse)
{
    if (!refuse && t->strange) return true;
    const bool named = key->kind == FL_PICKLED_TEXT || key->kind == FL_PICKLED_BYTES;
    const int size = named ? (int)(key->size < 200 ? key->size : 200) : 0;
    const char *what = fl_arena_text(t->arena, "'%s%s%.*s' is made by %s", prefix, *prefix ? "." : "", size,
                                     named ? (const char *)key->text : "", fl_torch_maker(t, v));
    if (!what) return false;
    t->strange = what;
    return !refuse || fl_torch_wrong(t, "%s, which is not known here and never called; it stands among the tensors: "
                                     "save the state_dict alone", what);
}

static bool walk(fl_torch *t, const char *prefix, const fl_pickled *v, int depth);

static bool walk_child(fl_torch *t, const char *prefix, const fl_pickled *key, const fl_pickled *v,
                       bool among_tensors, int depth)
{
    const role kind = role_of(v);
    if (too_far(t, depth)) return false;
    if (kind == PLAIN) return true;
    if (kind == TENSOR) return add_tensor(t, prefix, key, v);
    if (kind == STRANGE) return meet_stranger(t, prefix, key, v, among_tensors);
    if (v->kind != FL_PICKLED_OBJECT && v->count == 0) return true;
    const bool nameless = key->kind != FL_PICKLED_TEXT && key->kind != FL_PICKLED_BYTES
        && key->kind != FL_PICKLED_INT;
    if (nameless) return true;                       /* {(3, 4): [...]}: nothing of a network */
    const char *name = name_below(t, prefix, key);
    return name && walk(t, name, v, depth);
}

static bool holds_tensor(const fl_pickled *v, int step)
{
    for (int i = step - 1; i < v->count; i += step)
        if (fl_torch_makes_tensor(v->item[i])) return true;
    return false;
}

static bool walk_mapping(fl_torch *t, const char *prefix, const fl_pickled *v, int depth)
{
    const bool among_tensors = holds_tensor(v, 2);
    for (int i = 0; i + 1 < v->count; i += 2)
        if (!walk_child(t, prefix, v->item[i], v->item[i + 1], among_tensors, depth + 1)) return false;
    return true;
}

static bool walk_sequence(fl_torch *t, const char *prefix, const fl_pickled *v, int depth)
{
    const bool among_tensors = holds_tensor(v, 1);
    for (int i = 0; i < v->count; i++) {
        const fl_pickled index = {.kind = FL_PICKLED_INT, .integer = i};
        if (!walk_child(t, prefix, &index, v->item[i], among_tensors, depth + 1)) return false;
    }
    return true;
}

/* Buffers that state_dict() leaves out stand in a set of names. */
static bool is_transient(const fl_pickled *module, const fl_pickled *key)
{
    const fl_pickled *set = fl_pickled_get(module->state, "_non_persistent_buffers_set");
    /* set([...]) */
    if (set && set->kind == FL_PICKLED_OBJECT && set->given->count == 1) set = set->given->item[0];
    for (int i = 0; set && (set->kind == FL_PICKLED_SET || set->kind == FL_PICKLED_LIST) && i < set->count; i++)
        if (set->item[i]->size == key->size && key->size && set->item[i]->text
            && memcmp(set->item[i]->text, key->text, key->size) == 0)
            return true;
    return false;
}

static bool walk_module(fl_torch *t, const char *prefix, const fl_pickled *v, int depth)
{
    static const char *const parts[] = {"_parameters", "_buffers", "_modules"};
    for (int k = 0; k < 3; k++) {
        const fl_pickled *part = module_part(v, parts[k]);
        for (int i = 0; part && i + 1 < part->count; i += 2) {
            const fl_pickled *child = part->item[i + 1];
            const bool wanted = child->kind == FL_PICKLED_NONE || role_of(child) == (k < 2 ? TENSOR : MODULE);
            if (child->kind == FL_PICKLED_NONE || (k == 1 && is_transient(v, part->item[i]))) continue;
            if (!wanted) return meet_stranger(t, prefix, part->item[i], child, true);
            if (!walk_child(t, prefix, part->item[i], child, true, depth + 1)) return false;
        }
    }
    return true;
}

static bool walk(fl_torch *t, const char *prefix, const fl_pickled *v, int depth)
{
    switch (role_of(v)) {
    case MAPPING:  return walk_mapping(t, prefix, v, depth);
    case SEQUENCE: return walk_sequence(t, prefix, v, depth);
    case MODULE:   return walk_module(t, prefix, v, depth);
    default:       return true;
    }
}

static bool has_tensors(fl_torch *t, const fl_pickled *v, int depth)
{
    const role kind = role_of(v);
    if (kind == TENSOR || kind == MODULE) return true;
    if ((kind != MAPPING && kind != SEQUENCE) || depth == DEPTH) return false;
    const int step = kind == MAPPING ? 2 : 1;
    for (int i = step - 1; i < v->count; i += step)
        if (t->steps++ < STEPS && has_tensors(t, v->item[i], depth + 1)) return true;
    return false;
}

/* Where checkpoints keep the network: the first of these keys with a module, or a dictionary with tensors in it. */
static const fl_pickled *inside(fl_torch *t, const fl_pickled *v)
{
    static const char *const keys[] = {"state_dict", "model_state_dict", "model_state", "model", "net", "network",
                                       "blobs",
                                       "params", "weights"};
    if (role_of(v) != MAPPING) return NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const fl_pickled *child = fl_pickled_get(v, keys[i]);
        const role kind = child ? role_of(child) : PLAIN;
        if (kind != MODULE && (kind != MAPPING || !has_tensors(t, child, 0))) continue;
        const char *outer = t->out->container;
        t->out->container = outer ? fl_arena_text(t->arena, "%s.%s", outer, keys[i]) : keys[i];
        return t->out->container ? child : NULL;
    }
    return NULL;
}

fl_status fl_torch_walk(fl_torch *t, const fl_pickled *root)
{
    static const unsigned char alone[] = "arr_0";    /* what NumPy calls an array without a name */
    const fl_pickled name = {.kind = FL_PICKLED_TEXT, .text = alone, .size = sizeof alone - 1};
    const fl_pickled *child;
    for (int depth = 0; depth < DEPTH && (child = inside(t, root)) != NULL; depth++) root = child;
    const role kind = role_of(root);
    if (kind == TENSOR) add_tensor(t, "", &name, root);
    else if (kind == STRANGE) meet_stranger(t, "", &name, root, true);
    else walk(t, "", root, 0);
    if (t->arena->error->status != FL_OK) return t->arena->error->status;
    if (t->out->count) return FL_OK;
    if (t->strange) fl_torch_wrong(t, "holds no tensors; %s, which is not known here and never called", t->strange);
    else fl_torch_wrong(t, "holds no tensors");
    return FL_UNREADABLE;
}
