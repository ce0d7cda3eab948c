/* ruleset_print.c: a rule set as text (ruleset_text.h). */
#include "attribution/ruleset_text.h"

#include "autograd/op.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Counts when there is no room yet, writes the second time. */
typedef struct page { char *text; size_t size; } page;

static void put(page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(page *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(p->text ? p->text + p->size : NULL, p->text ? (size_t)1 << 16 : 0, format, args);
    va_end(args);
    fl_assert(n >= 0);
    p->size += (size_t)n;
}

/* With as few digits as read back the same. */
static void put_number(page *p, double v)
{
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    put(p, "%s", text);
}

static void put_part(page *p, fl_part part, char letter)
{
    for (const char *c = fl_part_word[part]; *c; c++) put(p, "%c", *c == 'x' ? letter : *c);
}

static void put_term(page *p, const fl_term *t)
{
    put(p, "    term ");
    put_part(p, t->x, 'x');
    put(p, " ");
    put_part(p, t->w, 'w');
    put(p, " ");
    put_part(p, t->b, 'b');
    if (t->group) put(p, " group %d", t->group);
    if (t->sign != 1) put(p, " sign "), put_number(p, t->sign);
    if (t->coefficient != 1) put(p, " times "), put_number(p, t->coefficient);
    if (t->when) put(p, " when %s", fl_when_name[t->when]);
    put(p, "\n");
}

static void put_rule(page *p, const fl_rule *r)
{
    put(p, "\nrule %s %s\n", r->name, fl_rule_kind_name[r->kind]);
    if (r->epsilon != 0) put(p, "    epsilon "), put_number(p, r->epsilon), put(p, "\n");
    if (r->tuned) put(p, "    tuned yes\n");
    if (r->gamma != 0) put(p, "    gamma "), put_number(p, r->gamma), put(p, "\n");
    if (r->spread) put(p, "    spread yes\n");
    for (int t = 0; t < r->n_terms; t++) put_term(p, &r->term[t]);
}

static void put_row(page *p, const fl_rule_row *row)
{
    put(p, "match");
    for (int bit = 0; fl_flag_name[bit]; bit++)
        if (row->flags >> bit & 1) put(p, " flag %s", fl_flag_name[bit]);
    if (row->op) put(p, " op %s", row->op);
    if (row->place) put(p, " place %s", fl_place_name[row->place]);
    if (row->node) put(p, " node %s", row->node);
    put(p, " -> %s\n", row->rule->name);
}

static void put_set(page *p, const fl_ruleset *set)
{
    const fl_rule *rule[FL_MOST_RULES];
    const int n = fl_ruleset_rules(set, rule, FL_MOST_RULES);
    put(p, "ruleset %s\n", set->name);
    if (set->paper) put(p, "paper %s\n", set->paper);
    if (set->doc) put(p, "doc %s\n", set->doc);
    put(p, "start %s\nfold %s\nreference %s\n", fl_start_name[set->start], set->fold ? "yes" : "no", set->reference ? "yes" : "no");
    for (int i = 0; i < n; i++) put_rule(p, rule[i]);
    put(p, "\n# the first that fits wins; what none fits crosses as the gradient does\n");
    for (const fl_rule_row *row = set->match; row->rule; row++) put_row(p, row);
}

char *fl_ruleset_print(const fl_ruleset *set, fl_arena *arena)
{
    page p = {NULL, 0};
    put_set(&p, set);
    p.text = FL_NEW(arena, char, p.size + 1);
    if (!p.text) return NULL;
    p.size = 0;
    put_set(&p, set);
    return p.text;
}
