/* options.c: the table of options, made from options.def, and what can be done with any of them. */
#include "attribution/options.h"
#include "attribution/segments.h"

#include "tensor/math.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(fl_explain_options, field)
#define FL_INT(field, name, value, least, most, help)  {name, FL_MEMBER_INT, AT(field), NULL, least, most},
#define FL_REAL(field, name, value, least, most, help) {name, FL_MEMBER_REAL, AT(field), NULL, least, most},
#define FL_FLAG(field, name, help)                     {name, FL_MEMBER_FLAG, AT(field), NULL, 0, 0},
#define FL_TEXT(field, name, value, help)              {name, FL_MEMBER_TEXT, AT(field), NULL, 0, 0},
#define FL_WORD(field, name, value, list, help)        {name, FL_MEMBER_WORD, AT(field), list, 0, 0},
#define FL_WORDS(field, name, value, list, help)       {name, FL_MEMBER_WORDS, AT(field), list, 0, 0},
#define FL_CHOICE(field, name, value, type, list, help) {name, FL_MEMBER_CHOICE, AT(field), list, 0, 0},
const fl_option_row fl_option_rows[FL_OPTIONS] = {
#include "attribution/options.def"
};

_Static_assert(FL_OPTION_masker < 64, "one bit of a word for every option");
_Static_assert(sizeof(fl_quadrature) == sizeof(int), "choices are read and written as int");

static bool has_number(const fl_option_row *row)
{
    return row->member != FL_MEMBER_TEXT && row->member != FL_MEMBER_WORD && row->member != FL_MEMBER_WORDS;
}

double fl_option_number(const fl_explain_options *o, const fl_option_row *row)
{
    const char *at = (const char *)o + row->offset;
    int i = 0;
    double x = 0;
    bool flag = false;
    switch (row->member) {
    case FL_MEMBER_REAL: memcpy(&x, at, sizeof x); return x;
    case FL_MEMBER_FLAG: memcpy(&flag, at, sizeof flag); return flag;
    case FL_MEMBER_INT:
    case FL_MEMBER_CHOICE: memcpy(&i, at, sizeof i); return i;
    case FL_MEMBER_TEXT:
    case FL_MEMBER_WORD:
    case FL_MEMBER_WORDS: break;
    }
    return 0;
}

void fl_option_set_number(fl_explain_options *o, const fl_option_row *row, double x)
{
    char *at = (char *)o + row->offset;
    const int i = row->member == FL_MEMBER_REAL ? 0 : (int)x;
    const bool flag = x != 0;
    fl_assert(has_number(row));
    if (row->member == FL_MEMBER_REAL) memcpy(at, &x, sizeof x);
    else if (row->member == FL_MEMBER_FLAG) memcpy(at, &flag, sizeof flag);
    else memcpy(at, &i, sizeof i);
}

const char **fl_option_text(fl_explain_options *o, const fl_option_row *row)
{
    fl_assert(!has_number(row));
    return (const char **)(void *)((char *)o + row->offset);
}

void fl_options_fill(fl_explain_options *o, const fl_explain_options *defaults)
{
    fl_explain_options d = *defaults;
    for (int i = 0; i < FL_OPTIONS; i++) {
        const fl_option_row *row = &fl_option_rows[i];
        if (o->meant >> i & 1) continue;
        if (!has_number(row) && !*fl_option_text(o, row)) *fl_option_text(o, row) = *fl_option_text(&d, row);
        else if (has_number(row) && fl_option_number(o, row) == 0) fl_option_set_number(o, row, fl_option_number(&d, row));
    }
}

fl_status fl_options_check(const fl_explain_options *o, const fl_method *method, fl_error *err)
{
    const uint64_t uses = fl_method_uses(method);
    for (int i = 0; i < FL_OPTIONS; i++) {
        const fl_option_row *row = &fl_option_rows[i];
        if (!(uses >> i & 1) || (row->member != FL_MEMBER_INT && row->member != FL_MEMBER_REAL)) continue;
        const double x = fl_option_number(o, row);
        const bool said = x != 0 || o->meant >> i & 1 || fl_option_number(&method->defaults, row) != 0;
        if (!isfinite(x)) return fl_error_set(err, FL_USAGE, "%s: %s: expected a finite number, got %g", method->name, row->name, x);
        if (said && row->most > row->least && (x < row->least || x > row->most))
            return fl_error_set(err, FL_USAGE, "%s: %s: expected %.12g to %.12g, got %.12g", method->name, row->name, row->least,
                                row->most, x);
    }
    return FL_OK;
}

fl_status fl_option_triple(const char *what, const char *text, int to[3], fl_error *err)
{
    int one = 0, three = 0;
    const int n = sscanf(text, "%d%n,%d,%d%n", &to[0], &one, &to[1], &to[2], &three);
    if (n == 1) to[1] = to[2] = to[0];
    if ((n == 1 && !text[one]) || (n == 3 && !text[three]))
        if (to[0] > 0 && to[1] > 0 && to[2] > 0) return FL_OK;
    return fl_error_set(err, FL_USAGE, "%s: expected frames, rows and columns like 4,16,16, each 1 or more, got '%s'", what, text);
}

bool fl_option_print(const fl_explain_options *o, const fl_option_row *row, fl_arena *arena, const char **value)
{
    const bool meant = o->meant >> (row - fl_option_rows) & 1;
    *value = NULL;
    if (!has_number(row)) {
        fl_explain_options copy = *o;
        *value = *fl_option_text(&copy, row);
        return true;
    }
    const double x = fl_option_number(o, row);
    if (row->member == FL_MEMBER_FLAG) *value = x != 0 ? "yes" : "no";
    else if (row->member == FL_MEMBER_CHOICE) *value = row->words[(int)x];
    else if (x != 0 || meant) *value = fl_arena_text(arena, "%.12g", x);
    else return true;
    return *value != NULL;
}
