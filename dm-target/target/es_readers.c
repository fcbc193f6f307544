// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registered readers: see es_readers.h.
 */
#include "es_readers.h"

void es_readers_init(struct es_readers *readers)
{
	spin_lock_init(&readers->lock);
	readers->tree = RB_ROOT_CACHED;
	readers->seq = 0;
	readers->count[0] = 0;
	readers->count[1] = 0;
	readers->phase = 0;
	mutex_init(&readers->flush);
	readers->open = false;
	init_waitqueue_head(&readers->idle);
}

void es_readers_open(struct es_readers *readers)
{
	unsigned long flags;

	spin_lock_irqsave(&readers->lock, flags);
	readers->open = true;
	spin_unlock_irqrestore(&readers->lock, flags);
}

void es_readers_close(struct es_readers *readers)
{
	spin_lock_irq(&readers->lock);
	readers->open = false;
	wait_event_lock_irq(readers->idle, !readers->count[0] && !readers->count[1],
			    readers->lock);
	spin_unlock_irq(&readers->lock);
}

void es_readers_flush(struct es_readers *readers)
{
	unsigned int before;

	mutex_lock(&readers->flush);
	spin_lock_irq(&readers->lock);
	before = readers->phase;
	readers->phase = !before;
	wait_event_lock_irq(readers->idle, !readers->count[before], readers->lock);
	spin_unlock_irq(&readers->lock);
	mutex_unlock(&readers->flush);
}

bool es_reader_enter(struct es_readers *readers, struct es_reader *reader, u64 first, u64 last)
{
	unsigned long flags;
	bool open;

	reader->node.start = first;
	reader->node.last = last;
	INIT_LIST_HEAD(&reader->parked);
	spin_lock_irqsave(&readers->lock, flags);
	open = readers->open;
	if (open) {
		reader->seq = ++readers->seq;
		reader->phase = readers->phase;
		readers->count[reader->phase]++;
		interval_tree_insert(&reader->node, &readers->tree);
	}
	spin_unlock_irqrestore(&readers->lock, flags);
	return open;
}

/* Park @copy at a reader it has to wait for; false: there is none. */
static bool park(struct es_readers *readers, struct es_copy *copy)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&readers->lock);
	for (node = interval_tree_iter_first(&readers->tree, copy->node.start, copy->node.last);
	     node;
	     node = interval_tree_iter_next(node, copy->node.start, copy->node.last)) {
		struct es_reader *reader = container_of(node, struct es_reader, node);

		if (reader->seq <= copy->seq) {
			list_move_tail(&copy->list, &reader->parked);
			return true;
		}
	}
	return false;
}

/* Nobody waits for @reader any more. */
static void leave_range(struct es_readers *readers, struct es_reader *reader,
			struct list_head *drained)
{
	struct es_copy *copy, *next;

	lockdep_assert_held(&readers->lock);
	if (RB_EMPTY_NODE(&reader->node.rb))
		return;
	interval_tree_remove(&reader->node, &readers->tree);
	RB_CLEAR_NODE(&reader->node.rb);
	list_for_each_entry_safe(copy, next, &reader->parked, list)
		if (!park(readers, copy))
			list_move_tail(&copy->list, drained);
}

void es_reader_leave_range(struct es_readers *readers, struct es_reader *reader,
			   struct list_head *drained)
{
	unsigned long flags;

	spin_lock_irqsave(&readers->lock, flags);
	leave_range(readers, reader, drained);
	spin_unlock_irqrestore(&readers->lock, flags);
}

void es_reader_leave(struct es_readers *readers, struct es_reader *reader,
		     struct list_head *drained)
{
	unsigned long flags;

	spin_lock_irqsave(&readers->lock, flags);
	leave_range(readers, reader, drained);
	if (!--readers->count[reader->phase])
		wake_up(&readers->idle);
	spin_unlock_irqrestore(&readers->lock, flags);
}

bool es_readers_wait(struct es_readers *readers, struct es_copy *copy)
{
	unsigned long flags;
	bool parked;

	spin_lock_irqsave(&readers->lock, flags);
	copy->seq = readers->seq;
	parked = park(readers, copy);
	spin_unlock_irqrestore(&readers->lock, flags);
	return !parked;
}
