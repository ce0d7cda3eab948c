/* ruleset_parse.c: a rule set from text (ruleset_text.h). Every complaint names its line, and what would have been right. */
#include "attribution/ruleset_text.h"

#include "attribution/attribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 24 };

typedef struct reader {
    fl_arena *arena;
    const char *where;
    int line;
    const char *word[MOST_WORDS + 1];        /* of this line, up to a NULL */
    int words;
    bool more;                               /* words than there is room for */
    const char *rest;                        /* the line behind its first word */
    fl_ruleset *set;
    fl_rule *rule;
    fl_rule_row *row;
    int rules, rows;
} reader;

#define WRONG(r, ...) wrong(r, fl_arena_text((r)->arena, __VA_ARGS__))
static bool wrong(reader *r, const char *what)
{
    fl_error_set(r->arena->error, FL_UNREADABLE, "%s:%d: %s", r->where, r->line, what ? what : "memory ran out");
    return false;
}

/* The place of a word in a list, or -1 with a complaint that has the nearest one. */
static int choose(reader *r, const char *what, const char *word, const char *const *list)
{
    const int k = word ? fl_name_find(list, word) : -1;
    if (k >= 0) return k;
    if (!word) WRONG(r, "%s is missing: expected one such as '%s'", what, list[0]);
    else WRONG(r, "%s '%s' is unknown; did you mean '%s'?", what, word, fl_name_nearest(list, word));
    return -1;
}

static bool number(reader *r, const char *what, const char *word, double *to)
{
    char *end;
    *to = word ? strtod(word, &end) : 0;
    if (word && *word && !*end && isfinite(*to)) return true;
    return WRONG(r, "%s: expected a number, got '%s'", what, word ? word : "nothing");
}

static bool yes(reader *r, const char *word, bool *to)
{
    static const char *const words[] = {"no", "yes", NULL};
    const int k = choose(r, r->word[0], word, words);
    *to = k == 1;
    return k >= 0;
}

static bool name_it(reader *r, const char *what, const char *word, const char **to)
{
    if (!word) return WRONG(r, "%s: a name is missing", what);
    *to = fl_arena_text(r->arena, "%s", word);
    return *to != NULL;
}

/* ---- rules ---- */

static bool part(reader *r, const char *word, char letter, fl_part *to)
{
    const char *words[FL_PARTS + 1] = {NULL};
    int n = 0;
    fl_part of[FL_PARTS];
    for (int p = 0; p < FL_PARTS; p++) {
        const bool of_x = p != FL_NONE_OF && p != FL_SQUARE_OF && p != FL_LEAN_POSITIVE && p != FL_LEAN_NEGATIVE;
        const bool of_w_or_b = p != FL_LOWEST && p != FL_HIGHEST && p != FL_SIZE_OF && p != (letter == 'w' ? FL_NONE_OF : FL_ONES);
        const bool fits = letter == 'x' ? of_x : of_w_or_b;
        if (!fits) continue;
        char *text = fl_arena_text(r->arena, "%s", fl_part_word[p]);
        if (!text) return false;
        for (char *c = text; *c; c++)
            if (*c == 'x') *c = letter;
        of[n] = (fl_part)p;
        words[n++] = text;
    }
    const int k = choose(r, letter == 'x' ? "part of x" : letter == 'w' ? "part of w" : "part of b", word, words);
    if (k >= 0) *to = of[k];
    return k >= 0;
}

static bool read_extra(reader *r, int at, fl_term *t)
{
    static const char *const extras[] = {"group", "sign", "times", "when", NULL};
    const char *value = r->word[at + 1];
    double n = 0;
    const int which = choose(r, "term", r->word[at], extras);
    if (which < 0) return false;
    if (which == 3) {
        const int when = choose(r, "when", value, fl_when_name);
        t->when = (fl_when)(when < 0 ? 0 : when);
        return when >= 0;
    }
    if (!number(r, extras[which], value, &n)) return false;
    if (which == 0 && n != 0 && n != 1) return WRONG(r, "group: expected 0 or 1, got %s", value);
    if (which == 1 && n != 1 && n != -1) return WRONG(r, "sign: expected 1 or -1, got %s", value);
    if (which == 0) t->group = (int)n;
    else *(which == 1 ? &t->sign : &t->coefficient) = n;
    return true;
}

static bool read_term(reader *r, fl_rule *rule)
{
    if (rule->n_terms == FL_MAX_TERMS) return WRONG(r, "a rule has at most %d terms", FL_MAX_TERMS);
    fl_term *t = &rule->term[rule->n_terms++];
    *t = (fl_term){.sign = 1, .coefficient = 1};
    if (r->words < 4) return WRONG(r, "term: expected three parts, of x, w and b, got %d", r->words - 1);
    if (!part(r, r->word[1], 'x', &t->x) || !part(r, r->word[2], 'w', &t->w) || !part(r, r->word[3], 'b', &t->b)) return false;
    for (int at = 4; at < r->words; at += 2)
        if (!read_extra(r, at, t)) return false;
    return true;
}

static bool begin_rule(reader *r)
{
    const int kind = choose(r, "kind of rule", r->words > 1 ? r->word[2] : NULL, fl_rule_kind_name);
    if (kind < 0) return false;
    if (r->rules == FL_MOST_RULES) return WRONG(r, "at most %d rules", FL_MOST_RULES);
    for (int i = 0; i < r->rules; i++)
        if (strcmp(r->rule[i].name, r->word[1]) == 0) return WRONG(r, "rule '%s' is there twice", r->word[1]);
    fl_rule *rule = &r->rule[r->rules++];
    *rule = (fl_rule){.kind = (fl_rule_kind)kind};
    return name_it(r, "rule", r->word[1], &rule->name);
}

/* A line that belongs to the last rule. */
static bool read_of_rule(reader *r)
{
    if (!r->rules) return WRONG(r, "'%s' belongs to a rule: expected a line 'rule NAME KIND' before it", r->word[0]);
    fl_rule *rule = &r->rule[r->rules - 1];
    if (rule->kind != FL_RULE_SHARE && rule->kind != FL_RULE_JOINT)
        return WRONG(r, "a rule of kind %s has no %s", fl_rule_kind_name[rule->kind], r->word[0]);
    if (strcmp(r->word[0], "term") == 0) return read_term(r, rule);
    if (strcmp(r->word[0], "spread") == 0) return yes(r, r->word[1], &rule->spread);
    if (strcmp(r->word[0], "tuned") == 0) return yes(r, r->word[1], &rule->tuned);
    double *to = strcmp(r->word[0], "gamma") == 0 ? &rule->gamma : &rule->epsilon;
    if (!number(r, r->word[0], r->word[1], to)) return false;
    return *to >= 0 ? true : WRONG(r, "%s must not be negative", r->word[0]);
}

/* ---- rows ---- */

static bool read_arrow(reader *r, int at, fl_rule_row *row)
{
    for (int i = 0; i < r->rules; i++)
        if (r->word[at] && strcmp(r->rule[i].name, r->word[at]) == 0) row->rule = &r->rule[i];
    if (!row->rule) return WRONG(r, "match: there is no rule '%s' above", r->word[at] ? r->word[at] : "");
    return r->words == at + 1 ? true : WRONG(r, "match: '%s' behind the rule's name", r->word[at + 1]);
}

static bool read_condition(reader *r, int at, fl_rule_row *row)
{
    static const char *const conditions[] = {"flag", "op", "place", "node", "->", NULL};
    static const char *ops[FL_OPS + 1];
    const char *value = r->word[at + 1];
    int k;
    for (int i = 0; i < FL_OPS; i++) ops[i] = fl_op_table[i]->name;
    switch (choose(r, "match", r->word[at], conditions)) {
    case 0:
        if ((k = choose(r, "flag", value, fl_flag_name)) >= 0) row->flags |= 1u << k;
        return k >= 0;
    case 1:
        if ((k = choose(r, "op", value, ops)) >= 0) row->op = ops[k];
        return k >= 0;
    case 2:
        if ((k = choose(r, "place", value, fl_place_name)) >= 0) row->place = (fl_place)k;
        return k >= 0;
    case 3:  return name_it(r, "node", value, &row->node);
    default: return false;
    }
}

static bool read_match(reader *r)
{
    if (r->rows == FL_MOST_ROWS) return WRONG(r, "at most %d rows", FL_MOST_ROWS);
    fl_rule_row *row = &r->row[r->rows++];
    *row = (fl_rule_row){.flags = 0};
    for (int at = 1; at < r->words; at += 2) {
        if (strcmp(r->word[at], "->") == 0) return read_arrow(r, at + 1, row);
        if (!read_condition(r, at, row)) return false;
    }
    return WRONG(r, "match: expected '-> NAME' of a rule at the end");
}

/* ---- lines ---- */

static bool read_line(reader *r)
{
    static const char *const lines[] = {"ruleset", "paper", "doc", "start", "fold", "reference", "rule", "match",
                                        "epsilon", "tuned", "gamma", "spread", "term", NULL};
    const int which = choose(r, "line", r->word[0], lines);
    int k;
    if (r->more && which > 2) return WRONG(r, "more than %d words", MOST_WORDS);
    switch (which) {
    case -1: return false;
    case 0:  return name_it(r, "ruleset", r->word[1], &r->set->name);
    case 1:  return name_it(r, "paper", r->rest, &r->set->paper);
    case 2:  return name_it(r, "doc", r->rest, &r->set->doc);
    case 3:
        k = choose(r, "start", r->word[1], fl_start_name);
        r->set->start = (fl_start)(k < 0 ? 0 : k);
        return k >= 0;
    case 4:  return yes(r, r->word[1], &r->set->fold);
    case 5:  return yes(r, r->word[1], &r->set->reference);
    case 6:  return begin_rule(r);
    case 7:  return read_match(r);
    default: return read_of_rule(r);
    }
}

/* Cuts a line into words, in place; the comment is gone. False when memory ran out. */
static bool cut(reader *r, char *line)
{
    static const char blank[] = " \t\r\f\v";
    char *comment = strchr(line, '#');
    if (comment) *comment = 0;
    char *at = line + strspn(line, blank);
    const char *copy = fl_arena_text(r->arena, "%s", at);
    if (!copy) return false;
    r->rest = copy + strcspn(copy, blank);
    r->rest += strspn(r->rest, blank);
    for (r->words = 0; *at && r->words < MOST_WORDS; at += strspn(at, blank)) {
        r->word[r->words++] = at;
        at += strcspn(at, blank);
        if (*at) *at++ = 0;
    }
    r->word[r->words] = NULL;
    r->more = *at != 0;
    return true;
}

static bool read_all(reader *r, char *text)
{
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        r->line++;
        if (!cut(r, line) || (r->words && !read_line(r))) return false;
    }
    return true;
}

static const char *unfinished(const reader *r)
{
    if (!r->set->name) return "no line 'ruleset NAME'";
    if (!r->rows) return "no line 'match ... -> NAME'";
    for (int i = 0; i < r->rules; i++) {
        const fl_rule *rule = &r->rule[i];
        if (rule->kind == FL_RULE_SHARE && !rule->n_terms) return "a rule that shares has no terms";
        if (rule->spread && (rule->n_terms != 1 || rule->term[0].when)) return "spread is for rules of one term";
        for (int t = 1; t < rule->n_terms; t++)
            for (int s = 0; s < t; s++)
                if (rule->term[t].group == rule->term[s].group && rule->term[t].when != rule->term[s].when)
                    return "the terms of a group differ in 'when'";
    }
    return NULL;
}

const fl_ruleset *fl_ruleset_parse(const char *text, const char *where, fl_arena *arena)
{
    reader r = {.arena = arena, .where = where, .set = FL_NEW(arena, fl_ruleset, 1), .rule = FL_NEW(arena, fl_rule, FL_MOST_RULES),
                .row = FL_NEW(arena, fl_rule_row, FL_MOST_ROWS + 1)};
    char *copy = fl_arena_text(arena, "%s", text);
    if (!r.set || !r.rule || !r.row || !copy || !read_all(&r, copy)) return NULL;
    r.set->match = r.row;
    const char *why = unfinished(&r);
    if (why) wrong(&r, why);
    return why ? NULL : r.set;
}
