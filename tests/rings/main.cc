// SPDX-License-Identifier: GPL-2.0-only
//
// esnap-rings JOURNAL ORIGIN_SECTORS FOLDER: for the journal formatted on JOURNAL, writes rings
// of all kinds to FOLDER, for tests/vm/journal_ring.sh:
//   NAME.ring    the whole device
//   NAME.origin  an origin of zeros after its replay
//   NAME.list    what core's walk finds, as one line of text for each record and entry
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>

#include <fmt/ostream.h>

#include "support/rings.h"

namespace {

using namespace esnap::test;

es_jsb superblock_on(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    Block a, b;
    es_jsb sb{};
    file.seekg(ES_SB_A_BLOCK << ES_BLOCK_SHIFT);
    file.read(reinterpret_cast<char *>(a.data()), ES_BLOCK_SIZE);
    file.seekg(ES_SB_B_BLOCK << ES_BLOCK_SHIFT);
    file.read(reinterpret_cast<char *>(b.data()), ES_BLOCK_SIZE);
    if (!file || es_jsb_pick(&sb, a.data(), b.data(), nullptr) != ES_OK)
        throw std::runtime_error("no journal on " + path);
    return sb;
}

void save(const std::string &path, const void *data, std::size_t size) {
    std::ofstream file(path, std::ios::binary);
    file.write(static_cast<const char *>(data), static_cast<std::streamsize>(size));
    if (!file.flush())
        throw std::runtime_error("cannot write " + path);
}

void save_list(const std::string &path, const std::vector<JournalRecord> &records) {
    std::ofstream file(path);
    for (const JournalRecord &record : records) {
        fmt::print(file, "{} {} {} {}\n", record.rec.seq, record.rec.addr, record.rec.type,
                   record.rec.nr_blocks);
        for (const es_jentry &e : record.entries)
            fmt::print(file, "  {} {} {} {} {}\n", e.op, e.sector, e.nr, e.addr, e.crc);
    }
}

void save(const Ring &ring, const std::string &base) {
    std::vector<std::uint8_t> bytes(ring.device.blocks() << ES_BLOCK_SHIFT);
    ring.device.read(0, bytes);
    save(base + ".ring", bytes.data(), bytes.size());
    save(base + ".origin", ring.origin.data(), ring.origin.size());
    save_list(base + ".list", ring.records);
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 4) {
        std::fprintf(stderr, "usage: esnap-rings JOURNAL ORIGIN_SECTORS FOLDER\n");
        return 3;
    }
    try {
        for (const Ring &ring : make_rings(superblock_on(argv[1]), std::stoull(argv[2])))
            save(ring, std::string(argv[3]) + "/" + ring.name);
    } catch (const std::exception &e) {
        std::fprintf(stderr, "esnap-rings: %s\n", e.what());
        return 1;
    }
    return 0;
}
