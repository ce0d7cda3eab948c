/* test_house.c: the rules of the house, read off the sources themselves (from the root of the repository).
 *
 * Rooms stand in one line, tensor <- autograd <- layers <- models <- attribution <- io: no include looks upward.
 * Memory comes from the arena, loops in parallel from par.h, mathematics from math.h; below io nothing prints.
 * No line is longer than 140 characters, those of the tests neither. Nodes are added one after the other: compilers choose the order of
 * arguments, and with it would choose that of nodes, of the sums of their signals, and the bits. */
#include "tests/sources.h"
#include "tests/test.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { IO = SOURCE_ROOMS - 1, LONGEST_LINE = 140 };

/* Words that must not stand in rooms 0 .. last, save in one file. With call, only where "(" follows. */
static const struct ban { const char *words; bool call; int last; const char *except, *instead; } BANS[] = {
    {"malloc calloc realloc free aligned_alloc posix_memalign alloca strdup strndup asprintf vasprintf getline",
     true, IO, "tensor/arena.c", "memory comes from fl_arena"},
    {"printf vprintf puts putchar perror exit _exit quick_exit abort", true, IO - 1, "tensor/error.c",
     "the library never prints and never exits: fl_error_set"},
    {"stdout stderr", false, IO - 1, "tensor/error.c", "the library never prints"},
    {"fopen open popen system", true, IO - 1, NULL, "the core never opens a file: io/ does"},
    {"mmap", true, IO - 1, "tensor/arena.c", "the core never maps a file: io/ does"},
    {"exp exp2 expm1 log log2 log10 log1p pow cbrt hypot sin cos tan asin acos atan atan2 sinh cosh tanh erf erfc "
     "tgamma lgamma expf exp2f expm1f logf log2f log10f log1pf powf sinf cosf tanf tanhf erff atan2f hypotf expl logl",
     true, IO - 1, NULL, "bits must not follow libm: tensor/math.h"},
    {"rand srand random srandom drand48 rand_r", true, IO, NULL,
     "values depend on (seed, stream, index): tensor/rng.h"},
};

static int room_of(const char *path)
{
    for (int i = 0; i < SOURCE_ROOMS; i++) {
        size_t n = strlen(source_room[i]);
        if (strncmp(path, source_room[i], n) == 0 && path[n] == '/') return i;
    }
    return -1;
}

static const char *find_word(const char *text, const char *word, size_t n, bool call)
{
    for (const char *p = text; (p = strchr(p, *word)) != NULL; p++) {
        if (strncmp(p, word, n) != 0 || source_in_name((unsigned char)p[n])) continue;
        if (p > text && source_in_name((unsigned char)p[-1])) continue;
        if (!call || p[n + strspn(p + n, " \t\n")] == '(') return p;
    }
    return NULL;
}

static int line_of(const char *text, const char *at)
{
    int line = 1;
    for (; text < at; text++) line += *text == '\n';
    return line;
}

static int complaints;       /* of the file being read */
static bool quiet;           /* while the checker itself is tested */

static void complain(const char *path, int line, const char *what, size_t n, const char *instead)
{
    complaints++;
    if (!quiet) CHECK_SAY(false, "%s:%d: %.*s: %s", path, line, (int)n, what, instead);
}

static void check_words(const char *path, const char *text)
{
    for (size_t b = 0; b < sizeof BANS / sizeof *BANS; b++) {
        if (room_of(path) > BANS[b].last || (BANS[b].except && strcmp(path, BANS[b].except) == 0)) continue;
        for (const char *word = BANS[b].words; *word;) {
            size_t n = strcspn(word, " ");
            const char *found = find_word(text, word, n, BANS[b].call);
            if (found) complain(path, line_of(text, found), found, n, BANS[b].instead);
            word += n + strspn(word + n, " ");
        }
    }
}

static void check_includes(const char *path, const char *text)
{
    for (const char *p = text; (p = strstr(p, "#include \"")) != NULL; p++) {
        const char *name = p + strlen("#include \"");
        const size_t n = strcspn(name, "\"\n");
        const int room = room_of(name);
        if (room < 0) complain(path, line_of(text, p), name, n, "an include in quotes begins with a room");
        if (room > room_of(path)) complain(path, line_of(text, p), name, n, "an include looks upward");
        if (strstr(path, "/kernels_") && strncmp(name, "tensor/math.h", n) == 0)
            complain(path, line_of(text, p), name, n, "contraction would change its bits in a kernel file");
    }
}

static void check_parallel(const char *path, const char *text)
{
    if (strcmp(path, "tensor/par.h") == 0) return;
    static const char *const marks[] = {"#pragma omp", "_Pragma(\"omp", "# pragma omp", "omp.h", "omp_"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *found = strstr(text, marks[i]);
        if (found) complain(path, line_of(text, found), found, strlen(marks[i]), "parallel loops come from par.h");
    }
}

/* A letter that takes several bytes counts as so many. */
static void check_lines(const char *path, char *text)
{
    int number = 1;
    for (const char *line = text; *line; number++) {
        const size_t n = strcspn(line, "\n");
        char length[32];
        snprintf(length, sizeof length, "%zu characters", n);
        if (n > LONGEST_LINE) complain(path, number, length, strlen(length), "a line has 140 at most");
        line += n + (line[n] == '\n');
    }
}

/* Functions that add nodes: fl_node_.., fl_layer_.., and what the file itself defines to return a node, save where the graph is const. */
static bool adds_nodes(const char *text, const char *name, size_t n)
{
    if (strncmp(name, "fl_node_", 8) == 0 || strncmp(name, "fl_layer_", 9) == 0) return true;
    for (const char *p = text; (p = strstr(p, "fl_id ")) != NULL; p++) {
        const char *own = p + strlen("fl_id ");
        if (strncmp(own, name, n) == 0 && own[n] == '(' && strncmp(own + n, "(const ", 7) != 0) return true;
    }
    return false;
}

static bool call_adds_nodes(const char *text, const char *at, const char *end)
{
    for (; at < end; at++) {
        size_t n = 0;
        while (at + n < end && source_in_name(at[n])) n++;
        if (n && at[n] == '(' && adds_nodes(text, at, n)) return true;
        at += n;
    }
    return false;
}

static const char *closing(const char *open)
{
    int depth = 0;
    for (const char *p = open; *p; p++) {
        depth += *p == '(' || *p == '[' || *p == '{';
        depth -= *p == ')' || *p == ']' || *p == '}';
        if (depth == 0) return p;
    }
    return open + strlen(open);
}

/* Of every list in brackets without a semicolon at most one element adds nodes, as far as the functions' names say so. */
static void check_order(const char *path, const char *text)
{
    for (const char *open = text; (open = strpbrk(open, "({")) != NULL; open++) {
        const char *end = closing(open), *first = open + 1;
        int adding = 0;
        for (const char *p = first; p < end; p++) {
            if (*p == ';') adding = -1000;
            if (*p == ',') adding += call_adds_nodes(text, first, p), first = p + 1;
            if (*p == '(' || *p == '[' || *p == '{') p = closing(p);
        }
        if (adding + call_adds_nodes(text, first, end) > 1)
            complain(path, line_of(text, open), open + 1, strcspn(open + 1, "\n"),
                     "nodes are added in no certain order: first the one, then the other");
    }
}

static void check_text(const char *path, char *text)
{
    source_blank(text, false);
    check_includes(path, text);
    check_parallel(path, text);
    source_blank(text, true);
    check_words(path, text);
    check_order(path, text);
}

TEST(house_rules_hold_in_every_room)
{
    int files = 0;
    for (int i = 0; i < SOURCE_ROOMS; i++) files += source_each(source_room[i], check_text);
    CHECK_SAY(files >= 20, "only %d source files were found", files);
}

TEST(house_lines_are_short)
{
    int files = source_each("tests", check_lines);
    for (int i = 0; i < SOURCE_ROOMS; i++) files += source_each(source_room[i], check_lines);
    CHECK_SAY(files >= 20, "only %d source files were found", files);
}

static int faults(const char *path, const char *source)
{
    char text[512];
    snprintf(text, sizeof text, "%s", source);
    complaints = 0;
    quiet = true;
    check_lines(path, text);
    check_text(path, text);
    quiet = false;
    return complaints;
}

/* The checker itself: it must see every planted fault, and nothing in comments, strings and longer names. */
TEST(house_checker_sees_planted_faults)
{
    CHECK(faults("layers/x.c", "#include \"autograd/graph.h\"\n#include \"layers/x.h\"\n#include <stdio.h>\n") == 0);
    CHECK(faults("layers/x.c", "#include \"models/model.h\"\n") == 1);
    CHECK(faults("tensor/x.h", "int a;\n#include \"autograd/op.h\"\n") == 1);
    CHECK(faults("tensor/x.c", "#include \"x.h\"\n") == 1);
    CHECK(faults("io/cli/x.c", "#include \"tests/test.h\"\n") == 1);
    CHECK(faults("tensor/kernels_x.c", "#include \"tensor/math.h\"\n") == 1);
    CHECK(faults("io/x.c", "char *p = malloc(3);") == 1 && faults("tensor/arena.c", "char *p = malloc(3);") == 0);
    CHECK(faults("io/x.c", "x = realloc (p,\n 3); free(p);") == 2);
    CHECK(faults("io/x.c", "fl_arena_free(a); s->free = 1; int freedom(void);") == 0);
    CHECK(faults("io/x.c", "printf(\"%d\", 3);") == 0 && faults("models/x.c", "printf(\"%d\", 3);") == 1);
    CHECK(faults("models/x.c", "snprintf(s, n, \"exit(1) malloc(3)\"); /* exit(2) */ // abort()\n") == 0);
    CHECK(faults("models/x.c", "fputs(s, stderr); exit(1);") == 2);
    CHECK(faults("layers/x.c", "y = fl_exp(x) + sqrt(x) + fabs(x);") == 0);
    CHECK(faults("layers/x.c", "y = exp(x) + tanhf(x);") == 2);
    CHECK(faults("io/x.c", "int r = rand();") == 1 && faults("autograd/x.c", "f = fopen(name, \"rb\");") == 1);
    CHECK(faults("autograd/x.c", "#pragma omp parallel for\n") == 1);
    CHECK(faults("tensor/x.c", "_Pragma(\"omp simd\")") == 1);
    CHECK(faults("tensor/x.c", "#pragma GCC unroll 4\n/* omp_get_thread_num */") == 0);
    CHECK(faults("tensor/x.c", "char c = '\"'; free(c); char d = '\\''; /* \" */ calloc(1, 1);") == 2);
    CHECK(faults("layers/x.c", "y = fl_node_add(g, a, fl_node_relu(g, b, x), fl_node_exp(g, c, x));") == 1);
    CHECK(faults("layers/x.c", "fl_id two[2] = {f(fl_node_relu(g, b, x)), fl_layer_norm(g, c, x)};") == 1);
    CHECK(faults("layers/x.c", "static fl_id own(fl_graph *g) { } int t = h(own(g), 2, own(g));") == 1);
    CHECK(faults("layers/x.c", "static fl_id own(const fl_graph *g) { } int t = h(own(g), 2, own(g));") == 0);
    CHECK(faults("layers/x.c", "{ const fl_id a = fl_node_relu(g, b, x), c = fl_node_add(g, d, fl_node_exp(g, e, x), a); }") == 0);
    char wide[2 * LONGEST_LINE];
    snprintf(wide, sizeof wide, "int a;\n%*s\n", LONGEST_LINE, "/* b */");
    CHECK(faults("io/x.c", wide) == 0);
    snprintf(wide, sizeof wide, "int a;\n%*s\n", LONGEST_LINE + 1, "/* b */");
    CHECK(faults("io/x.c", wide) == 1);
}
