// SPDX-License-Identifier: GPL-2.0-only
#include "offline/probe.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include <blkid/blkid.h>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "error.h"
#include "offline/superblock.h"

namespace esnap {

namespace {

struct ProbeCloser {
    void operator()(blkid_struct_probe *probe) const { blkid_free_probe(probe); }
};
using Probe = std::unique_ptr<blkid_struct_probe, ProbeCloser>;

std::string value_of(const Probe &probe, const char *name) {
    const char *value = nullptr;
    if (blkid_probe_lookup_value(probe.get(), name, &value, nullptr) != 0 || !value)
        return {};
    return value;
}

std::string blkid_error() {
    return errno != 0 ? std::generic_category().message(errno) : "libblkid failed";
}

[[noreturn]] void fail(const std::string &path) {
    throw Error("format", path, fmt::format("it cannot be told what is on it: {}", blkid_error()),
                "give another device");
}

[[noreturn]] void fail_to_wipe(const std::string &path, const std::string &cause) {
    throw Error("wipe the signatures on", path, cause, "give another device");
}

// Asks libblkid; it opens the path itself because it cannot read with O_DIRECT.
std::optional<std::string> find_signature(const std::string &path) {
    const Probe probe(blkid_new_probe_from_filename(path.c_str()));
    if (!probe)
        fail(path);
    blkid_probe_enable_superblocks(probe.get(), 1);
    blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE);
    blkid_probe_enable_partitions(probe.get(), 1);
    const int answer = blkid_do_safeprobe(probe.get());
    if (answer == -2)
        return "signatures of several file systems or the like";
    if (answer < 0)
        fail(path);
    if (answer != 0)
        return {};
    const std::string type = value_of(probe, "TYPE"), table = value_of(probe, "PTTYPE");
    if (type.empty())
        return table.empty() ? std::optional<std::string>{}
                             : fmt::format("a partition table ({})", table);
    const bool is_filesystem = value_of(probe, "USAGE") == "filesystem";
    return fmt::format("{} {}", type, is_filesystem ? "file system" : "signature");
}

std::optional<std::string> find_store(const Device &device) {
    const Superblocks both = read_superblocks(device);
    if (both.valid())
        return fmt::format("already an esnapshot store of chain {} ({}, serial {})",
                           uuid_text(both.sb.chain_uuid), kind_text(both.sb.kind), both.sb.serial);
    if (both.fault != ES_FAULT_BLANK && both.fault != ES_FAULT_MAGIC)
        return fmt::format("an esnapshot superblock ({})", es_fault_text(both.fault));
    return {};
}

std::optional<std::string> find_data(const Device &device) {
    BlockBuffer head(std::min<std::uint64_t>(ES_DATA_BLOCK, device.blocks()));
    device.read(0, head.bytes());
    const auto bytes = head.bytes();
    const auto found = std::ranges::find_if(bytes, [](std::byte b) { return b != std::byte{0}; });
    if (found == bytes.end())
        return {};
    return fmt::format("data: byte {} is not zero", found - bytes.begin());
}

} // namespace

/*
 * libblkid finds the next one after it has wiped one, and in the same place again: what has two
 * copies, and what a signature hid. Its writes go through the page cache, whose pages of a device
 * may be older than what is there.
 */
void wipe_signatures(const Device &device) {
    constexpr int most = 1000;
    const std::string &path = device.name();

    errno = 0;
    const FileHandle file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (file.get() < 0)
        fail_to_wipe(path, blkid_error());
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    const Probe probe(blkid_new_probe());
    if (!probe || blkid_probe_set_device(probe.get(), file.get(), 0, 0) != 0)
        fail_to_wipe(path, blkid_error());
    blkid_probe_enable_superblocks(probe.get(), 1);
    blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_BADCSUM);
    blkid_probe_enable_partitions(probe.get(), 1);
    blkid_probe_set_partitions_flags(probe.get(), BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
    int answer = 0;
    for (int i = 0; i < most && (answer = blkid_do_probe(probe.get())) == 0; ++i)
        if (blkid_do_wipe(probe.get(), 0) < 0)
            fail_to_wipe(path, blkid_error());
    if (answer < 0 || ::fsync(file.get()) != 0)
        fail_to_wipe(path, blkid_error());
    if (const auto left = find_signature(path))
        fail_to_wipe(path, *left + " cannot be wiped");
}

std::optional<std::string> find_content(const Device &device) {
    if (auto store = find_store(device))
        return store;
    if (auto signature = find_signature(device.name()))
        return signature;
    return find_data(device);
}

} // namespace esnap
