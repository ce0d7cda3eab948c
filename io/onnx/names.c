/* names.c: what nodes are called: as in the file, with a number behind where another node has that name (import.h).
 *
 * A table holds the names of all nodes of the graph, so that a name costs the same however many there are. It follows the graph: what was
 * added since the last question goes in first. With each name it keeps the number that is tried next, as names are never given back. */
#include "io/onnx/import.h"

#include "tensor/tensor.h"

#include <ctype.h>
#include <string.h>

/* Open addressing; room is a power of two. The place of the name, or the free one where it would be. */
static fl_onnx_taken *find(const fl_onnx_import *im, const char *name)
{
    const uint64_t mask = (uint64_t)im->taken_room - 1;
    uint64_t at = fl_hash(name, strlen(name)) & mask;
    while (im->taken[at].name && strcmp(im->taken[at].name, name) != 0) at = (at + 1) & mask;
    return &im->taken[at];
}

/* Room for twice as many names as the graph has nodes. */
static bool make_room(fl_onnx_import *im)
{
    const int64_t old_room = im->taken_room;
    const fl_onnx_taken *const old = im->taken;
    if (old_room >= 2 * (int64_t)im->g->count + 2) return true;
    int64_t room = old_room ? old_room : 64;
    while (room < 4 * (int64_t)im->g->count) room *= 2;
    fl_onnx_taken *more = FL_NEW(im->arena, fl_onnx_taken, room);
    if (!more) return false;
    im->taken = more;
    im->taken_room = room;
    for (int64_t i = 0; i < old_room; i++)
        if (old[i].name) *find(im, old[i].name) = old[i];
    return true;
}

/* The entry of a node of that name; NULL: no node has it, or the error is set. */
static fl_onnx_taken *taken(fl_onnx_import *im, const char *name)
{
    if (!make_room(im)) return NULL;
    for (; im->names_seen < im->g->count; im->names_seen++) {
        const char *const other = im->g->node[im->names_seen].name;
        fl_onnx_taken *entry = find(im, other);
        if (!entry->name) *entry = (fl_onnx_taken){other, 2};
    }
    const char *full = fl_arena_text(im->arena, "%s%s", im->g->scope, name);
    fl_onnx_taken *entry = full ? find(im, full) : NULL;
    return entry && entry->name ? entry : NULL;
}

const char *fl_onnx_name(fl_onnx_import *im, const char *part)
{
    const char *name = part ? fl_arena_text(im->arena, "%s.%s", im->label, part) : im->label, *found = name;
    fl_onnx_taken *first = name ? taken(im, name) : NULL;
    while (first && found && (found == name || taken(im, found))) {
        first->next += found != name;
        found = fl_arena_text(im->arena, "%s_%d", name, first->next);
    }
    return found ? found : "";
}

/* "/layer1/conv1/Conv" -> "layer1.conv1.Conv": as the house's own nodes are called. */
const char *fl_onnx_clean_name(fl_onnx_import *im, const char *name)
{
    name += strspn(name, "/.");
    char *clean = fl_arena_text(im->arena, "%.100s", name);
    for (char *c = clean; c && *c; c++)
        if (*c == '/') *c = '.';
        else if (!isalnum((unsigned char)*c) && !strchr("._-:", *c)) *c = '_';
    return clean && *clean ? clean : "unnamed";
}
