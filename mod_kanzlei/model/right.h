/* The rights of a firm's staff: the lines of rights.def. */
#ifndef KZ_MODEL_RIGHT_H
#define KZ_MODEL_RIGHT_H

typedef enum kz_right_t {
    KZ_RIGHT_NONE, /* none is needed */
#define KZ_RIGHT(NAME, name) KZ_RIGHT_##NAME,
#include "rights.def"
#undef KZ_RIGHT
    KZ_RIGHTS /* one more than the last */
} kz_right_t;

/* Its name, as the table "right" has it; "" for KZ_RIGHT_NONE. */
const char *kz_right_name(kz_right_t right);
/* The right of that NAME; KZ_RIGHT_NONE if there is none. */
kz_right_t kz_right_find(const char *name);
/* All their names, separated by blanks. */
const char *kz_right_names(void);

/* The rights named in WORDS, which are separated by blanks, as a set of bits (1 << right). NULL has
 * none; unknown words are passed over. */
unsigned kz_right_set(const char *words);
/* 1 if SET opens what RIGHT does: by RIGHT itself, or by ADMIN, which brings all others but ALL. */
int kz_right_has(unsigned set, kz_right_t right);

#endif
