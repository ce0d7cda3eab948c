/* method_uses.c: which options a method reads: those of its driver, and those that its rules, its level and published code bring. */
#include "attribution/driver.h"
#include "attribution/published.h"
#include "attribution/rulesets.h"

uint64_t fl_method_uses(const fl_method *m)
{
    const fl_ruleset *set = m->defaults.rules;
    uint64_t uses = m->driver->uses[m->variant] | (fl_published_find(m) ? FL_READS(as_published) : 0);
    if (!set) return uses;
    uses |= FL_READS(rules) | FL_READS(unfolded);
    uses |= (m->level == FL_LEVEL_LAYER ? FL_READS(layer) : 0) | (set->reference ? FL_READS_BASELINE : 0);
    return uses | (fl_ruleset_has_epsilon(set) ? FL_READS(epsilon) : 0) | (fl_ruleset_has_gamma(set) ? FL_READS(gamma) : 0) |
           (fl_ruleset_has_beta(set) ? FL_READS(beta) : 0) |
           (fl_ruleset_bounded(set) ? FL_READS(lowest) | FL_READS(highest) : 0);
}

const char *fl_method_driver(const fl_method *m) { return m->driver->name; }
