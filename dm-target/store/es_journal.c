// SPDX-License-Identifier: GPL-2.0-only
/*
 * A journal's life, its superblocks, pause and drain: see es_journal.h.
 */
#include <linux/device-mapper.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "es_journal.h"

#define DM_MSG_PREFIX "esnapshot"

static unsigned int journal_mib = 64;
module_param(journal_mib, uint, 0644);
MODULE_PARM_DESC(journal_mib, "Memory for pending writes of each journal in MiB (default 64)");

u64 es_journal_budget_pages(void)
{
	return (u64)max(READ_ONCE(journal_mib), 1u) << (20 - ES_BLOCK_SHIFT);
}

/* An entry with its pieces is a few hundred bytes: at most a quarter on top of the pages. */
u64 es_journal_budget_entries(void)
{
	return (u64)max(READ_ONCE(journal_mib), 1u) << 10;
}

/* --- superblocks --- */

void es_journal_report(const struct es_journal *j, enum es_fault fault, u64 addr)
{
	DMERR("%pg: byte %llu: %s", j->bdev, (unsigned long long)addr << ES_BLOCK_SHIFT,
	      es_fault_text(fault));
}

static int read_superblocks(struct block_device *bdev, struct es_jsb *sb, enum es_fault *fault)
{
	struct page *a = alloc_page(GFP_KERNEL);
	struct page *b = alloc_page(GFP_KERNEL);
	int r = -ENOMEM;

	if (!a || !b)
		goto out;
	r = es_io_page(bdev, REQ_OP_READ, ES_SB_A_BLOCK, a);
	if (!r)
		r = es_io_page(bdev, REQ_OP_READ, ES_SB_B_BLOCK, b);
	if (r)
		goto out;
	*fault = es_jsb_pick(sb, page_address(a), page_address(b), NULL);
	if (!*fault)
		*fault = es_jsb_check_device(sb, es_bdev_blocks(bdev));
	r = *fault ? -EINVAL : 0;
out:
	if (a)
		__free_page(a);
	if (b)
		__free_page(b);
	return r;
}

int es_journal_check_current(struct es_journal *j)
{
	enum es_fault fault = ES_OK;
	struct es_jsb sb;
	int r;

	r = read_superblocks(j->bdev, &sb, &fault);
	if (fault) {
		es_journal_report(j, fault, ES_SB_A_BLOCK);
	} else if (!r && (sb.generation != j->sb.generation ||
			  !es_uuid_equal(sb.journal_uuid, j->sb.journal_uuid))) {
		DMERR("%pg: has changed since the table was loaded: load it again", j->bdev);
		r = -ESTALE;
	}
	return r;
}

/* The crash argument of es_store_commit: the older copy is overwritten. */
int es_journal_commit(struct es_journal *j, struct es_jsb *sb)
{
	struct page *page = j->sb_page;
	u64 addr;
	int r;

	sb->generation = j->sb.generation + 1;
	addr = es_sb_addr(sb->generation);
	es_jsb_encode(sb, page_address(page));
	r = es_io_page(j->bdev, REQ_OP_WRITE | REQ_PREFLUSH | REQ_FUA, addr, page);
	if (r)
		DMERR("%pg: byte %llu: writing the superblock failed: error %d", j->bdev,
		      (unsigned long long)addr << ES_BLOCK_SHIFT, r);
	else
		j->sb = *sb;
	return r;
}

/* --- from outside --- */

bool es_journal_is_drained(const struct es_journal *j)
{
	return READ_ONCE(j->ring.needed.seq) == READ_ONCE(j->ring.head.seq) && !j->flushing;
}

const char *es_journal_state(const struct es_journal *j)
{
	switch (READ_ONCE(j->mode)) {
	case ES_JMODE_FAILED:
		return "failed";
	case ES_JMODE_FAILING:
		return "draining";
	default:
		return atomic_read(&j->drains) ? "draining" : "ok";
	}
}

void es_journal_push_back(struct es_journal *j, bool on)
{
	WRITE_ONCE(j->push_back, on);
	es_journal_wake(j);
}

static void set_paused(struct es_journal *j, bool paused)
{
	mutex_lock(&j->turn);
	j->paused = paused;
	mutex_unlock(&j->turn);
}

void es_journal_pause(struct es_journal *j)
{
	set_paused(j, true);
	es_journal_wake(j);
	flush_work(&j->work);
	wait_event(j->wait, READ_ONCE(j->stat.at_rest));
	flush_work(&j->work);
}

void es_journal_resume(struct es_journal *j, struct block_device *origin)
{
	j->origin = origin;
	set_paused(j, false);
	es_journal_post_flag(j, &j->afresh_due); /* its errors may be another's */
}

/* 1: it is done, 0: not yet, or why it will not be. */
static int drained_to(struct es_journal *j, u64 seq, bool may_be_stuck)
{
	/* First: what is stuck now, and not before what is needed now. */
	u64 stuck = smp_load_acquire(&j->stat.stuck_until); /* pairs with note_stat() */

	if (READ_ONCE(j->mode) == ES_JMODE_FAILED)
		return 1;
	if (READ_ONCE(j->stat.needed_seq) >= seq && READ_ONCE(j->mode) == ES_JMODE_OK)
		return 1;
	if (READ_ONCE(j->send_wait) || (!may_be_stuck && j->ops->stuck(j->owner)))
		return -ENOSPC;
	if (READ_ONCE(j->flush_broken) || READ_ONCE(j->flush_failures) > 1)
		return -EIO;
	if (!stuck || stuck < seq)
		return 0;
	return READ_ONCE(j->place_error) == BLK_STS_NOSPC ? -ENOSPC : -EIO;
}

int es_journal_drain(struct es_journal *j, bool interruptible)
{
	int r = 0, done;
	u64 seq;

	atomic_inc(&j->drains);
	es_journal_post_flag(j, &j->afresh_due); /* an error of the past does not count */
	flush_work(&j->work);
	seq = READ_ONCE(j->stat.head_seq);
	if (interruptible)
		r = wait_event_interruptible(j->wait, (done = drained_to(j, seq, false)));
	else
		wait_event(j->wait, (done = drained_to(j, seq, true)));
	if (!r)
		r = min(done, 0);
	else
		r = -EINTR;
	atomic_dec(&j->drains);
	es_journal_wake(j);
	return r;
}

/* --- life --- */

static void destroy(struct es_journal *j)
{
	if (j->wq) {
		cancel_delayed_work_sync(&j->idle_timer);
		cancel_delayed_work_sync(&j->retry_timer);
		destroy_workqueue(j->wq);
	}
	es_pending_clear(&j->pending);
	es_journal_free_memory(j);
	__free_page(j->sb_page);
	kvfree(j);
}

static void journal_free(struct kref *ref)
{
	destroy(container_of(ref, struct es_journal, ref));
}

void es_journal_get(struct es_journal *j)
{
	kref_get(&j->ref);
}

void es_journal_put(struct es_journal *j)
{
	if (j)
		kref_put(&j->ref, journal_free);
}

static struct es_journal *create(struct block_device *bdev)
{
	struct es_journal *j = kvzalloc(sizeof(*j), GFP_KERNEL);

	if (!j)
		return NULL;
	j->sb_page = alloc_page(GFP_KERNEL);
	if (!j->sb_page) {
		kvfree(j);
		return NULL;
	}
	kref_init(&j->ref);
	j->bdev = bdev;
	spin_lock_init(&j->lock);
	es_journal_init_worker(j);
	j->flights = RB_ROOT_CACHED;
	init_waitqueue_head(&j->wait);
	j->paused = true;
	j->pending.round = 1;
	j->pending.tree = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&j->pending.records);
	INIT_LIST_HEAD(&j->pending.done);
	return j;
}

int es_journal_open(struct block_device *bdev, struct es_journal **out, enum es_fault *fault)
{
	struct es_journal *j;
	int r;

	*fault = ES_OK;
	if (es_bdev_blocks(bdev) <= ES_DATA_BLOCK) {
		*fault = ES_FAULT_DEVICE_SIZE;
		return -EINVAL;
	}
	j = create(bdev);
	if (!j)
		return -ENOMEM;
	r = read_superblocks(bdev, &j->sb, fault);
	if (r) {
		destroy(j);
		return r;
	}
	*out = j;
	return 0;
}
