/* SPDX-License-Identifier: GPL-2.0-only */
#include "engine.h"

#include <clamav.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "copies.h"
#include "inspect.h"
#include "log.h"
#include "members.h"

/* How often a byte may be unpacked again: archives in archives are seen in both. */
#define LOOKS       4
/* Bytes of the copies of PDFs, or of parts of mails, in one document. */
#define COPIES_MOST ((size_t)128 << 20)

struct kz_engine_t {
    struct cl_engine *cl;
    uint64_t budget; /* bytes that the inspection of one document may unpack */
};

/* How to scan a document. */
typedef struct kz_look_t {
    kz_engine_t *engine;
    int fd;            /* the document */
    cl_fmap_t *map;    /* what to scan instead of it, or NULL */
    uint64_t deadline; /* CLOCK_MONOTONIC, milliseconds */
    uint32_t heuristic;
    kz_copies_t *pdfs;  /* where PDFs are copied to; NULL: nowhere */
    kz_copies_t *parts; /* of mails */
} kz_look_t;

static kz_inspection_t inspection;

const char *kz_engine_version(void)
{
#ifdef KZ_SCAND_BENCH
    return "bench, scans nothing";
#else
    return cl_retver();
#endif
}

void kz_engine_word(char out[KZ_SCAND_WHAT_MAX], const char *text)
{
    size_t i = 0;

    for (; text[i] && i < KZ_SCAND_WHAT_MAX - 1; i++)
        out[i] = text[i] > 0x20 && text[i] < 0x7f ? text[i] : '_';
    out[i] = '\0';
}

/* A warning during a scan means that something was not read: it is counted, and its place in
 * libclamav logged (the word before the colon), but not its text, which may name a member. */
static void on_message(enum cl_msg severity, const char *full, const char *text, void *context)
{
    (void)full;
    if (severity < CL_MSG_WARN)
        return;
    if (context) {
        ((kz_inspection_t *)context)->trouble = 1;
        kz_log("libclamav warns while scanning: %.*s", (int)strcspn(text, ": \n"), text);
    } else {
        kz_log("libclamav: %.*s", (int)strcspn(text, "\n"), text);
    }
}

static cl_error_t on_layer(int fd, const char *type, const char **ancestors, size_t parent_size,
                           const char *name, size_t size, const char *bytes, uint32_t depth,
                           uint32_t attributes, void *context)
{
    kz_layer_t layer = {(const unsigned char *)bytes, size, type, name, depth};
    const char *slash = name ? strrchr(name, '/') : NULL;

    (void)fd;
    (void)ancestors;
    (void)parent_size;
    (void)attributes;
    if (slash)
        layer.name = slash + 1;
    kz_inspect_layer(context, &layer);
    return CL_CLEAN;
}

static cl_error_t on_left(int fd, int result, const char *found, void *context)
{
    (void)fd;
    (void)result;
    (void)found;
    kz_inspect_leave(context);
    return CL_CLEAN;
}

static cl_error_t on_member(const char *type, unsigned long packed, const char *name,
                            unsigned long size, int encrypted, unsigned int place, void *context)
{
    (void)packed;
    (void)name;
    (void)place;
    kz_inspect_member(context, type, size, encrypted);
    return CL_CLEAN;
}

/* Every limit that would pass over a part in silence is as large as the one that speaks up. */
static cl_error_t configure(struct cl_engine *cl, uint64_t max_unpacked)
{
    static const enum cl_engine_field silent[] = {
        CL_ENGINE_MAX_SCANSIZE,      CL_ENGINE_MAX_FILESIZE,      CL_ENGINE_MAX_EMBEDDEDPE,
        CL_ENGINE_MAX_HTMLNORMALIZE, CL_ENGINE_MAX_HTMLNOTAGS,    CL_ENGINE_MAX_SCRIPTNORMALIZE,
        CL_ENGINE_MAX_ZIPTYPERCG,    CL_ENGINE_PCRE_MAX_FILESIZE,
    };
    cl_error_t rc = cl_engine_set_num(cl, CL_ENGINE_DISABLE_CACHE, 1);

    for (size_t i = 0; !rc && i < sizeof silent / sizeof *silent; i++)
        rc = cl_engine_set_num(cl, silent[i], (long long)max_unpacked);
    return rc;
}

kz_engine_t *kz_engine_load(unsigned *signatures, const char *dir, uint64_t max_unpacked,
                            char why[KZ_SCAND_WHAT_MAX])
{
    kz_engine_t *engine = calloc(1, sizeof *engine);
    cl_error_t rc = cl_init(CL_INIT_DEFAULT);

    kz_mail_init();
    *signatures = 0;
    cl_set_clcb_msg(on_message);
    if (!rc && !(engine && (engine->cl = cl_engine_new())))
        rc = CL_EMEM;
    if (!rc)
        rc = configure(engine->cl, max_unpacked);
    if (!rc)
        rc = cl_load(dir, engine->cl, signatures, CL_DB_STDOPT);
    if (!rc)
        rc = cl_engine_compile(engine->cl);
    if (rc) {
        snprintf(why, KZ_SCAND_WHAT_MAX, "the database in %.40s can't be loaded: %.40s", dir,
                 cl_strerror(rc));
        if (engine && engine->cl)
            cl_engine_free(engine->cl);
        free(engine);
        return NULL;
    }
#ifdef KZ_SCAND_BENCH
    kz_log("BENCH: documents are called clean WITHOUT BEING SCANNED");
#endif
    engine->budget = LOOKS * max_unpacked;
    cl_engine_set_clcb_file_inspection(engine->cl, on_layer);
    cl_engine_set_clcb_post_scan(engine->cl, on_left);
    cl_engine_set_clcb_meta(engine->cl, on_member);
    return engine;
}

void kz_engine_tmpdir(kz_engine_t *engine, const char *dir)
{
    cl_engine_set_str(engine->cl, CL_ENGINE_TMPDIR, dir);
}

static void unscannable(kz_verdict_t *verdict, const char *reason)
{
    verdict->kind = KZ_SCAND_UNSCANNABLE;
    snprintf(verdict->what, sizeof verdict->what, "%s", reason);
}

/* In this order: a found signature wins over everything, a clean layer over nothing. */
static void judge(kz_verdict_t *verdict, cl_error_t rc, const char *name)
{
    static const char limits[] = "Heuristics.Limits.Exceeded";
    static const char encrypted[] = "Heuristics.Encrypted";
    int is_limits = name && !strncmp(name, limits, strlen(limits));
    int is_encrypted = name && !strncmp(name, encrypted, strlen(encrypted));

    kz_inspect_end(&inspection);
    if (rc == CL_VIRUS && name && !is_limits && !is_encrypted) {
        verdict->kind = KZ_SCAND_INFECTED;
        kz_engine_word(verdict->what, name);
    } else if (rc == CL_ETIMEOUT || inspection.late || (is_limits && strstr(name, "MaxScanTime")))
        unscannable(verdict, "timeout");
    else if (is_limits || inspection.overflow)
        unscannable(verdict, "limits");
    else if (is_encrypted || inspection.encrypted)
        unscannable(verdict, "encrypted");
    else if (inspection.rar)
        unscannable(verdict, "rar");
    else if (inspection.unsupported)
        unscannable(verdict, "unsupported");
    else if (rc != CL_CLEAN || inspection.trouble)
        unscannable(verdict, "error");
    else
        verdict->kind = KZ_SCAND_CLEAN;
}

/* Forgets the parts of mails, from the one at I on, that libclamav opened by itself. */
static void drop_opened(kz_copies_t *parts, size_t i)
{
    for (; i < parts->count; i++) {
        if (kz_seen_is_opened(parts->bytes[i], parts->length[i])) {
            free(parts->bytes[i]);
            parts->bytes[i] = NULL;
        }
    }
}

/* Scans as LOOK says. *NAME is what libclamav found, NULL: nothing. */
static void scan(kz_verdict_t *verdict, const char **name, const kz_look_t *look)
{
    struct cl_scan_options options = {
        .general = CL_SCAN_GENERAL_HEURISTICS, .parse = ~0u, .heuristic = look->heuristic};
    struct cl_engine *cl = look->engine->cl;
    size_t parts = look->parts ? look->parts->count : 0;
    uint64_t now = kz_now_ms();
    unsigned long scanned = 0;
    cl_error_t rc = CL_ETIMEOUT;

    *name = NULL;
    memset(verdict, 0, sizeof *verdict);
    kz_inspect_begin(&inspection, look->engine->budget, look->deadline);
    inspection.pdfs = look->pdfs;
    inspection.parts = look->parts;
    if (now < look->deadline)
        rc = cl_engine_set_num(cl, CL_ENGINE_MAX_SCANTIME, (long long)(look->deadline - now));
    if (!rc && look->map)
        rc = cl_scanmap_callback(look->map, NULL, name, &scanned, cl, &options, &inspection);
    else if (!rc)
        rc = cl_scandesc_callback(look->fd, NULL, name, &scanned, cl, &options, &inspection);
    judge(verdict, rc, *name);
    if (look->parts)
        drop_opened(look->parts, parts);
}

static void scan_copy(kz_verdict_t *verdict, kz_look_t look, const unsigned char *bytes,
                      size_t length)
{
    const char *name;

    look.map = cl_fmap_open_memory(bytes, length);
    if (!look.map) {
        unscannable(verdict, "error");
        return;
    }
    scan(verdict, &name, &look);
    cl_fmap_close(look.map);
}

/* What has PDFs that libclamav takes for encrypted: all but these as always, and then a copy of
 * each of them, of which it can read the encryption. */
static void scan_pdfs(kz_verdict_t *verdict, const kz_look_t *look)
{
    kz_copies_t pdfs = {.left = COPIES_MOST};
    kz_look_t rest = *look;
    const char *name;

    rest.heuristic &= ~(uint32_t)CL_SCAN_HEURISTIC_ENCRYPTED_DOC;
    rest.pdfs = &pdfs;
    rest.parts = NULL; /* they are known */
    scan(verdict, &name, &rest);
    if (verdict->kind == KZ_SCAND_CLEAN && (pdfs.full || pdfs.count == 0))
        unscannable(verdict, "encrypted");
    for (size_t i = 0; i < pdfs.count && verdict->kind == KZ_SCAND_CLEAN; i++)
        scan_copy(verdict, *look, pdfs.bytes[i], pdfs.length[i]);
    kz_copies_free(&pdfs);
}

static void scan_one(kz_verdict_t *verdict, const kz_look_t *look)
{
    const char *name;

    scan(verdict, &name, look);
    if (name && !strcmp(name, "Heuristics.Encrypted.PDF") && !strcmp(verdict->what, "encrypted"))
        scan_pdfs(verdict, look);
}

/* The parts of mails, and the parts of mails in these; the worst verdict counts. */
static void scan_parts(kz_verdict_t *verdict, kz_look_t look)
{
    kz_copies_t *parts = look.parts;
    kz_verdict_t one;

    for (size_t i = 0; i < parts->count && verdict->kind != KZ_SCAND_INFECTED; i++) {
        if (!parts->bytes[i])
            continue;
        look.map = cl_fmap_open_memory(parts->bytes[i], parts->length[i]);
        if (look.map)
            scan_one(&one, &look);
        else
            unscannable(&one, "error");
        if (look.map)
            cl_fmap_close(look.map);
        if (verdict->kind == KZ_SCAND_CLEAN || one.kind == KZ_SCAND_INFECTED)
            *verdict = one;
    }
    if (verdict->kind == KZ_SCAND_CLEAN && parts->full)
        unscannable(verdict, "limits");
}

void kz_engine_scan(kz_verdict_t *verdict, kz_engine_t *engine, int fd, uint64_t size,
                    unsigned limit_ms)
{
    kz_copies_t parts = {.left = COPIES_MOST};
    kz_look_t look = {
        .engine = engine, .fd = fd, .deadline = kz_now_ms() + limit_ms, .parts = &parts};

    look.heuristic = CL_SCAN_HEURISTIC_EXCEEDS_MAX | CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE |
                     CL_SCAN_HEURISTIC_ENCRYPTED_DOC;
    memset(verdict, 0, sizeof *verdict);
    verdict->kind = KZ_SCAND_CLEAN;
    if (size == 0)
        return;
#ifdef KZ_SCAND_BENCH /* all but the scan is to be measured; the canary's 68 bytes are scanned */
    if (size != 68)
        return;
#endif
    scan_one(verdict, &look);
    scan_parts(verdict, look);
    kz_copies_free(&parts);
}
