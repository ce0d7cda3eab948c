/* rulesets.h: every rule and rule set as data (rule.h), and their text form.
 *
 *     footlight rules lrp_epsilon_plus > mine.rules        edit it
 *     footlight explain clip.y4m --method rules --rules mine.rules */
#ifndef FL_RULESETS_H
#define FL_RULESETS_H

#include "autograd/rule.h"
#include "tensor/arena.h"

#define FL_RULESET(name) extern const fl_ruleset fl_rules_##name;
#include "attribution/rulesets.def"
#undef FL_RULESET
extern const fl_ruleset *const fl_ruleset_table[];           /* ends with NULL */
extern const char *const fl_ruleset_name[];                  /* their names, in that order, up to a NULL */
const fl_ruleset *fl_ruleset_find(const char *name);         /* NULL when there is none of that name */
int fl_ruleset_rules(const fl_ruleset *, const fl_rule **rule, int room);    /* its rules, each once; how many */
bool fl_ruleset_bounded(const fl_ruleset *);                 /* whether it reads the bounds of the input */
bool fl_ruleset_has_epsilon(const fl_ruleset *);             /* whether fl_ruleset_tune would change something */
bool fl_ruleset_has_gamma(const fl_ruleset *);
bool fl_ruleset_has_beta(const fl_ruleset *);

/* Text that fl_ruleset_parse reads back as the same rule set. In the arena; NULL: memory ran out. */
char *fl_ruleset_print(const fl_ruleset *, fl_arena *);

/* One rule set from text. NULL with the arena's error set (FL_UNREADABLE): "where:line: what is wrong, what is expected". */
const fl_ruleset *fl_ruleset_parse(const char *text, const char *where, fl_arena *);

/* Other parameters: a copy in the arena, or the set itself when nothing is given (NAN). epsilon: of rules called epsilon...;
 * gamma: of parts that lean; beta: of rules with a negative share: alpha = 1 + beta. NULL: memory ran out. */
const fl_ruleset *fl_ruleset_tune(const fl_ruleset *, double epsilon, double gamma, double beta, fl_arena *);

#endif
