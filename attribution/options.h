/* options.h: the options of methods as data: which member of fl_explain_options, what kind, which range (options.def). */
#ifndef FL_OPTIONS_H
#define FL_OPTIONS_H

#include "attribution/attribution.h"

typedef enum fl_member {
    FL_MEMBER_INT, FL_MEMBER_REAL, FL_MEMBER_FLAG, FL_MEMBER_TEXT, FL_MEMBER_WORD, FL_MEMBER_WORDS, FL_MEMBER_CHOICE
} fl_member;

typedef struct fl_option_row {
    const char *name;                    /* as on the command line, without dashes */
    fl_member member;
    size_t offset;                       /* in fl_explain_options */
    const char *const *words;            /* of words and choices; else NULL */
    double least, most;                  /* of numbers */
} fl_option_row;

extern const fl_option_row fl_option_rows[FL_OPTIONS];           /* by the number of the option */

/* Members by row: numbers of any kind as double (flags 0 and 1, choices their value); texts. */
double fl_option_number(const fl_explain_options *, const fl_option_row *);
void fl_option_set_number(fl_explain_options *, const fl_option_row *, double);
const char **fl_option_text(fl_explain_options *, const fl_option_row *);

/* 0 and NULL become what the defaults say, where the 0 was not meant. */
void fl_options_fill(fl_explain_options *, const fl_explain_options *defaults);

/* FL_USAGE for a number out of its range among those that the method reads. */
fl_status fl_options_check(const fl_explain_options *, const fl_method *, fl_error *);

/* "4,16,16", or "8" for three of them: numbers of 1 and more. FL_USAGE: what (the option) is not that. */
fl_status fl_option_triple(const char *what, const char *text, int to[3], fl_error *);

/* What the row says now, as text in the arena; *value NULL where it says nothing (a 0 or NULL that nobody meant).
 * False when memory ran out. */
bool fl_option_print(const fl_explain_options *, const fl_option_row *, fl_arena *, const char **value);

#endif
