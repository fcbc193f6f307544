// SPDX-License-Identifier: GPL-2.0-only
/*
 * A view's life behind its table instances: see es_view.h.
 */
#include <linux/slab.h>
#include "es_args.h"
#include "es_registry.h"
#include "es_view.h"

#define DM_MSG_PREFIX "esnapshot-view"

static LIST_HEAD(views);	/* guarded by es_chains_lock */

/* --- who is there --- */

static struct es_view *view_create(struct es_store *store)
{
	struct es_view *view = kzalloc(sizeof(*view), GFP_KERNEL);

	if (!view)
		return NULL;
	if (es_engine_init(&view->engine, &es_view_engine_ops, "esnapshot-view")) {
		kfree(view);
		return NULL;
	}
	mutex_init(&view->life);
	refcount_set(&view->memory, 1);
	view->engine.timeout_seconds = ES_DEFAULT_QUEUE_TIMEOUT;
	view->store = store;
	es_store_get(store);
	view->bounce = bdev_logical_block_size(store->bdev) > store->sb.origin_lbs;
	return view;
}

/* Give a hold of @memory back. */
static void view_release(struct es_view *view)
{
	if (!refcount_dec_and_test(&view->memory))
		return;
	es_engine_exit(&view->engine);
	es_store_put(view->store);
	kfree(view);
}

/* Whether another device than @md has a table in force with the store @own, or a copy of it. */
static bool used_twice(const struct es_store *own, struct mapped_device *md)
{
	struct es_view *view;

	list_for_each_entry(view, &views, list) {
		bool same = view->store->bdev == own->bdev;

		if (!view->image ||
		    !(same || es_uuid_equal(view->store->sb.store_uuid, own->sb.store_uuid)))
			continue;
		if (!same || dm_table_get_md(view->image->ti->table) != md)
			return true;
	}
	return false;
}

/* The same store; nobody but us changes it while a table of the view is in force. */
static bool is_same(const struct es_view *view, const struct es_store *store)
{
	return view->store->bdev == store->bdev && !view->ended &&
	       (view->image || (view->store->sb.generation == store->sb.generation &&
				es_uuid_equal(view->store->sb.store_uuid, store->sb.store_uuid)));
}

/* The view of the store's device; @fresh, which then is on the list, if there is none. */
static struct es_view *find_or_add(struct es_view *fresh)
{
	struct es_view *view;

	list_for_each_entry(view, &views, list) {
		if (is_same(view, fresh->store)) {
			view->ref++;
			return view;
		}
	}
	list_add(&fresh->list, &views);
	fresh->ref = 1;
	return fresh;
}

int es_view_get(struct es_store *own, struct mapped_device *md, struct es_view **out)
{
	struct es_view *fresh = view_create(own), *view = NULL;

	if (!fresh)
		return -ENOMEM;
	es_chains_lock();
	if (!used_twice(own, md))
		view = find_or_add(fresh);
	es_chains_unlock();
	if (view != fresh)
		view_release(fresh);
	*out = view;
	return view ? 0 : -EBUSY;
}

static void view_detach(struct es_view *view)
{
	es_engine_use(&view->engine, NULL);
	if (view->attached && !view->failed && es_store_detach(view->store, NULL, NULL))
		DMWARN("%pg: was not detached cleanly, the next attach recovers",
		       view->store->bdev);
	es_store_end_append(view->store);
	view->attached = false;
}

void es_view_put(struct es_view *view)
{
	bool last;

	/* Another one may still be about to unlock it when the last one is done. */
	refcount_inc(&view->memory);
	mutex_lock(&view->life);
	es_chains_lock();
	last = view->ref == 1;
	view->ended |= last && view->attached;
	es_chains_unlock();
	if (last)
		view_detach(view);
	es_chains_lock();
	last = !--view->ref;
	if (last)
		list_del(&view->list);
	es_chains_unlock();
	mutex_unlock(&view->life);
	if (last)
		view_release(view);
	view_release(view);
}

/* --- binding --- */

static int ignore_extents(void *context, const struct es_extent *extents, u32 nr)
{
	return 0;
}

static int view_attach(struct es_view *view)
{
	int r;

	if (view->attached)
		return 0;
	if (view->ended) {
		DMERR("%pg: was detached meanwhile: load the table again", view->store->bdev);
		return -ESTALE;
	}
	r = es_store_check_current(view->store);
	if (!r)
		r = es_store_attach(view->store, NULL, ignore_extents, NULL, NULL);
	if (!r)
		r = es_store_load(view->store);
	if (!r)
		r = es_engine_use(&view->engine, view->store);
	if (r)
		DMERR("%pg: attaching the view failed: error %d", view->store->bdev, r);
	else
		view->attached = true;
	return r;
}

static void set_bound(struct es_view *view, struct es_view_table *table)
{
	lockdep_assert_held(&view->life);
	es_chains_lock();
	view->bound = table;
	view->image = table ? &table->image : NULL;
	es_chains_unlock();
}

/* Whether a view that had the same device is being detached: what that writes comes first. */
static bool is_ending(const struct es_store *own)
{
	struct es_view *view;

	list_for_each_entry(view, &views, list)
		if (view->ended && view->store->bdev == own->bdev)
			return true;
	return false;
}

/* From here on @table is the one in force, unless another device has one; returns whether. */
static bool claim(struct es_view *view, struct es_view_table *table)
{
	bool twice;

	es_chains_lock();
	twice = is_ending(view->store) ||
		used_twice(view->store, dm_table_get_md(table->image.ti->table));
	if (!twice) {
		view->bound = table;
		view->image = &table->image;
	}
	es_chains_unlock();
	return !twice;
}

static int bind(struct es_view *view, struct es_view_table *table)
{
	struct es_view_table *old = view->bound;
	int r;

	if (!claim(view, table)) {
		DMERR("%pg: %s", view->store->bdev, es_fault_text(ES_FAULT_TWICE));
		return -EBUSY;
	}
	r = view_attach(view);
	if (r)
		set_bound(view, old);
	return r;
}

int es_view_bind(struct es_view *view, struct es_view_table *table)
{
	int r;

	mutex_lock(&view->life);
	r = bind(view, table);
	mutex_unlock(&view->life);
	return r;
}

void es_view_unbind(struct es_view *view, const struct es_view_table *table)
{
	mutex_lock(&view->life);
	if (view->bound == table)
		set_bound(view, NULL);
	mutex_unlock(&view->life);
}
