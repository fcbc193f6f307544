/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only file that knows kernel from user space.
 *
 * Everything in core/ is compiled three times: into the module, into
 * libesnap_core.a and into the tests and fuzzers.  It uses the types and
 * helpers of this file and nothing else: no allocation, no lock, no I/O.
 */
#ifndef ES_ENV_H
#define ES_ENV_H

#ifdef __KERNEL__

#ifndef CONFIG_64BIT
#error "esnapshot needs a 64-bit kernel"
#endif

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/types.h>
#include <linux/string.h>
#include <linux/crc32c.h>
#include <asm/byteorder.h>

#define ES_STATIC_ASSERT(cond, text) static_assert(cond, text)

/* Raw CRC-32C step (no inversion before or after). */
static inline u32 es_crc32c(u32 crc, const void *buf, size_t len)
{
	return crc32c(crc, buf, len);
}

#else /* user space */

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef uint16_t __le16;
typedef uint32_t __le32;
typedef uint64_t __le64;

#define BIT(nr) (1ul << (nr))
#define BIT_ULL(nr) (1ull << (nr))

#define cpu_to_le16(x) htole16(x)
#define cpu_to_le32(x) htole32(x)
#define cpu_to_le64(x) htole64(x)
#define le16_to_cpu(x) le16toh(x)
#define le32_to_cpu(x) le32toh(x)
#define le64_to_cpu(x) le64toh(x)

#ifdef __cplusplus
#define ES_STATIC_ASSERT(cond, text) static_assert(cond, text)
#else
#define ES_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#endif

#ifndef __packed
#define __packed __attribute__((packed))
#endif
#ifndef __aligned
#define __aligned(x) __attribute__((aligned(x)))
#endif

/*
 * Raw CRC-32C step (no inversion before or after), supplied by the program
 * that links the library.
 */
#ifdef __cplusplus
extern "C" u32 es_crc32c(u32 crc, const void *buf, size_t len);
#else
u32 es_crc32c(u32 crc, const void *buf, size_t len);
#endif

#endif /* __KERNEL__ */

/* CRC-32C (Castagnoli) as RFC 3720 B.4 defines it, in one call. */
static inline u32 es_checksum(const void *buf, size_t len)
{
	return ~es_crc32c(~(u32)0, buf, len);
}

#ifdef __cplusplus
#define ES_BEGIN_DECLS extern "C" {
#define ES_END_DECLS }
#else
#define ES_BEGIN_DECLS
#define ES_END_DECLS
#endif

#endif /* ES_ENV_H */
