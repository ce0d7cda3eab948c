/* ruleset_text.h: the words of rule sets as text, for the printer and the parser. One line says one thing:
 *
 *     ruleset NAME                          paper TEXT    doc TEXT
 *     start gradient|value|positive|one     fold yes|no   reference yes|no
 *     rule NAME KIND                        epsilon NUMBER   gamma NUMBER   spread yes      belong to the rule above, and
 *                                           tuned yes: its epsilon is what --epsilon gives
 *         term X W B [group 1] [sign NUMBER] [times NUMBER] [when y>0|y<0]
 *     match [flag FLAG ...] [op OP] [place PLACE] [node PATTERN] -> NAME        the first that fits wins
 *
 * X, W, B: a part each, of x, w and b: v v+ v- |v| v^2 v+gv+ v+gv- with x, w or b for v; 1; 0; low and high for x.
 * From # to the end of the line is for the reader. */
#ifndef FL_RULESET_TEXT_H
#define FL_RULESET_TEXT_H

#include "attribution/rulesets.h"

/* By fl_part, of x; NULL ends it. The others have w and b in place of x. */
static const char *const fl_part_word[] = {"0", "x", "x+", "x-", "|x|", "x^2", "1", "x+gx+", "x+gx-", "low", "high", NULL};

enum { FL_MOST_RULES = 32, FL_MOST_ROWS = 64 };

#endif
