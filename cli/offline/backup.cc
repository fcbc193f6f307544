// SPDX-License-Identifier: GPL-2.0-only
#include "offline/backup.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "error.h"
#include "offline/journal.h"
#include "offline/json.h"
#include "offline/superblock.h"

namespace esnap {

namespace {

constexpr const char *magic = "esnap repair backup 2";
constexpr const char *saving = "write the backup";
constexpr const char *reading = "read the backup";

/** A new file that only its owner reads; it and what was written are durable after sync(). */
class NewFile {
public:
    explicit NewFile(const std::string &path)
        : path_(path), fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
        if (fd_ < 0)
            fail();
    }
    ~NewFile() { ::close(fd_); }
    NewFile(const NewFile &) = delete;
    NewFile &operator=(const NewFile &) = delete;

    void write(const char *data, std::size_t size) {
        while (size > 0) {
            const ssize_t n = ::write(fd_, data, size);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                fail();
            data += n;
            size -= static_cast<std::size_t>(n);
        }
    }
    void sync() {
        if (::fsync(fd_) < 0)
            fail();
        const auto parent = std::filesystem::absolute(path_).parent_path();
        const int folder = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0)
            fail();
        const int answer = ::fsync(folder), code = errno;
        ::close(folder);
        errno = code;
        if (answer < 0)
            fail();
    }

private:
    [[noreturn]] void fail() const {
        throw Error(saving, path_, std::generic_category().message(errno),
                    "choose another file with --backup");
    }

    std::string path_;
    int fd_;
};

struct Backup {
    std::string uuid;
    std::uint64_t bytes = 0;
    std::vector<std::uint64_t> addrs;
    std::vector<std::uint32_t> saved;  /**< checksum of each block */
    std::vector<std::uint32_t> mended; /**< of what was written there */
    std::size_t left_out = 0;
    std::vector<char> data;

    ConstBytes block(std::size_t i) const {
        return std::as_bytes(std::span(data).subspan(i * ES_BLOCK_SIZE, ES_BLOCK_SIZE));
    }
};

std::uint32_t checksum(const std::byte *block) {
    return es_crc32c(~std::uint32_t{0}, block, ES_BLOCK_SIZE);
}

Backup read_backup(const std::string &path) try {
    std::ifstream file(path, std::ios::binary);
    std::string first, json;

    if (!file)
        throw Error(reading, path, std::generic_category().message(errno));
    std::getline(file, first);
    std::getline(file, json);
    if (first != magic)
        throw Error(reading, path, "it is no backup of esnap repair");
    const Json head = Json::parse(json);
    Backup backup{.uuid = head.at("uuid"),
                  .bytes = head.at("bytes"),
                  .addrs = head.at("blocks"),
                  .saved = head.at("saved"),
                  .mended = head.at("mended"),
                  .left_out = head.at("left_out"),
                  .data = {}};
    backup.data.assign(std::istreambuf_iterator<char>(file), {});
    if (backup.data.size() != backup.addrs.size() * ES_BLOCK_SIZE)
        throw Error(reading, path, "it is cut short");
    if (backup.saved.size() != backup.addrs.size() || backup.mended.size() != backup.addrs.size())
        throw Error(reading, path, "its second line is damaged");
    for (std::size_t i = 0; i < backup.addrs.size(); ++i)
        if (checksum(backup.block(i).data()) != backup.saved[i])
            throw Error(reading, path,
                        fmt::format("what it has of block {} is damaged", backup.addrs[i]));
    return backup;
} catch (const nlohmann::json::exception &) {
    throw Error(reading, path, "its second line is damaged");
}

std::string uuid_of(const BlockSource &source) {
    return is_journal(source) ? uuid_text(load_journal_superblock(source).journal_uuid)
                              : uuid_text(load_superblock(source).store_uuid);
}

/* Every block is as the repair left it, or as it was before. */
void require_unchanged(const Device &device, const Backup &backup, const std::string &path) {
    constexpr const char *remedy = "what is there is in use now; nothing was put back";

    if (backup.bytes != device.bytes())
        throw Error(reading, path,
                    fmt::format("it is of a device of {} bytes, {} has {}", backup.bytes,
                                device.name(), device.bytes()));
    if (const std::string uuid = uuid_of(device); uuid != backup.uuid)
        throw Error(reading, path,
                    fmt::format("it is of {}, {} is {}", backup.uuid, device.name(), uuid));
    for (std::size_t i = 0; i < backup.addrs.size(); ++i) {
        BlockBuffer block(1);
        if (backup.addrs[i] >= device.blocks())
            throw Error(reading, path,
                        fmt::format("block {} is behind the device's end", backup.addrs[i]));
        device.read(backup.addrs[i], block.bytes());
        const std::uint32_t now = checksum(block.data());
        if (now != backup.mended[i] && now != backup.saved[i])
            throw Error(reading, path,
                        fmt::format("block {} of {} has been written since the repair",
                                    backup.addrs[i], device.name()),
                        remedy);
    }
}

} // namespace

std::size_t save_backup(const BlockSource &source, const RepairPlan &plan,
                        const std::string &path) {
    std::vector<std::uint64_t> addrs;
    std::vector<std::uint32_t> saved, mended;
    std::size_t left_out = 0;
    std::string data;

    for (const Mend &mend : plan.mends) {
        for (std::uint64_t i = 0; i < mend.data.size() / ES_BLOCK_SIZE; ++i) {
            BlockBuffer block(1);
            try {
                source.read(mend.addr + i, block.bytes());
            } catch (const Error &) {
                ++left_out;
                continue;
            }
            addrs.push_back(mend.addr + i);
            saved.push_back(checksum(block.data()));
            mended.push_back(checksum(mend.data.data() + i * ES_BLOCK_SIZE));
            data.append(reinterpret_cast<const char *>(block.data()), ES_BLOCK_SIZE);
        }
    }
    const Json head = {{"uuid", plan.uuid}, {"bytes", source.bytes()}, {"blocks", addrs},
                       {"saved", saved},    {"mended", mended},        {"left_out", left_out}};
    const std::string text = fmt::format("{}\n{}\n", magic, to_text(head));
    NewFile file(path);
    file.write(text.data(), text.size());
    file.write(data.data(), data.size());
    file.sync();
    return left_out;
}

/* In the order of the repair reversed: the superblock first. */
Restored restore_backup(Device &device, const std::string &path) {
    const Backup backup = read_backup(path);

    require_unchanged(device, backup, path);
    for (std::size_t i = backup.addrs.size(); i-- > 0;)
        device.write(backup.addrs[i], backup.block(i));
    device.flush();
    return {.blocks = backup.addrs.size(), .left_out = backup.left_out};
}

} // namespace esnap
