// SPDX-License-Identifier: GPL-2.0-only
#include "lvm/lvm_conf.h"

#include <cstdlib>
#include <fstream>
#include <system_error>

namespace esnap {

namespace fs = std::filesystem;

namespace {

bool file_mentions(const fs::path &file, const std::string &word) {
    std::ifstream stream(file);

    for (std::string line; std::getline(stream, line);)
        if (line.substr(0, line.find('#')).find(word) != std::string::npos)
            return true;
    return !stream.eof();
}

} // namespace

fs::path lvm_conf_directory() {
    const char *directory = std::getenv("LVM_SYSTEM_DIR");

    return directory != nullptr ? directory : "/etc/lvm";
}

/* lvm.conf, lvmlocal.conf, and those of host tags (lvm_TAG.conf). */
bool lvm_conf_mentions(const fs::path &directory, const std::string &word) {
    std::error_code error;
    fs::directory_iterator entry(directory, error);

    if (error)
        return error != std::errc::no_such_file_or_directory;
    for (; entry != fs::directory_iterator(); entry.increment(error))
        if (entry->path().extension() == ".conf" && file_mentions(entry->path(), word))
            return true;
    return bool(error);
}

} // namespace esnap
