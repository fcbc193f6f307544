// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers the three targets and what they share, nothing else.
 */
#include <linux/module.h>
#include "es_image.h"
#include "es_index.h"
#include "es_module.h"

static struct target_type *const targets[] = {
	&es_origin_target,
	&es_snapshot_target,
	&es_view_target,
};

static int __init es_init(void)
{
	int i, r;

	r = es_index_cache_init();
	if (r)
		return r;
	es_image_wq = alloc_workqueue("esnapshot", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!es_image_wq) {
		es_index_cache_exit();
		return -ENOMEM;
	}
	for (i = 0; !r && i < ARRAY_SIZE(targets); i++)
		r = dm_register_target(targets[i]);
	if (!r)
		return 0;
	/* The last one tried was not registered. */
	for (i--; i--;)
		dm_unregister_target(targets[i]);
	destroy_workqueue(es_image_wq);
	es_index_cache_exit();
	return r;
}

static void __exit es_exit(void)
{
	int i;

	for (i = ARRAY_SIZE(targets); i--;)
		dm_unregister_target(targets[i]);
	destroy_workqueue(es_image_wq);
	es_index_cache_exit();
}

module_init(es_init);
module_exit(es_exit);

MODULE_DESCRIPTION("Chained snapshots and writable views of a live volume");
MODULE_AUTHOR("the esnapshot developers");
MODULE_LICENSE("GPL");
