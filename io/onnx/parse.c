/* parse.c: ModelProto -> fl_onnx_program. Field numbers are those of onnx.proto; what is not named is skipped.
 *
 * Texts become numbers through one table: a value is the number of its name. */
#include "io/onnx/program.h"
#include "io/protobuf.h"

#include "tensor/tensor.h"

#include <string.h>

enum { MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPSET = 8, MODEL_FUNCTION = 25 };
enum { OPSET_DOMAIN = 1, OPSET_VERSION = 2 };
enum { GRAPH_NODE = 1, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12, GRAPH_SPARSE = 15 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5, NODE_DOMAIN = 7 };
enum { ATTR_NAME = 1, ATTR_F = 2, ATTR_I = 3, ATTR_S = 4, ATTR_T = 5, ATTR_G = 6, ATTR_FLOATS = 7, ATTR_INTS = 8,
       ATTR_STRINGS = 9, ATTR_GRAPHS = 11, ATTR_TYPE = 20 };
enum { ATTR_IS_FLOAT = 1, ATTR_IS_INT = 2 };
enum { INFO_NAME = 1, INFO_TYPE = 2 };
enum { TYPE_TENSOR = 1, TENSOR_TYPE = 1, TENSOR_SHAPE = 2, SHAPE_DIM = 1, DIM_VALUE = 1 };

typedef struct names {                   /* open addressing; room is a power of two and at least twice the count */
    const char **text;                   /* by number */
    int *slot;                           /* number + 1, or 0 */
    uint64_t room;
    int count;
} names;

typedef struct parser {
    fl_arena *arena;
    fl_onnx_program *program;
    names names;
} parser;

static bool fail(const fl_proto *p, const char *what, const char *name)
{
    fl_error_set(p->error, FL_UNREADABLE, "%s: %s%s", p->file, what, name);
    return false;
}

/* ---- names ---- */

static bool names_new(fl_arena *arena, int64_t most, names *n)
{
    *n = (names){.room = 16};
    while (n->room < (uint64_t)most * 2) n->room *= 2;
    n->slot = FL_NEW(arena, int, n->room);
    n->text = FL_NEW(arena, const char *, most + 1);
    return n->slot && n->text;
}

static int number_of(names *n, const char *text)
{
    if (!*text) return -1;
    uint64_t at = fl_hash(text, strlen(text)) & (n->room - 1);
    for (; n->slot[at]; at = (at + 1) & (n->room - 1))
        if (strcmp(n->text[n->slot[at] - 1], text) == 0) return n->slot[at] - 1;
    n->text[n->count] = text;
    n->slot[at] = ++n->count;
    return n->count - 1;
}

/* ---- attributes ---- */

static bool read_lists(parser *ps, fl_proto message, fl_onnx_attribute *a, int64_t room)
{
    fl_proto_field f;
    int64_t *ints = FL_NEW(ps->arena, int64_t, room);
    double *floats = FL_NEW(ps->arena, double, room);
    const char **strings = FL_NEW(ps->arena, const char *, room);
    if (!ints || !floats || !strings) return false;
    a->ints = ints;
    a->floats = floats;
    a->strings = strings;
    while (fl_proto_next(&message, &f)) {
        fl_proto list = fl_proto_inside(&message, &f);
        uint64_t bits = f.bits;
        const bool packed = f.wire == FL_WIRE_BYTES;
        if (f.number == ATTR_INTS)
            while (!packed || fl_proto_varint(&list, &bits)) {
                ints[a->n_ints++] = (int64_t)bits;
                if (!packed) break;
            }
        if (f.number == ATTR_FLOATS && !packed) floats[a->n_floats++] = (double)fl_proto_float(&f);
        if (f.number == ATTR_FLOATS && packed)
            for (size_t i = 0; i + 4 <= f.bytes.size; i += 4) {
                const unsigned char *b = f.bytes.data + i;
                f.bits = (uint64_t)b[0] | (uint64_t)b[1] << 8 | (uint64_t)b[2] << 16 | (uint64_t)b[3] << 24;
                floats[a->n_floats++] = (double)fl_proto_float(&f);
            }
        if (f.number == ATTR_STRINGS) {
            strings[a->n_strings] = fl_proto_text(&message, &f, ps->arena, "text of an attribute");
            if (!strings[a->n_strings++]) return false;
        }
    }
    return message.error->status == FL_OK;
}

static bool read_attribute(parser *ps, fl_proto p, fl_onnx_attribute *a)
{
    const fl_proto all = p;
    fl_proto_field f;
    int64_t room = 0;
    uint64_t type = 0;
    *a = (fl_onnx_attribute){.name = ""};
    while (fl_proto_next(&p, &f)) {
        const bool list = f.number == ATTR_INTS || f.number == ATTR_FLOATS || f.number == ATTR_STRINGS;
        if (list) room += f.wire == FL_WIRE_BYTES ? (int64_t)f.bytes.size + 1 : 1;
        if (f.number == ATTR_NAME && !(a->name = fl_proto_text(&p, &f, ps->arena, "name of an attribute")))
            return false;
        if (f.number == ATTR_F && fl_proto_is(&p, &f, FL_WIRE_32, "number of an attribute")) {
            a->has_f = true;
            a->f = (double)fl_proto_float(&f);
        }
        if (f.number == ATTR_I && fl_proto_is(&p, &f, FL_WIRE_VARINT, "number of an attribute")) {
            a->has_i = true;
            a->i = (int64_t)f.bits;
        }
        if (f.number == ATTR_S && !(a->s = fl_proto_text(&p, &f, ps->arena, "text of an attribute"))) return false;
        if (f.number == ATTR_TYPE && f.wire == FL_WIRE_VARINT) type = f.bits;
        if (f.number == ATTR_G || f.number == ATTR_GRAPHS) a->has_graph = true;
        if (f.number == ATTR_T && fl_proto_is(&p, &f, FL_WIRE_BYTES, "tensor of an attribute")) {
            fl_onnx_tensor *t = FL_NEW(ps->arena, fl_onnx_tensor, 1);
            if (!t || !fl_onnx_parse_tensor(ps->arena, fl_proto_inside(&p, &f), t)) return false;
            a->t = t;
        }
    }
    if (p.error->status != FL_OK) return false;
    a->has_f |= type == ATTR_IS_FLOAT;       /* proto3 leaves out a value that is 0 */
    a->has_i |= type == ATTR_IS_INT;
    return room == 0 || read_lists(ps, all, a, room);
}

/* ---- nodes ---- */

static bool add_name(parser *ps, const fl_proto *p, const fl_proto_field *f, int *list, int *count)
{
    const char *text = fl_proto_text(p, f, ps->arena, "name of a value");
    if (!text) return false;
    list[(*count)++] = number_of(&ps->names, text);
    return true;
}

static bool read_node(parser *ps, fl_proto p, fl_onnx_node *n)
{
    fl_proto_field f;
    const int64_t in = fl_proto_count(p, NODE_INPUT), out = fl_proto_count(p, NODE_OUTPUT),
                  attributes = fl_proto_count(p, NODE_ATTRIBUTE);
    if (in < 0 || out < 0 || attributes < 0) return false;
    int *ins = FL_NEW(ps->arena, int, in), *outs = FL_NEW(ps->arena, int, out);
    fl_onnx_attribute *list = FL_NEW(ps->arena, fl_onnx_attribute, attributes);
    if (!ins || !outs || !list) return false;
    *n = (fl_onnx_node){.name = "", .op = "", .domain = "", .in = ins, .out = outs, .attribute = list};
    while (fl_proto_next(&p, &f)) {
        bool ok = true;
        if (f.number == NODE_INPUT) ok = add_name(ps, &p, &f, ins, &n->n_in);
        if (f.number == NODE_OUTPUT) ok = add_name(ps, &p, &f, outs, &n->n_out);
        if (f.number == NODE_NAME) ok = (n->name = fl_proto_text(&p, &f, ps->arena, "name of a node")) != NULL;
        if (f.number == NODE_OP) ok = (n->op = fl_proto_text(&p, &f, ps->arena, "op of a node")) != NULL;
        if (f.number == NODE_DOMAIN) ok = (n->domain = fl_proto_text(&p, &f, ps->arena, "domain of a node")) != NULL;
        if (f.number == NODE_ATTRIBUTE)
            ok = fl_proto_is(&p, &f, FL_WIRE_BYTES, "attribute of a node") &&
                 read_attribute(ps, fl_proto_inside(&p, &f), &list[n->n_attributes++]);
        if (!ok) return false;
    }
    return p.error->status == FL_OK;
}

/* ---- inputs and outputs ---- */

static bool read_shape(const fl_proto *outer, const fl_proto_field *field, fl_onnx_port *port)
{
    fl_proto p = fl_proto_inside(outer, field);
    fl_proto_field f, d;
    port->rank = 0;
    while (fl_proto_next(&p, &f)) {
        if (f.number != SHAPE_DIM) continue;
        if (port->rank == FL_ONNX_RANK) return fail(&p, "an input or output has more than 8 axes", "");
        fl_proto dim = fl_proto_inside(&p, &f);
        int64_t size = -1;
        while (fl_proto_next(&dim, &d))
            if (d.number == DIM_VALUE && d.wire == FL_WIRE_VARINT && d.bits > 0 && d.bits < INT32_MAX)
                size = (int64_t)d.bits;
        port->dim[port->rank++] = size;
    }
    return p.error->status == FL_OK;
}

static bool read_type(const fl_proto *outer, const fl_proto_field *field, fl_onnx_port *port)
{
    fl_proto p = fl_proto_inside(outer, field);
    fl_proto_field f, t;
    while (fl_proto_next(&p, &f)) {
        if (f.number != TYPE_TENSOR) continue;
        fl_proto tensor = fl_proto_inside(&p, &f);
        while (fl_proto_next(&tensor, &t)) {
            if (t.number == TENSOR_TYPE) port->type = fl_onnx_type(t.wire == FL_WIRE_VARINT ? (int64_t)t.bits : 0);
            if (t.number == TENSOR_SHAPE && !read_shape(&tensor, &t, port)) return false;
        }
    }
    return p.error->status == FL_OK;
}

static bool read_port(parser *ps, fl_proto p, fl_onnx_port *port)
{
    fl_proto_field f;
    *port = (fl_onnx_port){.value = -1, .rank = -1, .type = FL_SCALAR_NONE};
    while (fl_proto_next(&p, &f)) {
        int none = 0;
        if (f.number == INFO_NAME && !add_name(ps, &p, &f, &port->value, &none)) return false;
        if (f.number == INFO_TYPE && !read_type(&p, &f, port)) return false;
    }
    if (p.error->status == FL_OK && port->value < 0) return fail(&p, "an input or output has no name", "");
    return p.error->status == FL_OK;
}

/* ---- the graph ---- */

/* How many texts there can be, so that the table of names need not grow. */
static int64_t count_names(fl_proto graph)
{
    fl_proto_field f;
    int64_t count = 0;
    while (fl_proto_next(&graph, &f)) {
        if (f.number == GRAPH_NODE) {
            const fl_proto node = fl_proto_inside(&graph, &f);
            const int64_t in = fl_proto_count(node, NODE_INPUT), out = fl_proto_count(node, NODE_OUTPUT);
            if (in < 0 || out < 0) return -1;
            count += in + out;
        }
        count += f.number == GRAPH_INITIALIZER || f.number == GRAPH_INPUT || f.number == GRAPH_OUTPUT;
    }
    return graph.error->status == FL_OK ? count : -1;
}

typedef struct lists {
    fl_onnx_node *node;
    fl_onnx_tensor *tensor;
    int *tensor_value;
    fl_onnx_port *input, *output;
} lists;

static bool read_member(parser *ps, const fl_proto *p, const fl_proto_field *f, lists *l)
{
    fl_onnx_program *g = ps->program;
    const fl_proto inside = fl_proto_inside(p, f);
    switch (f->number) {
    case GRAPH_NODE:   return read_node(ps, inside, &l->node[g->n_nodes++]);
    case GRAPH_INPUT:  return read_port(ps, inside, &l->input[g->n_inputs++]);
    case GRAPH_OUTPUT: return read_port(ps, inside, &l->output[g->n_outputs++]);
    case GRAPH_SPARSE: return fail(p, "has sparse constants, which are not read; export them as dense tensors", "");
    case GRAPH_INITIALIZER:
        if (!fl_onnx_parse_tensor(ps->arena, inside, &l->tensor[g->n_tensors])) return false;
        if (!*l->tensor[g->n_tensors].name) return fail(p, "a constant has no name", "");
        l->tensor_value[g->n_tensors] = number_of(&ps->names, l->tensor[g->n_tensors].name);
        g->n_tensors++;
        return true;
    default:           return true;
    }
}

/* Files before IR version 4 list constants among the inputs. Each value is made once. */
static bool check_values(const parser *ps, const fl_proto *p, lists *l)
{
    fl_onnx_program *g = ps->program;
    bool *made = FL_NEW(ps->arena, bool, ps->names.count);
    int kept = 0;
    if (!made) return false;
    for (int i = 0; i < g->n_tensors; i++) {
        if (made[l->tensor_value[i]])
            return fail(p, "two constants have the name ", ps->names.text[l->tensor_value[i]]);
        made[l->tensor_value[i]] = true;
    }
    for (int i = 0; i < g->n_inputs; i++)
        if (!made[l->input[i].value]) l->input[kept++] = l->input[i];
    g->n_inputs = kept;
    for (int i = 0; i < kept; i++) made[l->input[i].value] = true;
    for (int i = 0; i < g->n_nodes; i++)
        for (int k = 0; k < l->node[i].n_out; k++) {
            const int out = l->node[i].out[k];
            if (out >= 0 && made[out]) return fail(p, "two nodes make the value ", ps->names.text[out]);
            if (out >= 0) made[out] = true;
        }
    return true;
}

static bool read_graph(parser *ps, fl_proto p)
{
    fl_onnx_program *g = ps->program;
    const fl_proto all = p;
    fl_proto_field f;
    const int64_t count = count_names(all), nodes = fl_proto_count(all, GRAPH_NODE);
    if (count < 0 || nodes < 0) return false;
    if (nodes > FL_ONNX_MOST_NODES || count > INT32_MAX / 4) return fail(&p, "has more nodes than can be read", "");
    lists l = {FL_NEW(ps->arena, fl_onnx_node, nodes), FL_NEW(ps->arena, fl_onnx_tensor, count),
               FL_NEW(ps->arena, int, count), FL_NEW(ps->arena, fl_onnx_port, count),
               FL_NEW(ps->arena, fl_onnx_port, count)};
    if (!l.node || !l.tensor || !l.tensor_value || !l.input || !l.output) return false;
    if (!names_new(ps->arena, count, &ps->names)) return false;
    while (fl_proto_next(&p, &f)) {
        const bool used = f.number == GRAPH_NODE || f.number == GRAPH_INITIALIZER || f.number == GRAPH_INPUT ||
                          f.number == GRAPH_OUTPUT;
        if (used && !fl_proto_is(&p, &f, FL_WIRE_BYTES, "member of the graph")) return false;
        if (!read_member(ps, &p, &f, &l)) return false;
    }
    if (p.error->status != FL_OK || !check_values(ps, &p, &l)) return false;
    g->node = l.node;
    g->tensor = l.tensor;
    g->tensor_value = l.tensor_value;
    g->input = l.input;
    g->output = l.output;
    g->name = ps->names.text;
    g->values = ps->names.count;
    return true;
}

/* ---- the file ---- */

static bool read_opset(parser *ps, fl_proto p)
{
    fl_proto_field f;
    const char *domain = "";
    int64_t version = 0;
    while (fl_proto_next(&p, &f)) {
        if (f.number == OPSET_DOMAIN && !(domain = fl_proto_text(&p, &f, ps->arena, "domain of an opset")))
            return false;
        if (f.number == OPSET_VERSION) version = (int64_t)f.bits;
    }
    if (p.error->status != FL_OK) return false;
    if (*domain && strcmp(domain, "ai.onnx") != 0) return true;
    if (version < FL_ONNX_OLDEST || version > FL_ONNX_NEWEST) {
        fl_error_set(p.error, FL_UNREADABLE,
                     "%s: opset %lld: expected %d to %d; export it again with opset_version=13", p.file,
                     (long long)version, FL_ONNX_OLDEST, FL_ONNX_NEWEST);
        return false;
    }
    ps->program->opset = (int)version;
    return true;
}

fl_status fl_onnx_parse(fl_arena *arena, fl_bytes bytes, const char *file, fl_onnx_program *program)
{
    parser ps = {.arena = arena, .program = program};
    fl_proto p = fl_proto_open(bytes, file, arena->error), graph = p;
    fl_proto_field f;
    bool has_graph = false;
    *program = (fl_onnx_program){.producer = ""};
    while (fl_proto_next(&p, &f)) {
        const fl_proto inside = fl_proto_inside(&p, &f);
        bool ok = true;
        if (f.number == MODEL_PRODUCER) ok = (program->producer = fl_proto_text(&p, &f, arena, "producer")) != NULL;
        if (f.number == MODEL_OPSET) ok = read_opset(&ps, inside);
        if (f.number == MODEL_FUNCTION)
            ok = fail(&p, "has functions of its own, which are not read; export them inlined", "");
        if (f.number == MODEL_GRAPH && (ok = fl_proto_is(&p, &f, FL_WIRE_BYTES, "graph"))) {
            graph = inside;
            has_graph = true;
        }
        if (!ok) return arena->error->status;
    }
    if (arena->error->status == FL_OK && (!has_graph || !program->opset))
        fail(&p, "not an ONNX file: expected a graph and the version of its operators; is it something else?", "");
    if (arena->error->status == FL_OK) read_graph(&ps, graph);
    return arena->error->status;
}
