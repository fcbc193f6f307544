// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is there: see es_registry.h; and the events that go to them, es_events.h.
 */
#include <linux/list.h>
#include <linux/mutex.h>
#include "es_events.h"
#include "es_journal.h"
#include "es_registry.h"

#define DM_MSG_PREFIX "esnapshot"

static DEFINE_MUTEX(chains_mutex);
static DEFINE_SPINLOCK(chains_spin);	/* the list, and the uuids in it */
static LIST_HEAD(chains);

static DEFINE_MUTEX(images_mutex);
static LIST_HEAD(images);

void es_chains_lock(void)
{
	mutex_lock(&chains_mutex);
}

void es_chains_unlock(void)
{
	mutex_unlock(&chains_mutex);
}

/* The chain of the origin @dev, with a reference, or NULL. */
static struct es_chain *find_by_origin(dev_t dev)
{
	struct es_chain *chain, *found = NULL;

	spin_lock(&chains_spin);
	list_for_each_entry(chain, &chains, list) {
		if (chain->origin_dev == dev && kref_get_unless_zero(&chain->ref)) {
			found = chain;
			break;
		}
	}
	spin_unlock(&chains_spin);
	return found;
}

struct es_chain *es_chain_get(struct block_device *origin, struct mapped_device *md)
{
	struct es_chain *chain;

	lockdep_assert_held(&chains_mutex);
	chain = find_by_origin(origin->bd_dev);
	if (chain && chain->bound && dm_table_get_md(es_chain_target(chain)->table) != md) {
		es_chain_put(chain);
		return ERR_PTR(-EBUSY);
	}
	if (chain)
		return chain;
	chain = es_chain_create(origin);
	if (!chain)
		return ERR_PTR(-ENOMEM);
	spin_lock(&chains_spin);
	list_add(&chain->list, &chains);
	spin_unlock(&chains_spin);
	return chain;
}

static void chain_release(struct kref *ref) __releases(&chains_spin)
{
	struct es_chain *chain = container_of(ref, struct es_chain, ref);

	list_del(&chain->list);
	spin_unlock(&chains_spin);
	es_chain_destroy(chain);
}

void es_chain_put(struct es_chain *chain)
{
	if (chain)
		kref_put_lock(&chain->ref, chain_release, &chains_spin);
}

struct es_chain *es_chain_find(const u8 *uuid)
{
	struct es_chain *chain, *found = NULL;

	spin_lock(&chains_spin);
	list_for_each_entry(chain, &chains, list) {
		if (es_uuid_equal(chain->uuid, uuid) && kref_get_unless_zero(&chain->ref)) {
			found = chain;
			break;
		}
	}
	spin_unlock(&chains_spin);
	return found;
}

void es_chain_set_uuid(struct es_chain *chain, const u8 *uuid)
{
	static const u8 none[ES_UUID_SIZE];

	spin_lock(&chains_spin);
	memcpy(chain->uuid, uuid ? uuid : none, ES_UUID_SIZE);
	spin_unlock(&chains_spin);
}

static bool chain_uses(const struct es_chain *chain, dev_t dev, const u8 *uuid)
{
	u32 i;

	if (chain->journal && (chain->journal->bdev->bd_dev == dev ||
			       es_uuid_equal(chain->journal->sb.journal_uuid, uuid)))
		return true;
	for (i = 0; i < chain->nr_stores; i++)
		if (chain->stores[i]->bdev->bd_dev == dev ||
		    es_uuid_equal(chain->stores[i]->sb.store_uuid, uuid))
			return true;
	return false;
}

bool es_chains_use(const struct es_chain *but, dev_t dev, const u8 *uuid)
{
	struct es_chain *chain;
	bool used = false;

	/* The mutex keeps the stores of each chain, the spinlock the list. */
	lockdep_assert_held(&chains_mutex);
	spin_lock(&chains_spin);
	list_for_each_entry(chain, &chains, list)
		used |= chain != but && chain_uses(chain, dev, uuid);
	spin_unlock(&chains_spin);
	return used;
}

/* --- images --- */

void es_image_register(struct es_image *image)
{
	mutex_lock(&images_mutex);
	list_add(&image->list, &images);
	mutex_unlock(&images_mutex);
}

void es_image_unregister(struct es_image *image)
{
	mutex_lock(&images_mutex);
	list_del(&image->list);
	mutex_unlock(&images_mutex);
}

bool es_images_read(const u8 *uuid)
{
	struct es_image *image;
	bool read = false;

	mutex_lock(&images_mutex);
	list_for_each_entry(image, &images, list)
		read |= es_uuid_equal(image->base->sb.chain_uuid, uuid);
	mutex_unlock(&images_mutex);
	return read;
}

bool es_images_own(const u8 *uuid)
{
	struct es_image *image;
	bool own = false;

	mutex_lock(&images_mutex);
	list_for_each_entry(image, &images, list)
		own |= image->own && es_uuid_equal(image->own->sb.store_uuid, uuid);
	mutex_unlock(&images_mutex);
	return own;
}

/* The store whose state a target stands for. */
static const struct es_store *image_store(const struct es_image *image)
{
	return image->own ? image->own : image->base;
}

void es_events_signal(struct es_store *store)
{
	struct es_image *image;

	mutex_lock(&images_mutex);
	list_for_each_entry(image, &images, list)
		if (es_uuid_equal(image_store(image)->sb.store_uuid, store->sb.store_uuid))
			dm_table_event(image->ti->table);
	mutex_unlock(&images_mutex);
}

/* --- the low-water mark --- */

static bool beyond_low_water(const struct es_store *store, u32 blocks)
{
	return (es_log_used_blocks(&store->log) + blocks) * 100 >=
	       store->sb.device_blocks * READ_ONCE(store->low_percent);
}

bool es_store_low(const struct es_store *store)
{
	return READ_ONCE(store->low) || beyond_low_water(store, 0);
}

void es_events_usage(struct es_store *store, u32 blocks)
{
	u64 mark = store->sb.device_blocks * READ_ONCE(store->low_percent);
	bool low = beyond_low_water(store, blocks);

	if (store->low && mark == store->low_mark)
		return;
	store->low_mark = mark;
	if (low == store->low)
		return;
	WRITE_ONCE(store->low, low);
	es_events_signal(store);
}

void es_events_low_water(struct es_store *store, u32 percent)
{
	WRITE_ONCE(store->low_percent, percent);
}

int es_events_message(unsigned int argc, char **argv)
{
	u32 percent;

	if (argc == 1 && !strcasecmp(argv[0], "grown"))
		return 0;
	if (argc != 2 || strcasecmp(argv[0], "low_water")) {
		DMWARN("unknown message %s: want grown or low_water <percent>",
		       argc ? argv[0] : "");
		return -EINVAL;
	}
	if (kstrtou32(argv[1], 10, &percent) || percent < 1 || percent > 100) {
		DMWARN("low_water %s: want a percentage, 1 to 100", argv[1]);
		return -EINVAL;
	}
	return percent;
}
