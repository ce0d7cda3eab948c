/* test_ruleset_text.c: rule sets as text: what is printed reads back the same, and what is wrong is named with its line. */
#include "attribution/rulesets.h"
#include "tests/test.h"

#include <string.h>

typedef struct bench { fl_error error; fl_arena arena; } bench;

static void up(bench *b)
{
    memset(b, 0, sizeof *b);
    fl_arena_init(&b->arena, &b->error);
}

static bool same_text(const char *a, const char *b) { return (!a && !b) || (a && b && strcmp(a, b) == 0); }

static bool same_rule(const fl_rule *a, const fl_rule *b)
{
    bool same = same_text(a->name, b->name) && a->kind == b->kind && a->epsilon == b->epsilon && a->gamma == b->gamma &&
                a->spread == b->spread && a->n_terms == b->n_terms;
    for (int t = 0; same && t < a->n_terms; t++) {
        const fl_term *p = &a->term[t], *q = &b->term[t];
        same = p->x == q->x && p->w == q->w && p->b == q->b && p->group == q->group && p->sign == q->sign &&
               p->coefficient == q->coefficient && p->when == q->when;
    }
    return same;
}

static void check_same(const fl_ruleset *a, const fl_ruleset *b)
{
    int i = 0;
    if (!a || !b) {
        CHECK(a == b);
        return;
    }
    CHECK(same_text(a->name, b->name) && same_text(a->paper, b->paper) && same_text(a->doc, b->doc));
    CHECK(a->start == b->start && a->fold == b->fold && a->reference == b->reference);
    for (; a->match[i].rule && b->match[i].rule; i++) {
        const fl_rule_row *p = &a->match[i], *q = &b->match[i];
        CHECK_SAY(p->flags == q->flags && p->place == q->place && same_text(p->op, q->op) && same_text(p->node, q->node) &&
                  same_rule(p->rule, q->rule), "%s: row %d is another one", a->name, i);
    }
    CHECK(!a->match[i].rule && !b->match[i].rule);
}

TEST(ruleset_text_reads_back_the_same)
{
    for (int i = 0; fl_ruleset_table[i]; i++) {
        bench b;
        up(&b);
        const char *text = fl_ruleset_print(fl_ruleset_table[i], &b.arena);
        const fl_ruleset *again = text ? fl_ruleset_parse(text, "text", &b.arena) : NULL;
        if (CHECK_SAY(again != NULL, "%s: %s", fl_ruleset_table[i]->name, b.error.message) && again && text) {
            check_same(fl_ruleset_table[i], again);
            const char *twice = fl_ruleset_print(again, &b.arena);
            CHECK(twice && strcmp(text, twice) == 0);
        }
        CHECK(fl_ruleset_find(fl_ruleset_name[i]) == fl_ruleset_table[i]);
        fl_arena_free(&b.arena);
    }
}

TEST(ruleset_text_with_everything)
{
    bench b;
    up(&b);
    const fl_ruleset *s = fl_ruleset_parse(
        "  # mine\r\nruleset odd\nstart positive # begins there\nfold yes\n\nrule a share\nepsilon 0.1\ngamma 0.30000000000000004\n"
        "\tterm |x| w^2 b^2 sign -1 times 0.25 when y<0\nterm 1 1 0 group 1\nrule b joint\nmatch flag linear flag weighted op conv "
        "place top node a.*.b? -> a\nmatch -> b", "f", &b.arena);
    if (CHECK_SAY(s != NULL, "%s", b.error.message) && s) {
        const fl_rule *a = s->match[0].rule;
        CHECK(s->start == FL_START_POSITIVE && s->fold && !s->reference && a->epsilon == 0.1 && a->gamma == 0.30000000000000004);
        CHECK(a->n_terms == 2 && a->term[0].x == FL_SIZE_OF && a->term[0].w == FL_SQUARE_OF && a->term[0].b == FL_SQUARE_OF &&
              a->term[0].sign == -1 && a->term[0].coefficient == 0.25 && a->term[0].when == FL_Y_NEGATIVE && a->term[1].group == 1);
        CHECK(s->match[0].flags == 3 && strcmp(s->match[0].op, "conv") == 0 && s->match[0].place == FL_AT_TOP &&
              strcmp(s->match[0].node, "a.*.b?") == 0 && s->match[1].rule->kind == FL_RULE_JOINT && !s->match[2].rule);
        const fl_ruleset *again = fl_ruleset_parse(fl_ruleset_print(s, &b.arena), "g", &b.arena);
        if (CHECK(again != NULL)) check_same(s, again);
    }
    fl_arena_free(&b.arena);
}

#define HEAD "ruleset r\nrule p pass\nrule s share\nterm x w b\n"

TEST(ruleset_text_names_the_line_and_what_is_right)
{
    static const struct { const char *text, *says; } cases[] = {
        {"rulset x", "f:1: line 'rulset' is unknown; did you mean 'ruleset'"},
        {HEAD "rule q shar", "f:5: kind of rule 'shar' is unknown; did you mean 'share'"},
        {HEAD "rule q", "f:5: kind of rule is missing"},
        {HEAD "rule p pass", "f:5: rule 'p' is there twice"},
        {HEAD "term x w", "f:5: term: expected three parts"},
        {HEAD "term w w b", "part of x 'w' is unknown"},
        {HEAD "term x low b", "part of w 'low' is unknown"},
        {HEAD "term x w b group 2", "group: expected 0 or 1"},
        {HEAD "term x w b sign 2", "sign: expected 1 or -1"},
        {HEAD "term x w b times much", "times: expected a number, got 'much'"},
        {HEAD "term x w b times", "times: expected a number, got 'nothing'"},
        {HEAD "term x w b when y", "when 'y' is unknown"},
        {HEAD "term x w b when y>0\nmatch -> s", "differ in 'when'"},
        {HEAD "epsilon nan", "expected a number"},
        {HEAD "epsilon -1", "must not be negative"},
        {HEAD "match -> t", "there is no rule 't' above"},
        {HEAD "match flag liner -> s", "did you mean 'linear'"},
        {HEAD "match op cnov -> s", "did you mean 'conv'"},
        {HEAD "match place nowhere -> s", "place 'nowhere' is unknown"},
        {HEAD "match flag linear", "expected '-> NAME'"},
        {HEAD "match -> s p", "'p' behind the rule's name"},
        {"ruleset r\nepsilon 1", "f:2: 'epsilon' belongs to a rule"},
        {"ruleset r\nrule p pass\nepsilon 1", "a rule of kind pass has no epsilon"},
        {"ruleset r\nrule p share\nmatch -> p", "has no terms"},
        {"rule p pass\nmatch -> p", "no line 'ruleset NAME'"},
        {"ruleset r", "no line 'match"},
        {"", "no line 'ruleset"},
        {"fold perhaps", "did you mean"},
        {HEAD "term x w b group 0 group 0 group 0 group 0 group 0 group 0 group 0 group 0 group 0 group 0 group 0", "more than"},
        {HEAD "term x w b\nterm x w b\nterm x w b\nterm x w b\nterm x w b\nterm x w b", "at most 6 terms"},
        {HEAD "spread yes\nterm 1 1 0\nmatch -> s", "spread is for rules of one term"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench b;
        up(&b);
        CHECK_SAY(!fl_ruleset_parse(cases[i].text, "f", &b.arena) && b.error.status == FL_UNREADABLE &&
                  strstr(b.error.message, cases[i].says), "case %d: %s", (int)i, b.error.message);
        fl_arena_free(&b.arena);
    }
}

TEST(ruleset_text_without_memory)
{
    for (long k = 1;; k++) {
        bench b;
        up(&b);
        const char *text = fl_ruleset_print(&fl_rules_lrp_epsilon_gamma_box, &b.arena);
        fl_arena_fail_at(k);
        const fl_ruleset *again = fl_ruleset_parse(text, "text", &b.arena);
        const bool reached = fl_arena_count() >= k;
        fl_arena_fail_at(0);
        CHECK(!again == reached && (b.error.status == FL_OK) == !reached);
        fl_arena_free(&b.arena);
        if (!reached) break;
    }
}

TEST(ruleset_tuning_changes_what_it_says)
{
    bench b;
    up(&b);
    const fl_ruleset *set = &fl_rules_lrp_epsilon_gamma_box;
    CHECK(fl_ruleset_tune(set, NAN, NAN, NAN, &b.arena) == set);
    const fl_ruleset *t = fl_ruleset_tune(set, 0.5, 2, NAN, &b.arena);
    CHECK(t->match[0].rule->epsilon == 1e-6 && t->match[1].rule->epsilon == 0.5 && t->match[2].rule->gamma == 2 &&
          t->match[5].rule->epsilon == 1e-6);
    t = fl_ruleset_tune(&fl_rules_lrp_alpha2_beta1, NAN, NAN, 0.5, &b.arena);
    CHECK(t->match[0].rule->term[0].coefficient == 1.5 && t->match[0].rule->term[2].coefficient == -0.5);
    t = fl_ruleset_tune(&fl_rules_contrastive_excitation, NAN, NAN, 0.5, &b.arena);
    CHECK(t->match[0].rule->term[1].coefficient == -1 && !fl_ruleset_has_beta(t));
    CHECK(fl_ruleset_bounded(set) && fl_ruleset_has_epsilon(set) && fl_ruleset_has_gamma(set) && !fl_ruleset_has_beta(set));
    fl_arena_free(&b.arena);
}
