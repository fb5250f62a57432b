/*
 * reaped.h - hooks of wait and its relatives
 */
#ifndef REAPED_H
#define REAPED_H

/* Called early, as exec_resolve(). */
void reaped_resolve(void);

#endif
