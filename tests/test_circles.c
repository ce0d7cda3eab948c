/* test_circles.c: whom does a file need? No file needs one that needs it in turn: every folder can be read from the ground up.
 *
 * A .c file defines the names fl_... that stand in its outermost lines, and needs the files that define the others in it. Tables whose rows
 * stand in a .def (ops, methods, metrics, commands) name their rows there, so a table does not count as needing them: a row may ask the
 * table for another row. */
#include "tests/sources.h"
#include "tests/test.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FILES = 1024, MOST_NAMES = 1 << 16, LONGEST = 96 };

typedef struct name { char text[LONGEST]; int file; bool defined; } name;

static char path_of[MOST_FILES][LONGEST];
static int files, names;
static name *seen;                                           /* of all files: defined, or used */
static bool needs[MOST_FILES][MOST_FILES];

static void note(const char *at, size_t n, bool defined)
{
    CHECK(n < LONGEST && names < MOST_NAMES);
    if (n >= LONGEST || names >= MOST_NAMES) return;
    seen[names] = (name){.file = files, .defined = defined};
    memcpy(seen[names++].text, at, n);
}

/* "type fl_name(...)" or "type fl_name[] =" at the outermost level, unless it ends in a semicolon before it begins. */
static bool defines(const char *line, const char *at, const char *after)
{
    if (isspace((unsigned char)*line) || *line == '#' || strncmp(line, "static", 6) == 0 || strncmp(line, "typedef", 7) == 0 ||
        strncmp(line, "extern", 6) == 0 || strncmp(line, "struct", 6) == 0 || strncmp(line, "enum", 4) == 0 || *line == '}')
        return false;
    for (const char *p = line; p < at; p++)
        if (*p == '(' || *p == '=' || *p == ',') return false;
    const char *end = after + strcspn(after, ";{="), *next = after + strspn(after, " ");
    return *next == '[' || *next == '=' || *next == ';' || (*after == '(' && *end != ';');
}

static void read_names(const char *path, char *text)
{
    const size_t length = strlen(path);
    if (strcmp(path + length - 2, ".c") != 0) return;
    CHECK(files < MOST_FILES && length < LONGEST);
    snprintf(path_of[files], LONGEST, "%s", path);
    source_blank(text, true);
    const char *line = text;
    for (const char *p = text; *p; p++) {
        if (*p == '\n') line = p + 1;
        if (strncmp(p, "fl_", 3) != 0 || (p > text && source_in_name((unsigned char)p[-1]))) continue;
        size_t n = 3;
        while (source_in_name((unsigned char)p[n])) n++;
        note(p, n, defines(line, p, p + n));
        p += n - 1;
    }
    files++;
}

static int by_name(const void *a, const void *b)
{
    const name *p = a, *q = b;
    const int order = strcmp(p->text, q->text);
    return order ? order : q->defined - p->defined;          /* the definition first */
}

/* Fills needs from what was read. Returns how many names are defined. */
static int tie(void)
{
    int defined = 0;
    memset(needs, 0, sizeof needs);
    qsort(seen, (size_t)names, sizeof *seen, by_name);
    for (int i = 0, first = 0; i < names; i++) {
        if (strcmp(seen[i].text, seen[first].text) != 0) first = i;
        defined += i == first && seen[i].defined;
        if (seen[first].defined && seen[i].file != seen[first].file) needs[seen[i].file][seen[first].file] = true;
    }
    return defined;
}

/* Takes away, one after the other, files that need none of those that are left. What stays is in circles, or above one. */
static int in_circles(bool *left)
{
    int count = files;
    for (int i = 0; i < files; i++) left[i] = true;
    for (bool again = true; again;) {
        again = false;
        for (int i = 0; i < files; i++) {
            bool free = left[i];
            for (int k = 0; k < files && free; k++) free = !(left[k] && k != i && needs[i][k]);
            if (free) left[i] = false, count--, again = true;
        }
    }
    return count;
}

/* From any file that is left, along needs among them, to one that was there before: a circle. */
static void say_circle(const bool *left)
{
    bool been[MOST_FILES] = {false};
    int at = 0;
    while (!left[at]) at++;
    for (int around = 0; around < 2; around++) {
        memset(been, 0, sizeof been);
        while (!been[at]) {
            been[at] = true;
            int next = 0;
            while (!(left[next] && next != at && needs[at][next])) next++;
            if (around) CHECK_SAY(false, "%s needs %s, and it stands in a circle: what both need wants a file of its own", path_of[at],
                                  path_of[next]);
            at = next;
        }
    }
}

static void begin(void)
{
    files = names = 0;
    if (!seen) seen = calloc(MOST_NAMES, sizeof *seen);
}

TEST(house_files_need_one_another_in_one_direction)
{
    static bool left[MOST_FILES];
    begin();
    for (int i = 0; i < SOURCE_ROOMS; i++) source_each(source_room[i], read_names);
    CHECK_SAY(tie() > 500 && files > 100, "%d files with %d names were read", files, names);
    if (in_circles(left) > 0) say_circle(left);
}

static int circles(const char *a, const char *b, const char *c)
{
    static bool left[MOST_FILES];
    const char *const source[] = {a, b, c};
    begin();
    for (int i = 0; i < 3; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s", source[i]);
        read_names((const char *const[]){"a.c", "b.c", "c.c"}[i], text);
    }
    tie();
    return in_circles(left);
}

TEST(house_circles_are_seen)
{
    const char *a = "int fl_a(void)\n{\n    return fl_b();\n}\n", *b = "int fl_b(void) { return fl_c[0]; }\n";
    CHECK(circles(a, b, "const int fl_c[] = {1};\n") == 0);
    CHECK(circles(a, b, "int (*const fl_c[])(void) = {fl_a};\n") == 0);             /* what is no plain name is not looked at */
    CHECK(circles(a, b, "fl_type fl_c(int a)\n{\n    return fl_a();\n}\n") == 3);
    CHECK(circles(a, b, "const fl_row fl_c[] = {\n    {fl_a}};\n") == 3);
    CHECK(circles(a, b, "/* fl_a */ const int fl_c[] = {1}; const char *t = \"fl_a\";\n") == 0);
    CHECK(circles(a, "int fl_b(void) { return fl_a(); }\n", "static int fl_c(void) { return fl_a(); }\n") == 3);   /* c.c is above one */
    CHECK(circles("int fl_a(void);\nint fl_d(void) { return fl_a(); }\n", "int fl_a(void) { return 1; }\n", "int fl_e;\n") == 0);
}
