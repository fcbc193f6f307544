// SPDX-License-Identifier: GPL-2.0-only
#include "offline/probe.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include <blkid/blkid.h>
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

[[noreturn]] void fail(const std::string &path) {
    throw Error(
        "format", path,
        fmt::format("it cannot be told whether it is blank: {}",
                    errno != 0 ? std::generic_category().message(errno) : "libblkid failed"),
        "--force overwrites it, whatever it has");
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

std::optional<std::string> find_content(const Device &device) {
    if (auto store = find_store(device))
        return store;
    if (auto signature = find_signature(device.name()))
        return signature;
    return find_data(device);
}

} // namespace esnap
