#include "model/right.h"

#include <string.h>

static const char *const names[] = {
    "",
#define KZ_RIGHT(NAME, name) name,
#include "rights.def"
#undef KZ_RIGHT
};

_Static_assert(KZ_RIGHTS <= sizeof(unsigned) * 8, "more rights than bits");

const char *kz_right_name(kz_right_t right)
{
    return right < KZ_RIGHTS ? names[right] : "";
}

static kz_right_t find_right(const char *name, size_t len)
{
    unsigned i;

    for (i = KZ_RIGHT_NONE + 1; i < KZ_RIGHTS; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
            return (kz_right_t)i;
    }
    return KZ_RIGHT_NONE;
}

kz_right_t kz_right_find(const char *name)
{
    return find_right(name, strlen(name));
}

const char *kz_right_names(void)
{
#define KZ_RIGHT(NAME, name) " " name
    static const char all[] =
#include "rights.def"
        ;
#undef KZ_RIGHT

    return all + 1;
}

unsigned kz_right_set(const char *words)
{
    unsigned set = 0;

    while (words && *words) {
        size_t len = strcspn(words, " ");
        kz_right_t right = find_right(words, len);

        if (right != KZ_RIGHT_NONE)
            set |= 1U << right;
        words += len + strspn(words + len, " ");
    }
    return set;
}

int kz_right_has(unsigned set, kz_right_t right)
{
    unsigned brings = right == KZ_RIGHT_ALL ? 0 : 1U << KZ_RIGHT_ADMIN;

    return (set & (1U << right | brings)) != 0;
}
