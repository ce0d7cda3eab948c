/* pickle_stack.c: the stack, its marks, and containers made of what stands above them. */
#include "io/pickle_machine.h"

#include <string.h>

enum { MOST_VALUES = 1 << 20, MOST_PLACES = 1 << 24 };

bool fl_pickle_wrong(fl_pickle_machine *m, const char *expected)
{
    fl_error_set(m->arena->error, FL_UNREADABLE, "%s: pickle, byte %zu (opcode 0x%02x): expected %s", m->name,
                 (size_t)(m->op - m->start), m->op < m->end ? *m->op : 0, expected);
    return false;
}

fl_pickled *fl_pickle_new(fl_pickle_machine *m, fl_pickled_kind kind)
{
    if (m->values++ >= MOST_VALUES) return fl_pickle_wrong(m, "at most 1048576 values"), NULL;
    fl_pickled *v = FL_NEW(m->arena, fl_pickled, 1);
    if (v) v->kind = kind;
    return v;
}

/* The array with room for one more: itself, or a copy of twice the size. NULL with an error. */
static void *grown(fl_pickle_machine *m, void *array, size_t size, int count, int *room)
{
    if (count < *room) return array;
    const int more = *room ? 2 * *room : 8;
    if (more > MOST_PLACES)
        return fl_pickle_wrong(m, "a stack, a memo, a container of at most 16777216 places"), NULL;
    void *fresh = fl_arena_array(m->arena, (size_t)more, size);
    if (!fresh) return NULL;
    if (count) memcpy(fresh, array, (size_t)count * size);
    *room = more;
    return fresh;
}

bool fl_pickle_append(fl_pickle_machine *m, fl_pickle_list *l, fl_pickled *v)
{
    fl_pickled **value = v ? grown(m, l->value, sizeof(fl_pickled *), l->count, &l->room) : NULL;
    if (!value) return false;
    l->value = value;
    l->value[l->count++] = v;
    return true;
}

static bool append_item(fl_pickle_machine *m, fl_pickled *to, fl_pickled *v)
{
    fl_pickled **item = grown(m, to->item, sizeof(fl_pickled *), to->count, &to->room);
    if (!item) return false;
    to->item = item;
    to->item[to->count++] = v;
    return true;
}

bool fl_pickle_put(fl_pickle_machine *m, fl_pickle_list *l, int place, fl_pickled *v)
{
    while (l->room <= place) {
        fl_pickled **value = grown(m, l->value, sizeof(fl_pickled *), l->room, &l->room);
        if (!value) return false;
        l->value = value;
    }
    l->value[place] = v;
    if (place >= l->count) l->count = place + 1;
    return true;
}

bool fl_pickle_push(fl_pickle_machine *m, fl_pickled *v) { return fl_pickle_append(m, &m->stack, v); }

int fl_pickle_fence(const fl_pickle_machine *m) { return m->marks ? m->mark[m->marks - 1] : 0; }

/* The k-th value from the top (1 = top), or NULL with an error when it lies below the last mark. */
fl_pickled *fl_pickle_top(fl_pickle_machine *m, int k)
{
    if (m->stack.count - fl_pickle_fence(m) < k) return fl_pickle_wrong(m, "more values on the stack"), NULL;
    return m->stack.value[m->stack.count - k];
}

fl_pickled *fl_pickle_pop(fl_pickle_machine *m)
{
    fl_pickled *v = fl_pickle_top(m, 1);
    if (v) m->stack.count--;
    return v;
}

bool fl_pickle_put_mark(fl_pickle_machine *m)
{
    int *mark = grown(m, m->mark, sizeof *mark, m->marks, &m->mark_room);
    if (!mark) return false;
    m->mark = mark;
    m->mark[m->marks++] = m->stack.count;
    return true;
}

/* Takes the last mark away; *first is the height where it stood. */
bool fl_pickle_pop_mark(fl_pickle_machine *m, int *first)
{
    *first = 0;
    if (!m->marks) return fl_pickle_wrong(m, "a mark on the stack");
    *first = m->mark[--m->marks];
    return true;
}

/* A new container of the values above height first, which leave the stack. */
bool fl_pickle_collect(fl_pickle_machine *m, fl_pickled_kind kind, int first)
{
    fl_pickled *v = fl_pickle_new(m, kind);
    const int count = m->stack.count - first;
    if (!v) return false;
    if (kind == FL_PICKLED_DICT && count % 2) return fl_pickle_wrong(m, "keys and values in pairs");
    v->item = FL_NEW(m->arena, fl_pickled *, count);
    if (!v->item) return false;
    if (count) memcpy(v->item, m->stack.value + first, (size_t)count * sizeof(fl_pickled *));
    v->count = v->room = count;
    m->stack.count = first;
    return fl_pickle_push(m, v);
}

bool fl_pickle_collect_marked(fl_pickle_machine *m, fl_pickled_kind kind)
{
    int first;
    return fl_pickle_pop_mark(m, &first) && fl_pickle_collect(m, kind, first);
}

bool fl_pickle_collect_top(fl_pickle_machine *m, fl_pickled_kind kind, int count)
{
    return (count == 0 || fl_pickle_top(m, count)) && fl_pickle_collect(m, kind, m->stack.count - count);
}

/* Values above height first go into the container below them. */
static bool fill(fl_pickle_machine *m, int first, bool pairs, bool set)
{
    const int count = m->stack.count - first;
    if (first - fl_pickle_fence(m) < 1) return fl_pickle_wrong(m, "a container below the values");
    fl_pickled *to = m->stack.value[first - 1];
    const bool object = to->kind == FL_PICKLED_OBJECT && (to->count == 0 || to->is_mapping == pairs);
    const fl_pickled_kind wanted = pairs ? FL_PICKLED_DICT : set ? FL_PICKLED_SET : FL_PICKLED_LIST;
    if (to->kind != wanted && !object)
        return fl_pickle_wrong(m, pairs ? "a dictionary to fill" : "a list or set to fill");
    if (pairs && count % 2) return fl_pickle_wrong(m, "keys and values in pairs");
    if (object && count) to->is_mapping = pairs;
    for (int i = first; i < m->stack.count; i++)
        if (!append_item(m, to, m->stack.value[i])) return false;
    m->stack.count = first;
    return true;
}

bool fl_pickle_fill_marked(fl_pickle_machine *m, bool pairs, bool set)
{
    int first;
    return fl_pickle_pop_mark(m, &first) && fill(m, first, pairs, set);
}

bool fl_pickle_fill_top(fl_pickle_machine *m, int count, bool pairs)
{
    return fl_pickle_top(m, count + 1) && fill(m, m->stack.count - count, pairs, false);
}
