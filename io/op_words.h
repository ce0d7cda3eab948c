/* op_words.h: every op in one line up and one line down, for pages that teach. The alphabet is that of autograd/op.h. */
#ifndef FL_OP_WORDS_H
#define FL_OP_WORDS_H

#include "autograd/op.h"
#include "autograd/rule.h"

typedef struct fl_op_words { const char *up, *down; } fl_op_words;

const fl_op_words *fl_op_words_of(fl_op_kind);       /* UTF-8 */
const char *fl_rule_words(const fl_rule *);          /* what the rule does on the way down; NULL: the gradient */

#endif
