/* sources.c: reading the project's own sources. */
#include "tests/sources.h"

#include "tests/test.h"

#include <ctype.h>
#include <dirent.h>
#include <string.h>

const char *const source_room[SOURCE_ROOMS] = {"tensor", "autograd", "layers", "models", "attribution", "io"};

void source_blank(char *s, bool strings_too)
{
    while (*s) {
        char *start = s;
        if (s[0] == '/' && s[1] == '*') {
            char *end = strstr(s + 2, "*/");
            s = end ? end + 2 : s + strlen(s);
        } else if (s[0] == '/' && s[1] == '/') {
            s += strcspn(s, "\n");
        } else if (*s == '"' || *s == '\'') {
            const char quote = *s++;
            while (*s && *s != quote && *s != '\n') s += *s == '\\' && s[1] ? 2 : 1;
            s += *s == quote;
            if (!strings_too) continue;
        } else {
            s++;
            continue;
        }
        for (char *c = start; c < s; c++)
            if (*c != '\n') *c = ' ';
    }
}

bool source_in_name(int c) { return isalnum(c) || c == '_'; }

static void read_one(const char *path, void (*visit)(const char *path, char *text))
{
    static char text[1 << 21];
    FILE *f = fopen(path, "rb");
    CHECK_SAY(f != NULL, "%s: cannot be opened", path);
    if (!f) return;
    const size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    CHECK_SAY(n < sizeof text - 1, "%s: longer than this test can read", path);
    visit(path, text);
}

int source_each(const char *folder, void (*visit)(const char *path, char *text))
{
    int files = 0;
    DIR *d = opendir(folder);
    CHECK_SAY(d != NULL, "%s: no such folder; run the tests from the root of the repository", folder);
    if (!d) return 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[1024];
        const char *end = strrchr(e->d_name, '.');
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (end && (strcmp(end, ".c") == 0 || strcmp(end, ".h") == 0 || strcmp(end, ".def") == 0)) {
            read_one(path, visit);
            files++;
        } else if (!end) {
            files += source_each(path, visit);               /* folders are the names without a dot */
        }
    }
    closedir(d);
    return files;
}
