// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fingerprints of an origin: see es_fingerprint.h.
 */
#include <linux/bitmap.h>
#include <linux/device-mapper.h>
#include "es_fingerprint.h"

#define DM_MSG_PREFIX "esnapshot"

/* CRC of origin block @block; the origin's end may cut it short. */
static int sample_crc(struct block_device *origin, u64 sectors, u64 block, struct page *page,
		      u32 *crc)
{
	sector_t sector = block * ES_BLOCK_SECTORS;
	u32 n = min_t(u64, ES_BLOCK_SECTORS, sectors - sector);
	int r;

	clear_page(page_address(page));
	r = es_io_sectors(origin, REQ_OP_READ, sector, n, page);
	if (!r)
		*crc = es_data_checksum(page_address(page), 1);
	return r;
}

/* A block that cannot be read is left out: the others tell enough. */
static void warn_unread(struct block_device *origin, u64 block, int r)
{
	DMWARN("%pg: byte %llu: reading it for the fingerprint failed: error %d", origin,
	       (unsigned long long)block << ES_BLOCK_SHIFT, r);
}

static void add_sample(struct block_device *origin, struct es_fingerprint *fp, u64 block,
		       struct page *page)
{
	int r = sample_crc(origin, fp->sectors, block, page, &fp->sample[fp->nr].crc);

	if (r)
		warn_unread(origin, block, r);
	else
		fp->sample[fp->nr++].block = block;
}

int es_fingerprint_probe(struct block_device *origin, u64 sectors)
{
	struct page *page = alloc_page(GFP_KERNEL);
	u32 crc;
	int r;

	if (!page)
		return -ENOMEM;
	r = sample_crc(origin, sectors, 0, page, &crc);
	if (r)
		r = sample_crc(origin, sectors, (sectors - 1) / ES_BLOCK_SECTORS, page, &crc);
	__free_page(page);
	return r;
}

int es_fingerprint_take(struct block_device *origin, u64 sectors, u32 chunk_sectors,
			const unsigned long *copied, const unsigned long *trimmed,
			struct es_fingerprint *fp)
{
	u64 chunks = es_chunks(sectors, chunk_sectors), chunk = 0;
	bool first = !test_bit(0, trimmed), last = !test_bit(chunks - 1, trimmed);
	u64 stride = max_t(u64, 1, chunks / (ES_FP_SAMPLES - 2));
	struct page *page = alloc_page(GFP_KERNEL);

	if (!page)
		return -ENOMEM;
	memset(fp, 0, sizeof(*fp));
	fp->sectors = sectors;
	if (first)
		add_sample(origin, fp, 0, page);
	if (last)
		add_sample(origin, fp, (sectors - 1) / ES_BLOCK_SECTORS, page);
	/* Where neither can be read the origin is gone. */
	while ((fp->nr || !(first || last)) && fp->nr < ES_FP_SAMPLES) {
		chunk = find_next_zero_bit(copied, chunks, chunk);
		if (chunk >= chunks)
			break;
		add_sample(origin, fp, chunk * chunk_sectors / ES_BLOCK_SECTORS, page);
		chunk += stride;
	}
	__free_page(page);
	return fp->nr || !(first || last) ? 0 : -EIO;
}

int es_fingerprint_check(struct block_device *origin, u64 sectors,
			 const struct es_fingerprint *fp, bool *same)
{
	struct page *page = alloc_page(GFP_KERNEL);
	u32 i, crc = 0, unread = 0;
	int r;

	if (!page)
		return -ENOMEM;
	*same = true;
	for (i = 0; *same && i < fp->nr; i++) {
		/* The origin may have grown; the blocks it had must be the same. */
		if (fp->sample[i].block >= fp->sectors / ES_BLOCK_SECTORS + 1 ||
		    fp->sample[i].block * ES_BLOCK_SECTORS >= sectors) {
			*same = false;
			break;
		}
		r = sample_crc(origin, fp->sectors, fp->sample[i].block, page, &crc);
		if (r) {
			warn_unread(origin, fp->sample[i].block, r);
			unread++;
		} else if (crc != fp->sample[i].crc) {
			*same = false;
		}
	}
	__free_page(page);
	return unread == fp->nr ? -EIO : 0;
}
