/* rules.h: a rule set by name or from a file, for explain and rules. */
#ifndef FL_CLI_RULES_H
#define FL_CLI_RULES_H

#include "attribution/rulesets.h"
#include "io/cli/cli.h"

/* NULL with the error set: unknown name and no such file, or a file that is no rule set. */
const fl_ruleset *fl_rules_read(fl_cli *, const char *name_or_file);

#endif
