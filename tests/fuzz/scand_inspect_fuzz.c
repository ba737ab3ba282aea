/* SPDX-License-Identifier: GPL-2.0-only
 *
 * Layers as kanzlei-scand looks at them. The first byte tells in which kind of layer the bytes are.
 * Whatever they are, the inspection stays in its budget, and finds in the same bytes the same. */
#include "copies.h"
#include "inspect.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(kz_inspection_t *in, const uint8_t *data, size_t size)
{
    static const char *const types[] = {"CL_TYPE_ZIP", "CL_TYPE_7Z", "CL_TYPE_MSOLE2", NULL};
    kz_copies_t parts = {.left = 1 << 20};
    kz_layer_t layer = {data + 1, size - 1, types[data[0] % 4], "manifest.xml", data[0] % 3};

    kz_inspect_begin(in, 8 << 20, UINT64_MAX / 2);
    in->parts = &parts;
    if (data[0] & 64) {
        in->office[0] = 1;
        layer.name = NULL;
    }
    kz_inspect_layer(in, &layer);
    if (data[0] & 128)
        kz_inspect_member(in, layer.type, size, 0);
    kz_inspect_end(in);
    in->parts = NULL;
    kz_copies_free(&parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kz_inspection_t first, second;

    if (size < 2)
        return 0;
    kz_mail_init();
    look(&first, data, size);
    look(&second, data, size);
    if (first.left > 8 << 20 || memcmp(&first, &second, sizeof first) != 0)
        abort();
    return 0;
}
