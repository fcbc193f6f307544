/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The three targets.
 */
#ifndef ES_MODULE_H
#define ES_MODULE_H

#include <linux/device-mapper.h>

extern struct target_type es_origin_target;
extern struct target_type es_snapshot_target;
extern struct target_type es_view_target;

#endif /* ES_MODULE_H */
