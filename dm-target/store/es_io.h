/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Synchronous block I/O for metadata: superblocks, summaries, indexes.
 *
 * All calls sleep, allocate with GFP_NOIO, and may be used from workers,
 * constructors and preresume, never from a map function.
 */
#ifndef ES_IO_H
#define ES_IO_H

#include <linux/bio.h>
#include <linux/blk-cgroup.h>
#include <linux/blkdev.h>
#include "es_format.h"

/* Largest number of blocks that one call moves; also pages in one of our bios. */
#define ES_IO_MAX_BLOCKS 256u

/*
 * Others wait for @bio, whoever's task it is that begins it: limits of that task's group must not
 * count.  Any context; before it is submitted.
 */
static inline void es_io_for_all(struct bio *bio)
{
	bio_associate_blkg_from_css(bio, blkcg_root_css);
}

/**
 * es_io_pages - read or write @nr consecutive blocks.
 * @opf: REQ_OP_READ or REQ_OP_WRITE, with flags
 * @addr: first block
 * @pages: one page per block; the first 4096 bytes of each are used
 * @nr: at most ES_IO_MAX_BLOCKS
 *
 * Returns 0 or a negative errno.
 */
int es_io_pages(struct block_device *bdev, blk_opf_t opf, u64 addr, struct page **pages,
		unsigned int nr);

/* The same for one block. */
static inline int es_io_page(struct block_device *bdev, blk_opf_t opf, u64 addr,
			     struct page *page)
{
	return es_io_pages(bdev, opf, addr, &page, 1);
}

/**
 * es_io_sectors - read or write @sectors <= 8 sectors at the start of @page.
 */
int es_io_sectors(struct block_device *bdev, blk_opf_t opf, sector_t sector,
		  unsigned int sectors, struct page *page);

/**
 * es_io_alloc_pages - up to @nr pages for es_io_pages().
 *
 * Returns how many there are, at least one.
 */
unsigned int es_io_alloc_pages(struct page **pages, unsigned int nr);
void es_io_free_pages(struct page **pages, unsigned int nr);

/* Size of a device in whole blocks. */
static inline u64 es_bdev_blocks(struct block_device *bdev)
{
	return bdev_nr_sectors(bdev) / ES_BLOCK_SECTORS;
}

#endif /* ES_IO_H */
