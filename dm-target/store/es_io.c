// SPDX-License-Identifier: GPL-2.0-only
/*
 * Synchronous block I/O: see es_io.h for the contract.
 */
#include <linux/bio.h>
#include <linux/slab.h>
#include "es_io.h"

int es_io_pages(struct block_device *bdev, blk_opf_t opf, u64 addr, struct page **pages,
		unsigned int nr)
{
	struct bio_vec one, *vecs = &one;
	struct bio bio;
	unsigned int i;
	int r;

	/* A superblock is written when there is no memory, too. */
	if (nr > 1)
		vecs = kmalloc_array(nr, sizeof(*vecs), GFP_NOIO);
	if (!vecs)
		return -ENOMEM;
	bio_init(&bio, bdev, vecs, nr, opf | REQ_SYNC | REQ_META);
	bio.bi_iter.bi_sector = addr * ES_BLOCK_SECTORS;
	for (i = 0; i < nr; i++)
		__bio_add_page(&bio, pages[i], ES_BLOCK_SIZE, 0);
	r = submit_bio_wait(&bio);
	bio_uninit(&bio);
	if (nr > 1)
		kfree(vecs);
	return r;
}

int es_io_sectors(struct block_device *bdev, blk_opf_t opf, sector_t sector,
		  unsigned int sectors, struct page *page)
{
	struct bio_vec vec;
	struct bio bio;
	int r;

	bio_init(&bio, bdev, &vec, 1, opf | REQ_SYNC);
	bio.bi_iter.bi_sector = sector;
	__bio_add_page(&bio, page, sectors << SECTOR_SHIFT, 0);
	r = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return r;
}

unsigned int es_io_alloc_pages(struct page **pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		pages[i] = alloc_page(i ? GFP_NOIO : GFP_NOIO | __GFP_NOFAIL);
		if (!pages[i])
			break;
	}
	return i;
}

void es_io_free_pages(struct page **pages, unsigned int nr)
{
	while (nr)
		__free_page(pages[--nr]);
}
