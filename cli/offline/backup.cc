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
#include "offline/json.h"

namespace esnap {

namespace {

constexpr const char *magic = "esnap repair backup 1";
constexpr const char *saving = "write the backup";
constexpr const char *reading = "read the backup";

/** A new file that only its owner reads; what was written is durable after sync(). */
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
    std::uint64_t bytes = 0;
    std::vector<std::uint64_t> addrs;
    std::vector<char> data;
};

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
    Backup backup{.bytes = head.at("bytes"), .addrs = head.at("blocks"), .data = {}};
    backup.data.assign(std::istreambuf_iterator<char>(file), {});
    if (backup.data.size() != backup.addrs.size() * ES_BLOCK_SIZE)
        throw Error(reading, path, "it is cut short");
    return backup;
} catch (const nlohmann::json::exception &) {
    throw Error(reading, path, "its second line is damaged");
}

} // namespace

void save_backup(const BlockSource &source, const RepairPlan &plan, const std::string &path) {
    std::vector<std::uint64_t> addrs;
    std::string data;

    for (const Mend &mend : plan.mends) {
        for (std::uint64_t i = 0; i < mend.data.size() / ES_BLOCK_SIZE; ++i) {
            BlockBuffer block(1);
            try {
                source.read(mend.addr + i, block.bytes());
            } catch (const Error &) {
                continue;
            }
            addrs.push_back(mend.addr + i);
            data.append(reinterpret_cast<const char *>(block.data()), ES_BLOCK_SIZE);
        }
    }
    const Json head = {{"uuid", plan.uuid}, {"bytes", source.bytes()}, {"blocks", addrs}};
    const std::string text = fmt::format("{}\n{}\n", magic, to_text(head));
    NewFile file(path);
    file.write(text.data(), text.size());
    file.write(data.data(), data.size());
    file.sync();
}

/* In the order of the repair reversed: the superblock first. */
std::size_t restore_backup(Device &device, const std::string &path) {
    const Backup backup = read_backup(path);

    if (backup.bytes != device.bytes())
        throw Error(reading, path,
                    fmt::format("it is of a device of {} bytes, {} has {}", backup.bytes,
                                device.name(), device.bytes()));
    for (const std::uint64_t addr : backup.addrs)
        if (addr >= device.blocks())
            throw Error(reading, path, fmt::format("block {} is behind the device's end", addr));
    for (std::size_t i = backup.addrs.size(); i-- > 0;)
        device.write(
            backup.addrs[i],
            std::as_bytes(std::span(backup.data).subspan(i * ES_BLOCK_SIZE, ES_BLOCK_SIZE)));
    device.flush();
    return backup.addrs.size();
}

} // namespace esnap
