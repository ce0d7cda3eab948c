/* numpy_pickle.c: arrays in pickles: _reconstruct(ndarray, (0,), b'b') with the state (1, shape, type, fortran,
 * bytes).
 *
 * Python 2 wrote the bytes as a string, Python 3 (protocol 2) as text whose characters are the bytes ("latin-1"). */
#include "io/npy.h"
#include "io/torch.h"

#include <string.h>

static bool of_numpy(const fl_pickled *v, const char *part, const char *name)
{
    if (!v || v->kind != FL_PICKLED_GLOBAL || strcmp(v->name, name) != 0) return false;
    const char *rest = strncmp(v->module, "numpy.", 6) == 0 ? v->module + 6 : "";
    if (strncmp(rest, "core.", 5) == 0) rest += 5;
    else if (strncmp(rest, "_core.", 6) == 0) rest += 6;
    else return false;
    return strcmp(rest, part) == 0;
}

static bool made_by(const fl_pickled *v, const char *part, const char *name)
{
    return v && v->kind == FL_PICKLED_OBJECT && of_numpy(v->maker, part, name);
}

bool fl_numpy_makes_array(const fl_pickled *v)
{
    return made_by(v, "multiarray", "_reconstruct") || made_by(v, "numeric", "_frombuffer");
}

static bool is_dtype(const fl_pickled *v)
{
    return v && v->kind == FL_PICKLED_OBJECT && fl_pickled_is_global(v->maker, "numpy", "dtype");
}

bool fl_numpy_is_plain(const fl_pickled *v) { return made_by(v, "multiarray", "scalar") || is_dtype(v); }

/* dtype('f4', ...) with the state (3, '<', ...): '<' and '|' little, '>' big end first. */
static bool read_type(fl_torch *t, const fl_pickled *v, fl_stored *s)
{
    char code[16] = "";
    const fl_pickled *name = is_dtype(v) && v->given->count ? v->given->item[0] : NULL;
    if (name && (name->kind == FL_PICKLED_TEXT || name->kind == FL_PICKLED_BYTES) && name->size < sizeof code)
        memcpy(code, name->text, name->size);
    s->type = fl_npy_scalar(code);
    if (s->type == FL_SCALAR_NONE)
        return fl_torch_wrong(t, "its numbers are of type '%s', which is not read here; save it as float32", code);
    const fl_pickled *state = fl_pickled_tuple(v->state, 2, 16), *order = state ? state->item[1] : NULL;
    s->big_endian = fl_pickled_is_text(order, ">");
    if (v->state && !s->big_endian && !fl_pickled_is_text(order, "<") && !fl_pickled_is_text(order, "|")
        && !fl_pickled_is_text(order, "="))
        return fl_torch_wrong(t, "its order of bytes is not known");
    return true;
}

/* Characters U+0000 to U+00FF to one byte each. */
static bool from_latin1(fl_torch *t, const fl_pickled *text, fl_bytes *out)
{
    unsigned char *to = FL_NEW(t->arena, unsigned char, text->size);
    *out = (fl_bytes){to, 0};
    for (size_t i = 0; to && i < text->size; i++) {
        const unsigned char c = text->text[i];
        if (c < 0x80) {
            to[out->size++] = c;
        } else {
            if ((c & 0xfe) != 0xc2 || i + 1 == text->size || text->text[i + 1] >> 6 != 2)
                return fl_torch_wrong(t, "its bytes are written as text with characters above U+00FF");
            to[out->size++] = (unsigned char)(c << 6 | (text->text[++i] & 0x3f));
        }
    }
    return to != NULL;
}

static bool read_bytes(fl_torch *t, const fl_pickled *v, fl_bytes *out)
{
    *out = (fl_bytes){v->text, v->size};
    if (v->kind == FL_PICKLED_BYTES) return true;
    if (v->kind == FL_PICKLED_TEXT) return from_latin1(t, v, out);
    const bool encoded = v->kind == FL_PICKLED_OBJECT && fl_pickled_is_global(v->maker, "_codecs", "encode")
                         && v->given->count == 2
                         && v->given->item[0]->kind == FL_PICKLED_TEXT
                         && (fl_pickled_is_text(v->given->item[1], "latin1")
                             || fl_pickled_is_text(v->given->item[1], "latin-1"));
    if (encoded) return from_latin1(t, v->given->item[0], out);
    return fl_torch_wrong(t, v->kind == FL_PICKLED_LIST ? "it holds Python objects, not numbers"
                          : "its numbers are not bytes");
}

static void fortran_strides(fl_stored *s)
{
    int64_t step = 1;
    s->strided = true;
    for (int a = 0; a < s->axes; a++) {
        s->stride[a] = step;
        /* too large: fl_torch_fits says so */
        if (s->size[a] && step <= FL_STORED_MOST / s->size[a]) step *= s->size[a];
    }
}

/* bytes, shape, type, order: of either maker. */
static bool array(fl_torch *t, const fl_pickled *bytes, const fl_pickled *shape, const fl_pickled *type, bool fortran,
                  fl_stored *s)
{
    fl_bytes data;
    *s = (fl_stored){0};
    if (!read_type(t, type, s) || !fl_torch_sizes(t, shape, s->size, &s->axes)
        || !read_bytes(t, bytes, &data)) return false;
    const int64_t held = (int64_t)(data.size / (size_t)fl_scalar_size(s->type));
    if (fortran) fortran_strides(s);
    s->values = data.data;
    if (!fl_torch_fits(t, s, 0, held)) return false;
    return (size_t)s->count * (size_t)fl_scalar_size(s->type) == data.size
        || fl_torch_wrong(t, "its bytes are more than its shape needs");
}

bool fl_numpy_array(fl_torch *t, const fl_pickled *v, fl_stored *s)
{
    if (of_numpy(v->maker, "numeric", "_frombuffer")) {              /* (bytes, type, shape, 'C' or 'F') */
        const fl_pickled *const *g = (const fl_pickled *const *)v->given->item;
        if (v->given->count != 4 || v->state) return fl_torch_wrong(t, "its maker got values that make no array");
        return array(t, g[0], g[2], g[1], fl_pickled_is_text(g[3], "F"), s);
    }
    const fl_pickled *class = v->given->count ? v->given->item[0] : NULL, *state = fl_pickled_tuple(v->state, 5, 5);
    if (!fl_pickled_is_global(class, "numpy", "ndarray"))
        return fl_torch_wrong(t, "it is an array of the class %s", fl_torch_maker(t, class));
    if (!state || (state->item[3]->kind != FL_PICKLED_BOOL && state->item[3]->kind != FL_PICKLED_INT))
        return fl_torch_wrong(t, "its state is not that of an array");
    return array(t, state->item[4], state->item[1], state->item[2], state->item[3]->integer != 0, s);
}
