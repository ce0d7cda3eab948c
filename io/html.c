/* html.c: the one place where a text becomes markup. */
#include "io/html.h"
#include "io/json.h"

#include <string.h>

/* The reference that stands for the byte at s, or NULL when it may stand for itself. */
static const char *reference(const char *s)
{
    switch (*s) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    case ':': return s[1] == '/' ? "&#58;" : NULL;
    case '\t': case '\n': case '\r': return " ";
    default: return (unsigned char)*s < 32 || *s == 127 ? "\xef\xbf\xbd" : NULL;
    }
}

void fl_html_text(fl_buffer *b, const char *utf8)
{
    if (!utf8) return;
    size_t left = strlen(utf8);
    while (left) {
        const char *instead = reference(utf8);
        int length = fl_utf8_length((const unsigned char *)utf8, left);
        if (length == 0) instead = "\xef\xbf\xbd";
        size_t step = length > 0 ? (size_t)length : 1;
        if (instead) fl_buffer_text(b, instead);
        else fl_buffer_add(b, utf8, step);
        utf8 += step;
        left -= step;
    }
}

void fl_html(fl_buffer *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    while (*format) {
        size_t plain = strcspn(format, "%");
        fl_buffer_add(b, format, plain);
        format += plain;
        if (!*format) break;
        switch (format[1]) {
        case 's': fl_html_text(b, va_arg(args, const char *)); break;
        case 'd': fl_buffer_format(b, "%d", va_arg(args, int)); break;
        case 'g': fl_buffer_number(b, va_arg(args, double), 4); break;
        default: fl_assert(format[1] == '%'); fl_buffer_text(b, "%");
        }
        format += 2;
    }
    va_end(args);
}
