#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KZ_ERR_DETAIL_MAX 512 /* bytes, with the final NUL */

struct kz_err_t {
    kz_err_code_t code;
    const char *file; /* where it began */
    int line;
    const char *text; /* key of the sentence, or NULL for the code's own */
    int said;         /* the detail is the public sentence */
    int told;         /* the log has a line about it already */
    char detail[KZ_ERR_DETAIL_MAX];
};

static const struct {
    const char *name;
    int http;
    const char *text;
} codes[] = {
#define KZ_ERR(name, status, text) {#name, status, text},
#include "base/err.def"
#undef KZ_ERR
};

static kz_err_t out_of_memory = {
    .code = KZ_ERR_INTERNAL, .file = __FILE__, .line = __LINE__, .detail = "out of memory"};

static kz_err_t *make(const char *file, int line, kz_err_code_t code)
{
    kz_err_t *err = calloc(1, sizeof *err);

    if (!err)
        return &out_of_memory;
    err->code = code;
    err->file = file;
    err->line = line;
    return err;
}

static void append(kz_err_t *err, const char *text)
{
    size_t used = strlen(err->detail);

    snprintf(err->detail + used, sizeof err->detail - used, "%s", text);
}

kz_err_t *kz_err__create(const char *file, int line, kz_err_code_t code, const char *format, ...)
{
    kz_err_t *err = make(file, line, code);
    va_list args;

    if (err == &out_of_memory)
        return err;
    va_start(args, format);
    vsnprintf(err->detail, sizeof err->detail, format, args);
    va_end(args);
    return err;
}

kz_err_t *kz_err__status(const char *file, int line, kz_err_code_t code, apr_status_t status,
                         const char *format, ...)
{
    kz_err_t *err = make(file, line, code);
    char words[128];
    va_list args;

    if (err == &out_of_memory)
        return err;
    va_start(args, format);
    vsnprintf(err->detail, sizeof err->detail, format, args);
    va_end(args);
    append(err, ": ");
    append(err, apr_strerror(status, words, sizeof words));
    return err;
}

kz_err_t *kz_err_wrap(kz_err_t *err, const char *format, ...)
{
    char old[KZ_ERR_DETAIL_MAX];
    va_list args;

    if (!err || err == &out_of_memory)
        return err;
    memcpy(old, err->detail, sizeof old);
    va_start(args, format);
    vsnprintf(err->detail, sizeof err->detail, format, args);
    va_end(args);
    append(err, ": ");
    append(err, old);
    return err;
}

kz_err_t *kz_err_tell(kz_err_t *err, const char *text)
{
    if (err && err != &out_of_memory)
        err->text = text;
    return err;
}

kz_err_t *kz_err__field(const char *file, int line, const char *field, const char *text)
{
    kz_err_t *err = make(file, line, KZ_ERR_INVALID);

    if (err == &out_of_memory)
        return err;
    err->text = text;
    snprintf(err->detail, sizeof err->detail, "field %s: %s", field, text);
    return err;
}

kz_err_t *kz_err__say(const char *file, int line, kz_err_code_t code, const char *sentence)
{
    kz_err_t *err = make(file, line, code);

    if (err == &out_of_memory)
        return err;
    err->said = 1;
    append(err, sentence);
    return err;
}

kz_err_t *kz_err_told(kz_err_t *err)
{
    if (err && err != &out_of_memory)
        err->told = 1;
    return err;
}

int kz_err_is_told(const kz_err_t *err)
{
    return err && err->told;
}

const char *kz_err_sentence(const kz_err_t *err)
{
    return err->said ? err->detail : NULL;
}

kz_err_code_t kz_err_errno(int number)
{
    static const struct {
        int number;
        kz_err_code_t code;
    } numbers[] = {
#define KZ_ERRNO(number, code) {number, KZ_ERR_##code},
#include "base/errno.def"
#undef KZ_ERRNO
    };
    size_t i;

    for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].number == number)
            return numbers[i].code;
    }
    return KZ_ERR_INTERNAL;
}

kz_err_code_t kz_err_code(const kz_err_t *err)
{
    return err->code;
}

int kz_err_http(const kz_err_t *err)
{
    return codes[err->code].http;
}

const char *kz_err_text(const kz_err_t *err)
{
    return err->text ? err->text : codes[err->code].text;
}

const char *kz_err_detail(const kz_err_t *err)
{
    return err->said ? "told to the user" : err->detail;
}

const char *kz_err_name(kz_err_code_t code)
{
    return codes[code].name;
}

/* __FILE__ is the path that the compiler was given: leaves out the part before the folder of the
 * sources.
 */
const char *kz_err_file(const kz_err_t *err)
{
    static const char root[] = "mod_kanzlei/";
    const char *at = strstr(err->file, root);

    return at ? at + sizeof root - 1 : err->file;
}

int kz_err_line(const kz_err_t *err)
{
    return err->line;
}

void kz_err_expected(kz_err_t *err)
{
    kz_err_free(err);
}

void kz_err_free(kz_err_t *err)
{
    if (err != &out_of_memory)
        free(err);
}
