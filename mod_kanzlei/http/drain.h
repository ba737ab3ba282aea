/* How a child of httpd that stops ends its connections: none of them with a request that gets no
 * answer, and each in a bounded time. */
#ifndef KZ_HTTP_DRAIN_H
#define KZ_HTTP_DRAIN_H

/* Registers the hooks by which each child of a portal drains, for the module. */
void kz_drain_register(void);

#endif
