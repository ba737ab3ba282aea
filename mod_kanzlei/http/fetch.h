/* What a browser says about why it fetches: whether a person looks at what comes. */
#ifndef KZ_HTTP_FETCH_H
#define KZ_HTTP_FETCH_H

#include "http/request.h"

/* 1 if the browser fetches ahead, before anybody asks for it: a request with any of the headers
 * Sec-Purpose (Fetch standard, section 3.7), Purpose, X-Purpose (older Chromium and Safari) or
 * X-Moz (older Firefox). */
int kz_fetch_is_ahead(const kz_request_t *rq);

/* 1 if a person goes to the address: a GET that is a navigation of the whole window
 * (Sec-Fetch-Dest: document and Sec-Fetch-Mode: navigate, W3C Fetch Metadata, sections 2.1 and
 * 2.2) and not ahead of it. A client that sends neither header is believed. */
int kz_fetch_is_navigation(const kz_request_t *rq);

#endif
