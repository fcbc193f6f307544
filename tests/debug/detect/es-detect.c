// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does on demand what each detector of the debug kernel must report:
 *
 *	echo FAULT >/sys/module/es_detect/parameters/fault
 *
 * tests/debug/detectors.sh has the list, and what must be said of each.
 */
#include <linux/debug_locks.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>

#define SIZE 100

static DEFINE_MUTEX(lock_a);
static DEFINE_MUTEX(lock_b);
static DEFINE_SPINLOCK(spin);
static int value;
static int __rcu *pointer = (int __rcu *)&value;
static struct kmem_cache *cache;

/* What only the module's data points to is lost when it is unloaded. */
static void *kept;

/* Values the compiler knows nothing of. */
static int past_end = SIZE;
static int width = 64;
static int numbers[8];

static void use_after_free(void)
{
	u8 *bytes = kzalloc(SIZE, GFP_KERNEL);

	if (!bytes)
		return;
	kfree(bytes);
	value = READ_ONCE(bytes[0]);
}

static void out_of_bounds(void)
{
	u8 *bytes = kzalloc(SIZE, GFP_KERNEL);

	if (!bytes)
		return;
	WRITE_ONCE(bytes[READ_ONCE(past_end)], 1);
	kfree(bytes);
}

static void vmalloc_out_of_bounds(void)
{
	u8 *bytes = vzalloc(SIZE);

	if (!bytes)
		return;
	WRITE_ONCE(bytes[READ_ONCE(past_end) + 8], 1);
	vfree(bytes);
}

static void lock_order(void)
{
	mutex_lock(&lock_a);
	mutex_lock(&lock_b);
	mutex_unlock(&lock_b);
	mutex_unlock(&lock_a);

	mutex_lock(&lock_b);
	mutex_lock(&lock_a);
	mutex_unlock(&lock_a);
	mutex_unlock(&lock_b);
}

static void take_spin(struct timer_list *unused)
{
	spin_lock(&spin);
	value++;
	spin_unlock(&spin);
}

static DEFINE_TIMER(timer, take_spin);

/* The timer could interrupt the second holder on its own processor. */
static void lock_in_interrupt(void)
{
	mod_timer(&timer, jiffies + 1);
	while (timer_pending(&timer))
		cond_resched();
	del_timer_sync(&timer);
	take_spin(NULL);
}

static void sleep_in_atomic(void)
{
	spin_lock(&spin);
	kfree(kmalloc(SIZE, GFP_KERNEL));
	spin_unlock(&spin);
}

static void rcu_without_lock(void)
{
	value = *rcu_dereference(pointer);
}

/* Lockdep goes quiet without a word, as after somebody else's report. */
static void lockdep_off(void)
{
	debug_locks_off();
}

static void leak(void)
{
	void *lost = kzalloc(SIZE, GFP_KERNEL);

	/* No register or stack slot may still hold it when kmemleak looks. */
	OPTIMIZER_HIDE_VAR(lost);
	lost = NULL;
	OPTIMIZER_HIDE_VAR(lost);
}

static void leak_at_unload(void)
{
	kept = kzalloc(SIZE, GFP_KERNEL);
}

static void object_left_in_cache(void)
{
	cache = kmem_cache_create("es_detect", SIZE, 0, 0, NULL);
	if (cache)
		kept = kmem_cache_alloc(cache, GFP_KERNEL);
}

static void shift_too_far(void)
{
	value = 1 << READ_ONCE(width);
}

static void index_too_large(void)
{
	value = numbers[READ_ONCE(past_end) - SIZE + ARRAY_SIZE(numbers)];
}

static void list_deleted_twice(void)
{
	LIST_HEAD(head);
	LIST_HEAD(entry);

	list_add(&entry, &head);
	list_del(&entry);
	list_del(&entry);
}

struct timed {
	struct timer_list timer;
};

static void timed_out(struct timer_list *unused)
{
}

static void free_active_timer(void)
{
	struct timed *timed = kzalloc(sizeof(*timed), GFP_KERNEL);

	if (!timed)
		return;
	timer_setup(&timed->timer, timed_out, 0);
	mod_timer(&timed->timer, jiffies + 100 * HZ);
	kfree(timed);
}

static const struct {
	const char *name;
	void (*run)(void);
} faults[] = {
	{ "use_after_free", use_after_free },
	{ "out_of_bounds", out_of_bounds },
	{ "vmalloc_out_of_bounds", vmalloc_out_of_bounds },
	{ "lock_order", lock_order },
	{ "lock_in_interrupt", lock_in_interrupt },
	{ "sleep_in_atomic", sleep_in_atomic },
	{ "rcu_without_lock", rcu_without_lock },
	{ "lockdep_off", lockdep_off },
	{ "leak", leak },
	{ "leak_at_unload", leak_at_unload },
	{ "object_left_in_cache", object_left_in_cache },
	{ "shift_too_far", shift_too_far },
	{ "index_too_large", index_too_large },
	{ "list_deleted_twice", list_deleted_twice },
	{ "free_active_timer", free_active_timer },
};

static int set_fault(const char *text, const struct kernel_param *unused)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		if (sysfs_streq(text, faults[i].name)) {
			faults[i].run();
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops fault_ops = {
	.set = set_fault,
};

module_param_cb(fault, &fault_ops, NULL, 0200);

static int __init es_detect_init(void)
{
	return 0;
}

static void __exit es_detect_exit(void)
{
	kmem_cache_destroy(cache);
}

module_init(es_detect_init);
module_exit(es_detect_exit);
MODULE_DESCRIPTION("faults that a debug kernel must report");
MODULE_LICENSE("GPL");
