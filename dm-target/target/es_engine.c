// SPDX-License-Identifier: GPL-2.0-only
/*
 * The copying machine: see es_engine.h.
 */
#include <linux/blkdev.h>
#include <linux/device-mapper.h>
#include <linux/slab.h>
#include "es_engine.h"

static void kick(struct es_engine *e)
{
	queue_work(e->wq, &e->work);
}

static void end_write(struct es_engine *e, struct es_write *w, blk_status_t status)
{
	atomic_dec(&e->queued);
	w->bio->bi_status = status;
	bio_endio(w->bio);
}

/* --- writes --- */

/* The largest run from @first that no copy under way overlaps. */
static u32 free_run(struct es_engine *e, u64 first, u64 end)
{
	u64 n = min_t(u64, end - first, ES_COPY_MAX_BLOCKS / e->chunk_blocks);
	struct interval_tree_node *node;

	node = interval_tree_iter_first(&e->copies, first, first + n - 1);
	return node ? node->start - first : n;
}

/* Start copying @nr chunks from @first for @w; false: no memory now. */
static bool start_copy(struct es_engine *e, struct es_write *w, u64 first, u32 nr)
{
	struct es_copy *copy;

	copy = es_copy_alloc(&e->pool, first, nr, e->chunk_blocks);
	if (!copy)
		return false;
	copy->owner = e;
	copy->read_done = es_engine_read_done;
	copy->private = w;
	interval_tree_insert(&copy->node, &e->copies);
	list_add_tail(&w->list, &copy->waiters);
	e->ops->read_old(e, copy);
	return true;
}

/* The same, unless others of its class wait for memory already: then behind them. */
static void start_or_stall(struct es_engine *e, struct es_write *w, u64 first, u64 end)
{
	u32 nr = free_run(e, first, end);
	struct list_head *stalled = &e->stalled[es_copy_class(nr * e->chunk_blocks)];

	if (!list_empty(stalled) || !start_copy(e, w, first, nr))
		list_add_tail(&w->list, stalled);
}

/* Take a write as far as it goes: issued, waiting for a copy, or for memory. */
static void advance(struct es_engine *e, struct es_write *w)
{
	struct interval_tree_node *node;
	u64 first, end;

	if (!e->ops->next_needed(e, w->first, w->last, &first, &end)) {
		atomic_dec(&e->queued);
		e->ops->issue(e, w);
		return;
	}
	node = interval_tree_iter_first(&e->copies, first, first);
	if (node)
		list_add_tail(&w->list, &container_of(node, struct es_copy, node)->waiters);
	else
		start_or_stall(e, w, first, end);
}

static void advance_all(struct es_engine *e, struct list_head *writes)
{
	struct es_write *w, *next;

	list_for_each_entry_safe(w, next, writes, list) {
		list_del(&w->list);
		advance(e, w);
	}
}

/* Writes that found no memory: in order, until one of the class finds none again. */
static void advance_stalled(struct es_engine *e)
{
	int class;

	for (class = 0; class < ES_COPY_CLASSES; class++) {
		struct list_head *stalled = &e->stalled[class];
		LIST_HEAD(writes);

		list_splice_init(stalled, &writes);
		while (!list_empty(&writes) && list_empty(stalled)) {
			struct es_write *w = list_first_entry(&writes, struct es_write, list);

			list_del(&w->list);
			advance(e, w);
		}
		list_splice_tail(&writes, stalled);
	}
}

/* --- the end of a copy --- */

static void remove_copy(struct es_engine *e, struct es_copy *copy, struct list_head *waiters)
{
	interval_tree_remove(&copy->node, &e->copies);
	list_del_init(&copy->list);
	list_splice_init(&copy->waiters, waiters);
	es_copy_free(&e->pool, copy);
	if (RB_EMPTY_ROOT(&e->copies.rb_root))
		wake_up(&e->idle);
}

/* Step 5: nobody needs these chunks from their old place any more. */
static void finish_copy(struct es_engine *e, struct es_copy *copy)
{
	LIST_HEAD(waiters);

	e->ops->release(e, es_copy_chunk(copy), copy->nr);
	remove_copy(e, copy, &waiters);
	advance_all(e, &waiters);
}

static void settle_copy(struct es_engine *e, struct es_copy *copy)
{
	if (e->ops->settle(e, copy))
		finish_copy(e, copy);
}

/* End the copies on @copies that have no place; their writes get @status, or look again. */
static void drop_copies(struct es_engine *e, struct list_head *copies, blk_status_t status)
{
	struct es_copy *copy, *next;
	struct es_write *w, *wnext;
	LIST_HEAD(waiters);

	list_for_each_entry_safe(copy, next, copies, list) {
		if (!copy->durable) {
			remove_copy(e, copy, &waiters);
			continue;
		}
		/* What is durable stays copied. */
		list_splice_init(&copy->waiters, &waiters);
		list_del_init(&copy->list);
		interval_tree_remove(&copy->node, &e->copies);
		copy->nr = copy->durable;
		copy->node.last = copy->node.start + copy->nr - 1;
		interval_tree_insert(&copy->node, &e->copies);
		settle_copy(e, copy);
	}
	if (!status) {
		advance_all(e, &waiters);
	} else {
		list_for_each_entry_safe(w, wnext, &waiters, list)
			end_write(e, w, status);
	}
}

static bool has_ready(const struct es_engine *e)
{
	return !list_empty(&e->ready[ES_COPY_SMALL]) || !list_empty(&e->ready[ES_COPY_LARGE]);
}

static void take_ready(struct es_engine *e, struct list_head *copies)
{
	list_splice_tail_init(&e->ready[ES_COPY_SMALL], copies);
	list_splice_tail_init(&e->ready[ES_COPY_LARGE], copies);
}

void es_engine_give_up(struct es_engine *e)
{
	LIST_HEAD(copies);

	e->given_up = true;
	WRITE_ONCE(e->full, false);
	list_splice_init(&e->taken, &copies);
	take_ready(e, &copies);
	drop_copies(e, &copies, BLK_STS_OK);
}

void es_engine_drop(struct es_engine *e, struct es_copy *copy, struct es_write *w,
		    blk_status_t status)
{
	LIST_HEAD(copies);

	list_del(&w->list);
	end_write(e, w, status);
	list_add(&copy->list, &copies);
	drop_copies(e, &copies, BLK_STS_OK);
}

/* --- appends --- */

static void finish_append(struct es_engine *e)
{
	struct es_appender *a = &e->append;
	u32 i;

	if (!es_append_continue(a))
		return;
	a->busy = false;
	if (a->status) {
		e->ops->failed(e, a->status);
		return;
	}
	e->ops->recorded(e, a->extents, a->nr, a->store->log.seq);
	for (i = 0; i < a->nr; i++) {
		struct es_copy *copy = a->parts[i].copy;

		copy->durable += a->parts[i].nr;
		if (copy->durable == copy->nr) {
			list_del_init(&copy->list);
			settle_copy(e, copy);
		}
	}
}

static void store_is_full(struct es_engine *e)
{
	blk_status_t status = READ_ONCE(e->full_status);	/* may change */

	if (!e->full) {
		WRITE_ONCE(e->full, true);
		e->ops->space(e, ES_SPACE_FULL);
	}
	/* Also after a suspend that ended what had waited; no matter while it runs. */
	if (e->timeout_seconds && !status)
		queue_delayed_work(e->wq, &e->timer, e->timeout_seconds * HZ);
	if (status) {
		LIST_HEAD(copies);

		cancel_delayed_work(&e->timer);	/* nobody waits any more */
		take_ready(e, &copies);
		drop_copies(e, &copies, status);
	}
}

static void has_room_again(struct es_engine *e)
{
	WRITE_ONCE(e->full, false);
	/* A suspend may want it otherwise at this moment. */
	spin_lock_irq(&e->lock);
	if (e->full_status == BLK_STS_NOSPC)
		WRITE_ONCE(e->full_status, BLK_STS_OK);
	spin_unlock_irq(&e->lock);
	cancel_delayed_work(&e->timer);
	e->ops->space(e, ES_SPACE_OK);
}

/*
 * Use what the device has gained before it is needed: the low-water mark moves with it.
 * Whether it has.
 */
static bool look_for_space(struct es_engine *e)
{
	e->look = false;
	if (es_store_grow(e->append.store) <= 0)
		return false;
	if (!e->full)
		e->ops->space(e, ES_SPACE_GROWN);
	else if (!has_ready(e))
		has_room_again(e);	/* what had waited was ended */
	return true;
}

static void start_append(struct es_engine *e)
{
	if (e->append.busy || e->given_up)
		return;
	if (e->look)
		look_for_space(e);
	if (!has_ready(e))
		return;
	if (es_append_start(&e->append, e->ready, &e->taken) == -ENOSPC &&
	    (es_store_grow(e->append.store) <= 0 ||
	     es_append_start(&e->append, e->ready, &e->taken) == -ENOSPC)) {
		store_is_full(e);
		return;
	}
	if (e->full)
		has_room_again(e);
}

/* The time for room is over; but nobody may have said that the device has grown, or come back. */
static void time_out(struct es_engine *e)
{
	e->look = true;
	start_append(e);
	if (!e->full || !has_ready(e))
		return;
	cancel_delayed_work(&e->timer);
	e->ops->space(e, ES_SPACE_TIMEOUT);
}

/* --- the worker --- */

struct mail {
	struct list_head incoming;
	struct list_head read_done;
	struct list_head drained;
	bool append_done;
	bool look_for_space;
	bool timed_out;
};

static bool take_mail(struct es_engine *e, struct mail *m)
{
	INIT_LIST_HEAD(&m->incoming);
	INIT_LIST_HEAD(&m->read_done);
	INIT_LIST_HEAD(&m->drained);
	spin_lock_irq(&e->lock);
	list_splice_init(&e->incoming, &m->incoming);
	list_splice_init(&e->read_done, &m->read_done);
	list_splice_init(&e->drained, &m->drained);
	m->append_done = e->append_done;
	m->look_for_space = e->look_for_space;
	m->timed_out = e->timed_out;
	e->append_done = false;
	e->look_for_space = false;
	e->timed_out = false;
	spin_unlock_irq(&e->lock);
	return m->append_done || m->look_for_space || m->timed_out ||
	       !list_empty(&m->incoming) || !list_empty(&m->read_done) ||
	       !list_empty(&m->drained);
}

static void handle_copies(struct es_engine *e, struct mail *m)
{
	struct es_copy *copy, *next;

	list_for_each_entry_safe(copy, next, &m->drained, list) {
		list_del_init(&copy->list);
		finish_copy(e, copy);
	}
	list_for_each_entry_safe(copy, next, &m->read_done, list) {
		list_del_init(&copy->list);
		if (!e->ops->old_ready(e, copy))
			continue;
		list_add_tail(&copy->list, &e->ready[es_copy_class(copy->nr_pages)]);
	}
	if (e->given_up && !e->append.busy) {
		LIST_HEAD(copies);

		take_ready(e, &copies);
		drop_copies(e, &copies, BLK_STS_OK);
	}
}

static void engine_work(struct work_struct *work)
{
	struct es_engine *e = container_of(work, struct es_engine, work);
	struct blk_plug plug;
	struct mail m;

	mutex_lock(&e->owner);
	while (take_mail(e, &m)) {
		/* Reads of neighbouring chunks, and writes to them, become one request each. */
		blk_start_plug(&plug);
		if (m.append_done)
			finish_append(e);
		handle_copies(e, &m);
		e->look |= m.look_for_space;
		if (m.timed_out && e->full)
			time_out(e);
		/* All writes that could go have gone; reads in between would keep them apart. */
		advance_stalled(e);
		advance_all(e, &m.incoming);
		start_append(e);
		advance_stalled(e);	/* a full store may have ended copies */
		if (!e->given_up)
			e->ops->usage(e, es_copy_pool_blocks(&e->pool));
		blk_finish_plug(&plug);
	}
	mutex_unlock(&e->owner);
}

/*
 * --- mail ---
 *
 * The worker is woken under the lock: what is posted may be all that the engine is kept for,
 * and nobody else sees it before the lock is free.
 */

/* Put @item on @list of the mailbox.  Any context. */
static void post(struct es_engine *e, struct list_head *item, struct list_head *list)
{
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	list_add_tail(item, list);
	kick(e);
	spin_unlock_irqrestore(&e->lock, flags);
}

/* Set @flag of the mailbox.  Any context. */
static void post_flag(struct es_engine *e, bool *flag)
{
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	*flag = true;
	kick(e);
	spin_unlock_irqrestore(&e->lock, flags);
}

static void engine_timeout(struct work_struct *work)
{
	struct es_engine *e = container_of(to_delayed_work(work), struct es_engine, timer);

	post_flag(e, &e->timed_out);
}

static void append_done(struct es_appender *a)
{
	struct es_engine *e = container_of(a, struct es_engine, append);

	post_flag(e, &e->append_done);
}

/* --- from outside --- */

/* With nobody before it and nothing to wait for, a write need not wait for the worker. */
static bool start_at_once(struct es_engine *e, struct es_write *w)
{
	bool mine;

	if (!e->ops->may_start || !mutex_trylock(&e->owner))
		return false;
	mine = list_empty_careful(&e->incoming);
	if (mine)
		advance(e, w);
	mutex_unlock(&e->owner);
	return mine;
}

void es_engine_submit(struct es_engine *e, struct es_write *w)
{
	atomic_inc(&e->queued);
	if (!start_at_once(e, w))
		post(e, &w->list, &e->incoming);
}

void es_engine_read_done(struct es_copy *copy)
{
	struct es_engine *e = copy->owner;

	post(e, &copy->list, &e->read_done);
}

void es_engine_drained(struct es_engine *e, struct list_head *copies)
{
	unsigned long flags;

	if (list_empty(copies))
		return;
	spin_lock_irqsave(&e->lock, flags);
	list_splice_tail_init(copies, &e->drained);
	kick(e);
	spin_unlock_irqrestore(&e->lock, flags);
}

void es_engine_look_for_space(struct es_engine *e)
{
	post_flag(e, &e->look_for_space);
}

void es_engine_set_full_status(struct es_engine *e, blk_status_t status)
{
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	WRITE_ONCE(e->full_status, status);
	spin_unlock_irqrestore(&e->lock, flags);
	es_engine_look_for_space(e);
}

void es_engine_sync(struct es_engine *e)
{
	flush_work(&e->work);
}

void es_engine_quiet(struct es_engine *e)
{
	cancel_delayed_work_sync(&e->timer);
	flush_work(&e->work);
}

void es_engine_settle(struct es_engine *e)
{
	wait_event(e->idle, RB_EMPTY_ROOT(&e->copies.rb_root));
	es_engine_quiet(e);
}

int es_engine_use(struct es_engine *e, struct es_store *store)
{
	int r = 0;

	es_engine_settle(e);
	/* Messages reach the worker at any time. */
	mutex_lock(&e->owner);
	e->full = false;
	e->look = false;
	e->full_status = BLK_STS_OK;
	e->append.store = NULL;
	if (store) {
		e->chunk_blocks = es_store_chunk_blocks(store);
		r = es_append_init(&e->append, store, &e->pool, append_done);
	}
	e->given_up = !store || r;
	mutex_unlock(&e->owner);
	return r;
}

int es_engine_init(struct es_engine *e, const struct es_engine_ops *ops, const char *name)
{
	int class, r;

	e->ops = ops;
	mutex_init(&e->owner);
	INIT_WORK(&e->work, engine_work);
	INIT_DELAYED_WORK(&e->timer, engine_timeout);
	spin_lock_init(&e->lock);
	INIT_LIST_HEAD(&e->incoming);
	INIT_LIST_HEAD(&e->read_done);
	INIT_LIST_HEAD(&e->drained);
	for (class = 0; class < ES_COPY_CLASSES; class++) {
		INIT_LIST_HEAD(&e->stalled[class]);
		INIT_LIST_HEAD(&e->ready[class]);
	}
	INIT_LIST_HEAD(&e->taken);
	e->copies = RB_ROOT_CACHED;
	init_waitqueue_head(&e->idle);
	e->given_up = true;
	/* As kblockd: where the interrupt was, at once.  Three steps in a row wait for it. */
	e->wq = alloc_workqueue("%s", WQ_MEM_RECLAIM | WQ_HIGHPRI, 1, name);
	if (!e->wq)
		return -ENOMEM;
	r = es_copy_pool_init(&e->pool);
	if (r)
		destroy_workqueue(e->wq);
	return r;
}

void es_engine_exit(struct es_engine *e)
{
	cancel_delayed_work_sync(&e->timer);
	destroy_workqueue(e->wq);
	es_append_exit(&e->append);
	es_copy_pool_exit(&e->pool);
}
