/* folder.c: reads a folder twice: once to count, since an arena gives lists of fixed length, once to keep. */
#include "io/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Runs of digits compare as numbers, everything else as bytes; equal so far, the plain order decides. */
static int by_natural_order(const void *a, const void *b)
{
    const char *first = *(const char *const *)a, *second = *(const char *const *)b;
    const char *p = first, *q = second;
    while (*p && *q) {
        if (isdigit((unsigned char)*p) && isdigit((unsigned char)*q)) {
            while (*p == '0') p++;
            while (*q == '0') q++;
            size_t m = strspn(p, "0123456789"), n = strspn(q, "0123456789");
            int order = m != n ? (m < n ? -1 : 1) : strncmp(p, q, n);
            if (order) return order;
            p += m;
            q += n;
        } else {
            if (*p != *q) return (unsigned char)*p - (unsigned char)*q;
            p++;
            q++;
        }
    }
    return *p || *q ? (*p != 0) - (*q != 0) : strcmp(first, second);
}

fl_status fl_folder_list(fl_arena *a, const char *folder, bool (*keep)(const char *path, const void *user), const void *user,
                         fl_listing *list)
{
    *list = (fl_listing){NULL, 0};
    DIR *d = opendir(folder);
    if (!d) return fl_error_set(a->error, FL_UNREADABLE, "%s: the folder cannot be read: %s", folder, strerror(errno));
    int room = 0;
    while (readdir(d)) room++;
    rewinddir(d);
    list->path = FL_NEW(a, char *, room);
    for (struct dirent *e; list->path && list->count < room && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        char *path = fl_arena_text(a, "%s/%s", folder, e->d_name);
        if (!path) list->path = NULL;
        else if (keep(path, user)) list->path[list->count++] = path;
    }
    closedir(d);
    if (!list->path) return FL_FAILED;
    qsort(list->path, (size_t)list->count, sizeof *list->path, by_natural_order);
    return FL_OK;
}
