/* Views: the tree of names and values that a page is made of, as HTML by a template or as JSON.
 * Lives in a pool; times, sizes and enums bring their words with them, in the language of the
 * reader. */
#ifndef KZ_TEMPLATE_VIEW_H
#define KZ_TEMPLATE_VIEW_H

#include <apr_pools.h>
#include <apr_time.h>

#include "template/template.h"

typedef struct kz_view_t kz_view_t;   /* an object of the tree */
typedef struct kz_words_t kz_words_t; /* one language: templates, texts, ways of saying times */

/* The words of LANGUAGE from the folder DIR of templates and texts. Made once, at start-up. Errors:
 * CONFIG, as kz_templates_load() has them. */
kz_err_t *kz_words_load(kz_words_t **words, const char *dir, const char *language,
                        apr_pool_t *pool);
const kz_templates_t *kz_words_templates(const kz_words_t *words);
const char *kz_words_language(const kz_words_t *words);

/* An empty view with the words of WORDS. Ends with POOL. */
kz_view_t *kz_view_create(const kz_words_t *words, apr_pool_t *pool);
const kz_value_t *kz_view_value(const kz_view_t *view); /* borrowed */
/* The text of NAME; NULL when it is none. */
const char *kz_view_said(const kz_view_t *view, const char *name);
const kz_words_t *kz_view_words(const kz_view_t *view);
apr_pool_t *kz_view_pool(const kz_view_t *view);

/* The object NAME of VIEW, made when it is not there. */
kz_view_t *kz_view_object(kz_view_t *view, const char *name);
/* An empty list NAME, if there is none. */
void kz_view_list(kz_view_t *view, const char *name);
/* A new object at the end of the list NAME, which is made when it is not there. */
kz_view_t *kz_view_row(kz_view_t *view, const char *name);
/* Row AT (from 0) of the list NAME, which must have so many: for what a page adds to rows that
 * kz_show_x() made. */
kz_view_t *kz_view_at(kz_view_t *view, const char *name, int at);

/* NAME becomes OBJECT, which stays where it is, too. */
void kz_view_same(kz_view_t *view, const char *name, const kz_view_t *object);

/* In all that follow NAME is not copied and must live as long as the view; values are copied. */

void kz_view_text(kz_view_t *view, const char *name, const char *value); /* NULL and "": null */
void kz_view_flag(kz_view_t *view, const char *name, int value);
void kz_view_number(kz_view_t *view, const char *name, apr_int64_t value);
/* How many: null for 0, "99+" from 100 on. */
void kz_view_count(kz_view_t *view, const char *name, apr_int64_t value);
/* Leaves MOST of *N rows, and says by the flag NAME whether there were more: a statement asks for
 * one more than is shown, so that no list ends in silence. */
void kz_view_cut(kz_view_t *view, const char *name, int *n, int most);
/* NAME (a literal) as RFC 3339, NAME_text as people say it, NAME_exact to the second
 * with the offset from UTC, as paper needs it; nulls for 0. */
#define kz_view_time(view, name, value)                                                            \
    kz_view__time(view, name, name "_text", name "_exact", value)
void kz_view__time(kz_view_t *view, const char *name, const char *name_text, const char *name_exact,
                   apr_time_t value);
/* NAME as "12. November 2026". */
void kz_view_date(kz_view_t *view, const char *name, apr_time_t value);
/* NAME (a literal) in bytes, NAME_text as "12,4 MB". */
#define kz_view_size(view, name, value) kz_view__size(view, name, name "_text", value)
void kz_view__size(kz_view_t *view, const char *name, const char *name_text, apr_int64_t value);
/* NAME, and NAME_<value> as a flag. VALUES: all values, "a|b|c", so that templates may name them.
 */
void kz_view_enum(kz_view_t *view, const char *name, const char *value, const char *values);
/* NAME becomes the text KEY, filled from this view. */
void kz_view_say(kz_view_t *view, const char *name, const char *key);

/* The text KEY with VIEW (may be NULL) in WORDS; the key itself where there is no such text. */
const char *kz_view_phrase(const kz_words_t *words, const char *key, const kz_view_t *view,
                           apr_pool_t *pool);

#endif
