/* claims.c: what a lesson says about its numbers, checked as it is printed. */
#include "io/cli/lesson/lecture.h"

#include <math.h>

typedef enum relation { SAME, SMALL, LESS } relation;
typedef struct claim { const char *what, *because; double one, other, within; relation relation; bool holds; } claim;

static void write_claim(fl_json *j, const claim *c)
{
    static const char *const names[] = {"same", "small", "less"};
    fl_json_object(j, NULL);
    fl_json_string(j, "claim", c->what);
    fl_json_string(j, "relation", names[c->relation]);
    fl_json_number(j, "one", c->one);
    if (c->relation != SMALL) fl_json_number(j, "other", c->other);
    if (c->relation == SAME) fl_json_number(j, "apart", fabs(c->one - c->other));
    if (c->relation != LESS) fl_json_number(j, "within", c->within);
    fl_json_string(j, "because", c->because);
    fl_json_bool(j, "holds", c->holds);
    fl_json_close(j);
}

static void print_claim(const claim *c)
{
    const int digits = fl_lecture_digits();
    fl_lesson_wrap(c->what, printf("\n  %s", c->holds ? "ok    " : "FAIL  ") - 1, 8);
    if (c->relation == SAME)
        printf("%8s%.*g and %.*g: apart %.2g, of at most %.2g", "", digits, c->one, digits, c->other, fabs(c->one - c->other), c->within);
    else if (c->relation == SMALL)
        printf("%8s%.2g, of at most %.2g", "", c->one, c->within);
    else
        printf("%8s%.*g %s %.*g", "", digits, c->one, c->holds ? "<" : "is not below", digits, c->other);
    printf("\n%8s", "");
    fl_lesson_wrap(c->because, 8, 8);
}

static void make_claim(fl_lecture *l, claim c)
{
    c.holds = c.relation == LESS ? c.one < c.other : fabs(c.one - c.other) <= c.within;         /* never with a NaN */
    l->claims++;
    if (!c.holds && !l->failed++) l->first = fl_arena_text(l->cli->arena, "%s", c.what);
    if (l->j) write_claim(l->j, &c);
    else print_claim(&c);
}

void fl_lecture_same(fl_lecture *l, const char *what, double one, double other, double within, const char *because)
{
    make_claim(l, (claim){.what = what, .because = because, .one = one, .other = other, .within = within, .relation = SAME});
}

void fl_lecture_small(fl_lecture *l, const char *what, double one, double within, const char *because)
{
    make_claim(l, (claim){.what = what, .because = because, .one = one, .within = within, .relation = SMALL});
}

void fl_lecture_less(fl_lecture *l, const char *what, double one, double other, const char *because)
{
    make_claim(l, (claim){.what = what, .because = because, .one = one, .other = other, .relation = LESS});
}
