/* keymap.c: replacing names, and choosing the map under which a file fits a network. */
#include "models/keymap.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST = 256, MOST_PREFIXES = 16 };

/* ---- one replacement ---- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* The numbers that the '#' of a pattern stood for, in order. */
typedef struct numbers { const char *start[4]; int length[4], count; } numbers;

/* Whether pattern fits at text; *length: of what it covers. */
static bool fits_at(const char *pattern, const char *text, int *length, numbers *n)
{
    const char *from = text;
    n->count = 0;
    for (; *pattern; pattern++) {
        if (*pattern != '#') {
            if (*text++ != *pattern) return false;
            continue;
        }
        const char *digits = text;
        while (is_digit(*text)) text++;
        if (text == digits || n->count == 4) return false;
        n->start[n->count] = digits;
        n->length[n->count++] = (int)(text - digits);
    }
    *length = (int)(text - from);
    return true;
}

/* before + to with its numbers + after; false when that is too long. */
static bool put_together(const char *name, int before, const char *to, const numbers *n, const char *after, char *out)
{
    int size = before, used = 0;
    if (before >= LONGEST) return false;
    memcpy(out, name, (size_t)before);
    for (; *to; to++) {
        const bool number = *to == '#' && used < n->count;
        const char *piece = number ? n->start[used] : to;
        const int length = number ? n->length[used++] : 1;
        if (size + length >= LONGEST) return false;
        memcpy(out + size, piece, (size_t)length);
        size += length;
    }
    if (size + strlen(after) >= LONGEST) return false;
    memcpy(out + size, after, strlen(after) + 1);
    return true;
}

static bool replace(const fl_rename *r, char *name)
{
    const bool anchored = r->from[0] == '^';
    const char *pattern = r->from + anchored;
    char out[LONGEST];
    for (int i = 0; name[i] && !(anchored && i); i++) {
        numbers n;
        int length;
        if (!fits_at(pattern, name + i, &length, &n)) continue;
        if (!put_together(name, i, r->to, &n, name + i + length, out)) return false;
        memcpy(name, out, strlen(out) + 1);
        return true;
    }
    return true;
}

bool fl_key_map_name(const fl_key_map *map, const char *name, char *to, size_t size)
{
    char text[LONGEST];
    if (strlen(name) >= LONGEST) return false;
    memcpy(text, name, strlen(name) + 1);
    for (const fl_rename *r = map->rename; r->from; r++)
        if (!replace(r, text)) return false;
    if (strlen(text) >= size) return false;
    memcpy(to, text, strlen(text) + 1);
    return true;
}

/* ---- wrappers ---- */

static const char *const wrappers[] = {"module.", "model.", "backbone.", "net.", "network.", "encoder.", "basenet.", "state_dict.", NULL};

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static bool any_begins(const fl_bundle *b, const char *with)
{
    for (int i = 0; i < b->count; i++)
        if (begins(b->entry[i].name, with)) return true;
    return false;
}

/* "" and every chain of wrappers that some name begins with. */
static int list_prefixes(const fl_bundle *b, char prefix[MOST_PREFIXES][64])
{
    int count = 1;
    prefix[0][0] = 0;
    for (int i = 0; i < count; i++)
        for (int k = 0; wrappers[k] && count < MOST_PREFIXES; k++) {
            if (snprintf(prefix[count], 64, "%s%s", prefix[i], wrappers[k]) >= 64) continue;
            if (any_begins(b, prefix[count])) count++;
        }
    return count;
}

/* ---- matching ---- */

static bool is_stored(const fl_node *node) { return node->role == FL_PARAM || node->role == FL_BUFFER; }

typedef struct part { const fl_graph *g; const char *scope; } part;       /* of a network */

/* The parameter that an entry is, or FL_NONE. */
static fl_id find(const part *p, const fl_key_map *map, const char *prefix, const char *name)
{
    const fl_graph *g = p->g;
    const size_t scope = strlen(p->scope);
    char ours[2 * LONGEST];
    if (begins(name, prefix)) name += strlen(prefix);
    if (scope >= LONGEST) return FL_NONE;
    memcpy(ours, p->scope, scope);
    if (!fl_key_map_name(map, name, ours + scope, LONGEST)) return FL_NONE;
    const fl_id id = fl_graph_find(g, ours);
    return id != FL_NONE && is_stored(&g->node[id]) ? id : FL_NONE;
}

static int count_found(const part *p, const fl_key_map *map, const char *prefix, const fl_bundle *file)
{
    int found = 0;
    for (int i = 0; i < file->count; i++) found += find(p, map, prefix, file->entry[i].name) != FL_NONE;
    return found;
}

static bool is_counter(const char *name)
{
    const char *last = strrchr(name, '.');
    return strcmp(last ? last + 1 : name, "num_batches_tracked") == 0;
}

static fl_status put_entry(fl_match *m, const fl_graph *g, const fl_entry *e, fl_id id)
{
    const fl_node *node = &g->node[id];
    const fl_fit_of_entry fit = fl_entry_fit(e, node->shape);
    if (fit == FL_ENTRY_MISFIT) {
        if (!m->misfits++) m->first_misfit = node->name;
    } else {
        m->matched++;
        m->reshaped += fit == FL_ENTRY_RESHAPED;
    }
    return fl_bundle_add_as(&m->bundle, node->name, e);
}

static void count_missing(fl_match *m, const part *p)
{
    const fl_graph *g = p->g;
    for (fl_id i = 0; i < g->count; i++) {
        if (!is_stored(&g->node[i]) || !begins(g->node[i].name, p->scope)) continue;
        m->wanted++;
        if (!fl_bundle_find(&m->bundle, g->node[i].name) && !m->missing++) m->first_missing = g->node[i].name;
    }
}

fl_status fl_match_weights(fl_arena *a, const fl_graph *g, const char *scope, const fl_key_map *const *maps, const fl_bundle *file,
                           fl_match *m)
{
    const part whole = {g, scope};
    char prefix[MOST_PREFIXES][64];
    const int prefixes = list_prefixes(file, prefix);
    int best = -1, best_prefix = 0;
    *m = (fl_match){.map = &fl_keys_own};
    for (int k = -1; k < 0 || (maps && maps[k]); k++)
        for (int p = 0; p < prefixes; p++) {
            const fl_key_map *map = k < 0 ? &fl_keys_own : maps[k];
            const int found = count_found(&whole, map, prefix[p], file);
            if (found <= best) continue;
            best = found;
            best_prefix = p;
            m->map = map;
        }
    m->prefix = fl_arena_text(a, "%s", prefix[best_prefix]);
    if (!m->prefix) return a->error->status;
    fl_bundle_init(&m->bundle, a);
    for (int i = 0; i < file->count; i++) {
        const fl_entry *e = &file->entry[i];
        const fl_id id = find(&whole, m->map, m->prefix, e->name);
        if (id == FL_NONE) {
            if (!is_counter(e->name) && !m->unexpected++) m->first_unexpected = e->name;
        } else if (put_entry(m, g, e, id) != FL_OK) {
            return a->error->status;
        }
    }
    count_missing(m, &whole);
    return FL_OK;
}
