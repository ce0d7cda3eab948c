/* imports.c: what the names in a pickle stand for. An allow-list decides; the list of dangers only chooses the word.
 *
 * "Known" means: reading a file that names it is no reason for worry, in Python either. Everything else is
 * "unknown", and "dangerous" where Python's own library would run a command, load code, or reach the machine. */
#include "io/weights_file.h"

#include <string.h>

typedef struct row { const char *module, *names; } row;      /* names between blanks; NULL: all of the module */

static const row known[] = {
    {"collections", " OrderedDict defaultdict Counter deque "},
    {"torch._utils", " _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter "
                     "_rebuild_parameter_with_state _rebuild_sparse_tensor _rebuild_qtensor "
                     "_rebuild_meta_tensor_no_storage "},
    {"torch._tensor", " _rebuild_from_type_v2 "},
    {"torch", " FloatStorage DoubleStorage HalfStorage BFloat16Storage LongStorage IntStorage ShortStorage "
              "CharStorage ByteStorage BoolStorage ComplexFloatStorage ComplexDoubleStorage QInt8Storage "
              "QUInt8Storage QInt32Storage Size device Tensor float16 float32 float64 bfloat16 half float double "
              "int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 complex128 float8_e4m3fn "
              "float8_e5m2 strided contiguous_format preserve_format channels_last channels_last_3d "},
    {"torch.cuda", " FloatStorage DoubleStorage HalfStorage BFloat16Storage LongStorage IntStorage ShortStorage "
                   "CharStorage ByteStorage BoolStorage "},
    {"torch.storage", " UntypedStorage TypedStorage "},
    {"torch.serialization", " _get_layout "},
    {"torch.nn.parameter", " Parameter Buffer UninitializedParameter "},
    {"numpy", " ndarray dtype float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool_ "},
    {"numpy.core.multiarray", " _reconstruct scalar "},
    {"numpy._core.multiarray", " _reconstruct scalar "},
    {"numpy.core.numeric", " _frombuffer "},
    {"numpy._core.numeric", " _frombuffer "},
    {"_codecs", " encode "},
    {"argparse", " Namespace "},
    {"pathlib", " PosixPath WindowsPath PurePosixPath PureWindowsPath Path "},
    {"datetime", " datetime date time timedelta "},
    {"copyreg", " _reconstructor "},
    {"copy_reg", " _reconstructor "},
    {"builtins", " set frozenset object dict list tuple int float bool str bytes bytearray complex slice range "},
    {"__builtin__", " set frozenset object dict list tuple int long float bool str unicode bytearray complex "
                    "slice xrange "},
};

/* Every class of these is a layer, an optimiser, a schedule: torch.nn.modules.conv.Conv3d. Functions begin in lower
 * case. */
static const char *const class_rooms[] = {"torch.nn.modules.", "torch.optim."};

static const row dangers[] = {
    {"os", NULL}, {"posix", NULL}, {"nt", NULL}, {"posixpath", NULL}, {"ntpath", NULL}, {"subprocess", NULL},
    {"sys", NULL}, {"commands", NULL}, {"pty", NULL}, {"platform", NULL}, {"shutil", NULL}, {"socket", NULL},
    {"ssl", NULL}, {"http", NULL}, {"urllib", NULL}, {"urllib2", NULL}, {"requests", NULL}, {"ftplib", NULL},
    {"smtplib", NULL}, {"webbrowser", NULL}, {"asyncio", NULL}, {"multiprocessing", NULL}, {"ctypes", NULL},
    {"_ctypes", NULL}, {"cffi", NULL}, {"importlib", NULL}, {"imp", NULL}, {"runpy", NULL}, {"code", NULL},
    {"codeop", NULL}, {"pdb", NULL}, {"bdb", NULL}, {"timeit", NULL}, {"trace", NULL}, {"profile", NULL},
    {"cProfile", NULL}, {"doctest", NULL}, {"pip", NULL}, {"pydoc", NULL}, {"pickle", NULL}, {"_pickle", NULL},
    {"cPickle", NULL}, {"marshal", NULL}, {"shelve", NULL}, {"dill", NULL}, {"cloudpickle", NULL}, {"joblib", NULL},
    {"types", " FunctionType LambdaType MethodType CodeType "}, {"operator", NULL}, {"_operator", NULL},
    {"io", " open open_code FileIO "}, {"_io", " open open_code FileIO "}, {"fileinput", NULL}, {"zipimport", NULL},
    {"linecache", NULL}, {"logging.config", NULL}, {"distutils", NULL}, {"setuptools", NULL},
    {"numpy.testing", NULL}, {"numpy.f2py", NULL}, {"numpy", " load loadtxt save memmap fromfile "},
    {"torch", " load save compile "}, {"torch.hub", NULL}, {"torch.serialization", NULL},
    {"torch.storage", " _load_from_bytes "}, {"torch.jit", NULL}, {"torch.package", NULL},
    {"torch.utils.cpp_extension", NULL}, {"torch.utils._config_module", NULL}, {"torch._dynamo", NULL},
    {"torch._inductor", NULL}, {"torch.fx", NULL}, {"builtins", NULL}, {"__builtin__", NULL},
};

/* The word stands in the list between blanks. */
static bool listed(const char *list, const char *word)
{
    const size_t n = strlen(word);
    for (const char *p = list; n && (p = strstr(p, word)) != NULL; p++)
        if (p > list && p[-1] == ' ' && p[n] == ' ') return true;
    return false;
}

/* The module, or something below it: "os" and "os.path". */
static bool within(const char *module, const char *room)
{
    const size_t n = strlen(room);
    return strncmp(module, room, n) == 0 && (module[n] == 0 || module[n] == '.');
}

static bool is_class_room(const char *module, const char *name)
{
    for (size_t i = 0; i < sizeof class_rooms / sizeof *class_rooms; i++)
        if (strncmp(module, class_rooms[i], strlen(class_rooms[i])) == 0 && *name >= 'A' && *name <= 'Z'
            && !strchr(name, '.')) return true;
    return false;
}

fl_import_class fl_import_classify(const char *module, const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(module, known[i].module) == 0 && listed(known[i].names, name)) return FL_IMPORT_KNOWN;
    if (is_class_room(module, name)) return FL_IMPORT_KNOWN;
    for (size_t i = 0; i < sizeof dangers / sizeof *dangers; i++)
        if (within(module, dangers[i].module) && (!dangers[i].names || listed(dangers[i].names, name)))
            return FL_IMPORT_DANGEROUS;
    return FL_IMPORT_UNKNOWN;
}
