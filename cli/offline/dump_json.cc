// SPDX-License-Identifier: GPL-2.0-only
//
// A dump for programs. One JSON object, written as it is read; the keys are an interface:
//
//   device       {path, bytes}
//   superblock   its fields, and copies [{copy, offset, generation|null, fault|null, counts}]
//   log          {segments [{number, offset, blocks, used_blocks, summary|null, records, gaps}],
//                 end {complete, segment, used_blocks, next_seq, extents, payload_bytes,
//                      fault|null, fault_offset|null}}
//   index        null or {offset, blocks, extents_total, extents, faults}
//
// Single extents (records' and the index') are there only if asked for.
#include "offline/dumper.h"

#include "offline/json.h"

namespace esnap {

namespace {

Json uuid_or_null(const std::uint8_t *uuid) {
    return es_uuid_is_null(uuid) ? Json(nullptr) : Json(uuid_text(uuid));
}

/** Why something could not be had; null if it could. */
Json fault_json(es_fault fault, const std::string &read_error) {
    if (!read_error.empty())
        return read_error;
    return fault == ES_OK ? Json(nullptr) : Json(es_fault_text(fault));
}

Json copy_json(const SuperblockCopy &copy, bool counts) {
    return {{"copy", std::string(1, copy.letter)},
            {"offset", byte_offset(copy.addr)},
            {"generation", copy.valid() ? Json(copy.sb.generation) : Json(nullptr)},
            {"fault", fault_json(copy.fault, copy.read_error)},
            {"counts", counts}};
}

Json chunkmap_json(const es_chunkmap &map) {
    return {{"addr", map.addr},       {"blocks", map.blocks},
            {"crc", map.crc},         {"segment", map.segment},
            {"extents", map.extents}, {"payload_blocks", map.payload_blocks}};
}

Json fingerprint_json(const es_fingerprint &fp) {
    Json samples = Json::array();
    for (std::uint32_t i = 0; i < fp.nr; ++i)
        samples.push_back({{"block", fp.sample[i].block}, {"crc", fp.sample[i].crc}});
    return {{"sectors", fp.sectors}, {"samples", samples}};
}

Json superblock_json(const Superblocks &both) {
    const es_sb &sb = both.sb;
    return {{"copies",
             {copy_json(both.a, both.from == both.a.addr),
              copy_json(both.b, both.from == both.b.addr)}},
            {"kind", kind_text(sb.kind)},
            {"state", state_text(sb.state)},
            {"attached", (sb.flags & ES_SB_ATTACHED) != 0},
            {"suspect", (sb.flags & ES_SB_SUSPECT) != 0},
            {"generation", sb.generation},
            {"epoch", sb.epoch},
            {"store_uuid", uuid_text(sb.store_uuid)},
            {"chain_uuid", uuid_text(sb.chain_uuid)},
            {"link_uuid", uuid_or_null(sb.link_uuid)},
            {"next_uuid", uuid_or_null(sb.next_uuid)},
            {"snapshot_uuid", uuid_or_null(sb.snapshot_uuid)},
            {"journal_uuid", uuid_or_null(sb.journal_uuid)},
            {"created", sb.created},
            {"serial", sb.serial},
            {"nr_snapshots", sb.nr_snapshots},
            {"chunk_sectors", sb.chunk_sectors},
            {"segment_blocks", sb.segment_blocks},
            {"device_blocks", sb.device_blocks},
            {"origin_sectors", sb.origin_sectors},
            {"origin_logical_block_bytes", sb.origin_lbs},
            {"tail_seq", sb.tail_seq},
            {"index_addr", sb.index_addr},
            {"index_blocks", sb.index_blocks},
            {"index_extents", sb.index_extents},
            {"payload_blocks", sb.payload_blocks},
            {"chunk_map", sb.map.addr ? chunkmap_json(sb.map) : Json(nullptr)},
            {"fingerprint", sb.fp.nr ? fingerprint_json(sb.fp) : Json(nullptr)}};
}

Json extent_json(const es_extent &extent) {
    return {{"chunk", extent.chunk},
            {"nr", extent.nr},
            {"addr", std::uint64_t{extent.addr}},
            {"crc", extent.crc},
            {"zero", (extent.flags & ES_EXT_ZERO) != 0},
            {"bad", (extent.flags & ES_EXT_BAD) != 0},
            {"no_crc", (extent.flags & ES_EXT_NO_CRC) != 0}};
}

Json extents_json(std::span<const es_extent> extents) {
    Json list = Json::array();
    for (const es_extent &extent : extents)
        list.push_back(extent_json(extent));
    return list;
}

Json summary_json(const Summary &summary) {
    if (summary.status == Summary::Status::absent)
        return nullptr;
    Json json = {{"offset", byte_offset(summary.addr)}, {"fault", nullptr}};
    if (!summary.valid()) {
        json["fault"] = fault_json(summary.fault, summary.read_error);
        return json;
    }
    json["blocks"] = summary.footer.nr_blocks;
    json["seq"] = summary.footer.seq;
    json["epoch"] = summary.footer.epoch;
    json["extents_total"] = summary.extents.size();
    return json;
}

Json gap_json(const Gap &gap) {
    return {{"offset", byte_offset(gap.addr)},
            {"fault", fault_json(gap.fault, gap.read_error)},
            {"expected_seq", gap.expected_seq ? Json(gap.expected_seq) : Json(nullptr)},
            {"next_seq", gap.next_seq ? Json(*gap.next_seq) : Json(nullptr)}};
}

class JsonDump final : public DumpWriter {
public:
    JsonDump(std::ostream &out, bool with_extents) : out_(out), with_extents_(with_extents) {}

    void superblocks(const BlockSource &source, const Superblocks &both) override {
        out_ << "{\n\"device\": "
             << to_text(Json{{"path", source.name()}, {"bytes", source.bytes()}})
             << ",\n\"superblock\": " << to_text(superblock_json(both), 2)
             << ",\n\"log\": {\n\"segments\": [";
    }

    void segment(const Segment &segment) override {
        Json records = Json::array(), gaps = Json::array();
        for (const Record &record : segment.records)
            records.push_back(record_json(record));
        for (const Gap &gap : segment.gaps)
            gaps.push_back(gap_json(gap));
        separate();
        out_ << to_text({{"number", segment.number},
                         {"offset", byte_offset(segment.start)},
                         {"blocks", segment.len},
                         {"used_blocks", segment.used},
                         {"summary", summary_json(segment.summary)},
                         {"records", std::move(records)},
                         {"gaps", std::move(gaps)}});
    }

    void log_end(const ReplayResult &replay) override {
        const es_log &log = replay.log;
        const Json fault = fault_json(replay.fault, replay.read_error);
        const Json end = {{"complete", replay.done},
                          {"segment", log.segment},
                          {"used_blocks", log.used},
                          {"next_seq", log.seq},
                          {"extents", log.nr_extents},
                          {"payload_bytes", byte_offset(log.payload_blocks)},
                          {"fault", fault},
                          {"fault_offset",
                           fault.is_null() ? Json(nullptr) : Json(byte_offset(replay.fault_addr))}};
        out_ << "\n],\n\"end\": " << to_text(end) << "\n}";
    }

    void index_begin(const es_sb &sb) override {
        index_ = {{"offset", byte_offset(sb.index_addr)},
                  {"blocks", sb.index_blocks},
                  {"extents_total", sb.index_extents},
                  {"faults", Json::array()}};
        out_ << ",\n\"index\": {\n\"extents\": [";
        first_ = true;
    }

    void index_block(std::uint64_t addr, const std::string &fault,
                     std::span<const es_extent> extents) override {
        if (!fault.empty())
            index_["faults"].push_back({{"offset", byte_offset(addr)}, {"fault", fault}});
        if (!with_extents_)
            return;
        for (const es_extent &extent : extents) {
            separate();
            out_ << to_text(extent_json(extent));
        }
    }

    void index_end() override {
        out_ << "\n]";
        for (const auto &[key, value] : index_.items())
            out_ << ",\n" << to_text(key) << ": " << to_text(value);
        out_ << "\n}";
        has_index_ = true;
    }

    void finish() override {
        if (!has_index_)
            out_ << ",\n\"index\": null";
        out_ << "\n}\n";
    }

private:
    // Before an element of a list that is written as it comes.
    void separate() {
        out_ << (first_ ? "\n" : ",\n");
        first_ = false;
    }

    Json record_json(const Record &record) const {
        Json json = {{"offset", byte_offset(record.head.addr)},
                     {"addr", record.head.addr},
                     {"seq", record.head.seq},
                     {"epoch", record.head.epoch},
                     {"payload_blocks", record.head.nr_blocks},
                     {"extents_total", record.extents.size()}};
        if (with_extents_)
            json["extents"] = extents_json(record.extents);
        return json;
    }

    std::ostream &out_;
    bool with_extents_;
    bool first_ = true;
    bool has_index_ = false;
    Json index_;
};

} // namespace

std::unique_ptr<DumpWriter> make_json_dump(std::ostream &out, bool with_extents) {
    return std::make_unique<JsonDump>(out, with_extents);
}

} // namespace esnap
