/* pickle_ask.c: questions about the values of a pickle. */
#include "io/pickle.h"

#include <string.h>

bool fl_pickled_is_text(const fl_pickled *v, const char *text)
{
    const size_t n = strlen(text);
    return v && (v->kind == FL_PICKLED_TEXT || v->kind == FL_PICKLED_BYTES) && v->size == n
        && memcmp(v->text, text, n) == 0;
}

bool fl_pickled_is_global(const fl_pickled *v, const char *module, const char *name)
{
    return v && v->kind == FL_PICKLED_GLOBAL && strcmp(v->module, module) == 0 && strcmp(v->name, name) == 0;
}

bool fl_pickled_is_mapping(const fl_pickled *v)
{
    return v && (v->kind == FL_PICKLED_DICT || (v->kind == FL_PICKLED_OBJECT && v->is_mapping));
}

const fl_pickled *fl_pickled_get(const fl_pickled *mapping, const char *key)
{
    if (!fl_pickled_is_mapping(mapping)) return NULL;
    for (int i = mapping->count - 2; i >= 0; i -= 2)
        if (fl_pickled_is_text(mapping->item[i], key)) return mapping->item[i + 1];
    return NULL;
}

const fl_pickled *fl_pickled_tuple(const fl_pickled *v, int least, int most)
{
    return v && v->kind == FL_PICKLED_TUPLE && v->count >= least && v->count <= most ? v : NULL;
}
