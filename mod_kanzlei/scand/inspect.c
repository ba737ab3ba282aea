/* SPDX-License-Identifier: GPL-2.0-only */
#include "inspect.h"

#include <string.h>

#include "members.h"
#include "pdf.h"

#define ODF_MANIFEST "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
#define ODF_CIPHER   "encryption-data" /* OpenDocument 1.3 part 2, 4.4 */

void kz_inspect_begin(kz_inspection_t *in, uint64_t budget, uint64_t deadline)
{
    memset(in, 0, sizeof *in);
    in->left = budget;
    in->deadline = deadline;
    kz_seen_begin();
}

static int is_7z(const char *type)
{
    return type && !strcmp(type, "CL_TYPE_7Z");
}

static int begins(const kz_layer_t *layer, const char *magic, size_t length)
{
    return layer->length >= length && memcmp(layer->bytes, magic, length) == 0;
}

/* Whether WORD, ASCII, is in LAYER in an encoding of one, two or four bytes for a letter. */
static int says(const kz_layer_t *layer, const char *word)
{
    unsigned char wide[256];
    size_t letters = strlen(word);

    for (size_t width = 1; width <= 4; width *= 2) {
        memset(wide, 0, sizeof wide);
        for (size_t i = 0; i < letters; i++)
            wide[i * width] = (unsigned char)word[i];
        if (memmem(layer->bytes, layer->length, wide, (letters - 1) * width + 1))
            return 1;
    }
    return 0;
}

/* An OpenDocument file's manifest is known by its name or by its namespace, which could be written
 * with character references. */
static int is_cipher_odf(const kz_layer_t *layer)
{
    return ((layer->name && !strcasecmp(layer->name, "manifest.xml")) ||
            says(layer, ODF_MANIFEST)) &&
           says(layer, ODF_CIPHER);
}

static int is_office(const kz_layer_t *layer)
{
    return begins(layer, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8);
}

/* Whether LAYER is an old Office file or a stream of one. */
static int in_office(kz_inspection_t *in, const kz_layer_t *layer)
{
    unsigned depth = layer->depth < KZ_DEPTH ? layer->depth : KZ_DEPTH - 1;

    memset(in->office + depth, 0, KZ_DEPTH - depth);
    in->office[depth] = (unsigned char)is_office(layer);
    return in->office[depth] || (depth > 0 && in->office[depth - 1]);
}

/* Copies LAYER if it is a PDF. libclamav reads one inside of other bytes too: there it has no copy,
 * and that is noted. */
static void keep_pdf(kz_copies_t *pdfs, const kz_layer_t *layer)
{
    if (layer->type && !strcmp(layer->type, "CL_TYPE_PDF"))
        kz_pdf_copy(pdfs, layer->bytes, layer->length);
    else if (memmem(layer->bytes, layer->length, "%PDF-", 5))
        pdfs->full = 1;
}

void kz_inspect_layer(kz_inspection_t *in, const kz_layer_t *layer)
{
    int loose = in_office(in, layer);

    if (in->awaited && in->awaited != layer->length)
        in->unsupported = 1;
    in->awaited = 0;
    if (layer->length == 0)
        return;
    if (!layer->bytes) {
        in->trouble = 1;
        return;
    }
    if (in->pdfs)
        keep_pdf(in->pdfs, layer);
    kz_seen_opened(in, layer->bytes, layer->length);
    if (in->overflow || in->late)
        return;
    in->encrypted |= kz_inspect_office(layer->bytes, layer->length) || is_cipher_odf(layer);
    kz_inspect_containers(in, layer);
    kz_inspect_zip(in, layer, loose);
    kz_inspect_tar(in, layer);
    kz_inspect_streams(in, layer, loose);
    kz_inspect_7z(in, layer);
    kz_inspect_mail(in, layer);
    kz_inspect_coded(in, layer);
    if (layer->type && !strncmp(layer->type, "CL_TYPE_RAR", 11))
        in->rar = 1;
    in->unsupported |= in->silent;
    in->silent = is_7z(layer->type) && layer->length > 32; /* its bare header is an empty archive */
}

void kz_inspect_member(kz_inspection_t *in, const char *type, uint64_t size, int encrypted)
{
    if (encrypted)
        in->encrypted = 1;
    if (!is_7z(type))
        return;
    in->silent = 0;
    in->unsupported |= in->awaited != 0;
    in->awaited = size >= KZ_LEAST && !encrypted ? size : 0;
}

void kz_inspect_leave(kz_inspection_t *in)
{
    in->unsupported |= in->awaited != 0 || in->silent;
    in->awaited = 0;
    in->silent = 0;
}

void kz_inspect_end(kz_inspection_t *in)
{
    if (in->awaited || in->silent || kz_seen_missing())
        in->unsupported = 1;
}
