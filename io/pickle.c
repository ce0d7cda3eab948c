/* pickle.c: the instructions of a pickle, with every call replaced by an inert node.
 *
 * Every instruction checks its operands: how many there are above the last mark, and of which kind. Limits: nodes,
 * memo, length of a name. (CVE-2026-24747: an instruction that fills dictionaries was given something else.) */
#include "io/pickle.h"
#include "io/pickle_machine.h"

#include <string.h>

enum { MOST_MEMO = 1 << 20, MOST_NAME = 512 };

typedef fl_pickle_machine machine;

/* ---- names and what would be called ---- */

static char *name_of(machine *m, const unsigned char *text, size_t size)
{
    if (size == 0 || size > MOST_NAME) return fl_pickle_wrong(m, "a name of 1 to 512 characters"), NULL;
    for (size_t i = 0; i < size; i++)
        if (text[i] <= 32 || text[i] == 127)
            return fl_pickle_wrong(m, "a name without blanks and control characters"), NULL;
    return fl_arena_text(m->arena, "%.*s", (int)size, (const char *)text);
}

static fl_pickled *global(machine *m, const unsigned char *module, size_t module_size, const unsigned char *name,
                          size_t size)
{
    fl_pickled *v = fl_pickle_new(m, FL_PICKLED_GLOBAL);
    if (!v) return NULL;
    v->module = name_of(m, module, module_size);
    v->name = v->module ? name_of(m, name, size) : NULL;
    return v->name && fl_pickle_append(m, &m->globals, v) ? v : NULL;
}

static fl_pickled *global_lines(machine *m)
{
    size_t module_size, size;
    const unsigned char *module = fl_pickle_line(m, &module_size), *name = module ? fl_pickle_line(m, &size) : NULL;
    return name ? global(m, module, module_size, name, size) : NULL;
}

static bool stack_global(machine *m)
{
    const fl_pickled *name = fl_pickle_top(m, 1), *module = name ? fl_pickle_top(m, 2) : NULL;
    if (!module) return false;
    if (name->kind != FL_PICKLED_TEXT || module->kind != FL_PICKLED_TEXT)
        return fl_pickle_wrong(m, "two texts: module and name");
    m->stack.count -= 2;
    return fl_pickle_push(m, global(m, module->text, module->size, name->text, name->size));
}

/* maker(*given): a note, no call. */
static fl_pickled *object(machine *m, fl_pickled *maker, fl_pickled *given)
{
    if (maker->kind != FL_PICKLED_GLOBAL && maker->kind != FL_PICKLED_OBJECT && maker->kind != FL_PICKLED_PERSISTENT)
        return fl_pickle_wrong(m, "a name before the values"), NULL;
    if (given->kind != FL_PICKLED_TUPLE) return fl_pickle_wrong(m, "a tuple of values"), NULL;
    fl_pickled *v = fl_pickle_new(m, FL_PICKLED_OBJECT);
    if (v) v->maker = maker, v->given = given;
    return v;
}

/* REDUCE, NEWOBJ: maker and tuple; NEWOBJ_EX: a dictionary of named values more, which no known maker has. */
static bool reduce(machine *m, int operands)
{
    fl_pickled *named = operands == 3 ? fl_pickle_pop(m) : NULL, *given = fl_pickle_pop(m);
    fl_pickled *maker = given ? fl_pickle_pop(m) : NULL;
    if (!maker || (operands == 3 && !named)) return false;
    if (named && named->kind != FL_PICKLED_DICT) return fl_pickle_wrong(m, "a dictionary of named values");
    return fl_pickle_push(m, object(m, maker, given));
}

/* OBJ: the class is the first value above the mark; INST: it is written in two lines. */
static bool old_object(machine *m, bool written)
{
    int first;
    fl_pickled *maker = written ? global_lines(m) : NULL;
    if ((written && !maker) || !fl_pickle_pop_mark(m, &first)) return false;
    if (!written && m->stack.count == first) return fl_pickle_wrong(m, "a class above the mark");
    if (!written) maker = m->stack.value[first];
    if (!fl_pickle_collect(m, FL_PICKLED_TUPLE, first + !written)) return false;
    fl_pickled *given = m->stack.value[--m->stack.count];
    m->stack.count = first;
    return fl_pickle_push(m, object(m, maker, given));
}

static bool build(machine *m)
{
    fl_pickled *state = fl_pickle_pop(m), *v = state ? fl_pickle_top(m, 1) : NULL;
    if (!v) return false;
    if (v->kind != FL_PICKLED_OBJECT || v->state) return fl_pickle_wrong(m, "an object without a state yet");
    v->state = state;
    return true;
}

static bool persistent(machine *m, fl_pickled *id)
{
    fl_pickled *v = id ? fl_pickle_new(m, FL_PICKLED_PERSISTENT) : NULL;
    if (!v) return false;
    v->id = id;
    return fl_pickle_append(m, &m->persistents, v) && fl_pickle_push(m, v);
}

/* ---- memo ---- */

static bool memoize(machine *m, uint64_t place)
{
    fl_pickled *v = fl_pickle_top(m, 1);
    if (!v) return false;
    if (place >= MOST_MEMO) return fl_pickle_wrong(m, "a memo of at most 1048576 places");
    return fl_pickle_put(m, &m->memo, (int)place, v);
}

static bool recall(machine *m, uint64_t place)
{
    fl_pickled *v = place < (uint64_t)m->memo.count ? m->memo.value[place] : NULL;
    return v ? fl_pickle_push(m, v) : fl_pickle_wrong(m, "a place of the memo that was filled");
}

static bool memo_line(machine *m, bool put)
{
    const fl_pickled *v = fl_pickle_int_line(m);
    if (!v) return false;
    if (v->integer < 0) return fl_pickle_wrong(m, "a place of the memo");
    return put ? memoize(m, (uint64_t)v->integer) : recall(m, (uint64_t)v->integer);
}

/* ---- values ---- */

static bool push_kind(machine *m, fl_pickled_kind kind, int64_t integer)
{
    fl_pickled *v = fl_pickle_new(m, kind);
    if (v) v->integer = integer;
    return fl_pickle_push(m, v);
}

static bool push_unsigned(machine *m, int bytes)
{
    uint64_t n;
    return fl_pickle_number(m, bytes, &n) && push_kind(m, FL_PICKLED_INT, (int64_t)n);
}

/* Text or bytes after a length of so many bytes. */
static bool push_text(machine *m, fl_pickled_kind kind, int length_bytes)
{
    uint64_t size;
    if (!fl_pickle_number(m, length_bytes, &size)) return false;
    const unsigned char *p = fl_pickle_take(m, size);
    fl_pickled *v = p ? fl_pickle_new(m, kind) : NULL;
    if (!v) return false;
    v->text = p;
    v->size = (size_t)size;
    return fl_pickle_push(m, v);
}

static bool push_long(machine *m, int length_bytes)
{
    uint64_t size;
    return fl_pickle_number(m, length_bytes, &size) && fl_pickle_push(m, fl_pickle_long(m, size));
}

static bool push_persistent_line(machine *m)
{
    size_t size;
    const unsigned char *p = fl_pickle_line(m, &size);
    fl_pickled *id = p ? fl_pickle_new(m, FL_PICKLED_BYTES) : NULL;
    if (id) id->text = p, id->size = size;
    return persistent(m, id);
}

static bool frame(machine *m)
{
    uint64_t size;
    if (!fl_pickle_number(m, 8, &size)) return false;
    return size <= (uint64_t)(m->end - m->p)
        || fl_pickle_wrong(m, "a frame that ends within the file: it is cut short");
}

static bool protocol(machine *m)
{
    uint64_t version;
    if (!fl_pickle_number(m, 1, &version)) return false;
    return version <= 5 || fl_pickle_wrong(m, "protocol 0 to 5");
}

static bool pop_to_mark(machine *m)
{
    int first;
    if (!fl_pickle_pop_mark(m, &first)) return false;
    m->stack.count = first;
    return true;
}

/* POP takes a mark away when there is nothing above it. */
static bool pop_one(machine *m)
{
    return m->marks && m->stack.count == fl_pickle_fence(m) ? pop_to_mark(m) : fl_pickle_pop(m) != NULL;
}

static bool memo_number(machine *m, int bytes, bool put)
{
    uint64_t place;
    return fl_pickle_number(m, bytes, &place) && (put ? memoize(m, place) : recall(m, place));
}

static bool signed_number(machine *m)
{
    uint64_t n;
    return fl_pickle_number(m, 4, &n) && push_kind(m, FL_PICKLED_INT, (int64_t)n - (n >> 31 ? (int64_t)1 << 32 : 0));
}

/* One instruction; the letters are those of Python's pickletools. */
static bool step(machine *m, int op)
{
    switch (op) {
    case 0x80: return protocol(m);
    case 0x95: return frame(m);
    case '(':  return fl_pickle_put_mark(m);
    case '0':  return pop_one(m);
    case '1':  return pop_to_mark(m);
    case '2':  return fl_pickle_push(m, fl_pickle_top(m, 1));
    case 'N':  return push_kind(m, FL_PICKLED_NONE, 0);
    case 0x88: return push_kind(m, FL_PICKLED_BOOL, 1);
    case 0x89: return push_kind(m, FL_PICKLED_BOOL, 0);
    case 'I':  case 'L': return fl_pickle_push(m, fl_pickle_int_line(m));
    case 'J':  return signed_number(m);
    case 'K':  return push_unsigned(m, 1);
    case 'M':  return push_unsigned(m, 2);
    case 0x8a: return push_long(m, 1);
    case 0x8b: return push_long(m, 4);
    case 'F':  return fl_pickle_push(m, fl_pickle_float_line(m));
    case 'G':  return fl_pickle_push(m, fl_pickle_double(m));
    case 'S':  return fl_pickle_push(m, fl_pickle_string_line(m));
    case 'V':  return fl_pickle_push(m, fl_pickle_unicode_line(m));
    case 'T':  return push_text(m, FL_PICKLED_BYTES, 4);
    case 'U':  return push_text(m, FL_PICKLED_BYTES, 1);
    case 'B':  return push_text(m, FL_PICKLED_BYTES, 4);
    case 'C':  return push_text(m, FL_PICKLED_BYTES, 1);
    case 0x8e: case 0x96: return push_text(m, FL_PICKLED_BYTES, 8);
    case 'X':  return push_text(m, FL_PICKLED_TEXT, 4);
    case 0x8c: return push_text(m, FL_PICKLED_TEXT, 1);
    case 0x8d: return push_text(m, FL_PICKLED_TEXT, 8);
    case ')':  return fl_pickle_collect_top(m, FL_PICKLED_TUPLE, 0);
    case 0x85: return fl_pickle_collect_top(m, FL_PICKLED_TUPLE, 1);
    case 0x86: return fl_pickle_collect_top(m, FL_PICKLED_TUPLE, 2);
    case 0x87: return fl_pickle_collect_top(m, FL_PICKLED_TUPLE, 3);
    case 't':  return fl_pickle_collect_marked(m, FL_PICKLED_TUPLE);
    case ']':  return fl_pickle_collect_top(m, FL_PICKLED_LIST, 0);
    case 'l':  return fl_pickle_collect_marked(m, FL_PICKLED_LIST);
    case '}':  return fl_pickle_collect_top(m, FL_PICKLED_DICT, 0);
    case 'd':  return fl_pickle_collect_marked(m, FL_PICKLED_DICT);
    case 0x8f: return fl_pickle_collect_top(m, FL_PICKLED_SET, 0);
    case 0x91: return fl_pickle_collect_marked(m, FL_PICKLED_SET);
    case 'a':  return fl_pickle_fill_top(m, 1, false);
    case 'e':  return fl_pickle_fill_marked(m, false, false);
    case 's':  return fl_pickle_fill_top(m, 2, true);
    case 'u':  return fl_pickle_fill_marked(m, true, false);
    case 0x90: return fl_pickle_fill_marked(m, false, true);
    case 'c':  return fl_pickle_push(m, global_lines(m));
    case 0x93: return stack_global(m);
    case 'R':  case 0x81: return reduce(m, 2);
    case 0x92: return reduce(m, 3);
    case 'i':  return old_object(m, true);
    case 'o':  return old_object(m, false);
    case 'b':  return build(m);
    case 'P':  return push_persistent_line(m);
    case 'Q':  return persistent(m, fl_pickle_pop(m));
    case 'p':  return memo_line(m, true);
    case 'q':  return memo_number(m, 1, true);
    case 'r':  return memo_number(m, 4, true);
    case 0x94: return memoize(m, (uint64_t)m->memo.count);
    case 'g':  return memo_line(m, false);
    case 'h':  return memo_number(m, 1, false);
    case 'j':  return memo_number(m, 4, false);
    case 0x98: return fl_pickle_top(m, 1) != NULL;                 /* READONLY_BUFFER */
    case 0x82: case 0x83: case 0x84: return fl_pickle_wrong(m, "no extension codes: they name code of another "
                                                            "program");
    case 0x97: return fl_pickle_wrong(m, "no buffers outside the file");
    default:   return fl_pickle_wrong(m, "an instruction of a pickle");
    }
}

fl_status fl_pickle_parse(fl_arena *a, fl_bytes b, size_t begin, const char *name, fl_pickle *out)
{
    machine m = {.arena = a, .name = name, .start = b.data, .op = b.data + begin, .p = b.data + begin,
                 .end = b.data + b.size};
    memset(out, 0, sizeof *out);
    for (;;) {
        m.op = m.p;
        const unsigned char *op = fl_pickle_take(&m, 1);
        if (!op) break;
        if (*op == '.') {
            out->root = m.marks || m.stack.count != 1 ? NULL : m.stack.value[0];
            if (!out->root) fl_pickle_wrong(&m, "one value and no mark at the end");
            break;
        }
        if (!step(&m, *op)) break;
    }
    out->end = (size_t)(m.p - b.data);
    out->global = m.globals.value;
    out->globals = m.globals.count;
    out->persistent = m.persistents.value;
    out->persistents = m.persistents.count;
    return out->root ? FL_OK : fl_error_set(a->error, FL_FAILED, "%s: memory ran out", name);
}
