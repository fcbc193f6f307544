// SPDX-License-Identifier: GPL-2.0-only
#include "volumes/protect.h"

#include "volumes/chain.h"

namespace esnap {

namespace {

/* Tags for what differs from LVM's own defaults. */
void add_kept(Words &words, const char *how, const ActivationFlags &users) {
    if (users.is_skipped)
        words.insert(words.end(), {how, tag::had_skip});
    if (!users.is_autoactivated)
        words.insert(words.end(), {how, tag::had_no_autoactivation});
}

} // namespace

ActivationFlags user_flags(const Lv &lv) {
    if (!lv.has_tag(tag::origin_kind))
        return {.is_skipped = lv.is_skipped, .is_autoactivated = lv.is_autoactivated};
    return {.is_skipped = lv.has_tag(tag::had_skip),
            .is_autoactivated = !lv.has_tag(tag::had_no_autoactivation)};
}

Words protect_lv(const std::string &path, const ActivationFlags &users) {
    Words words{"lvchange", "-y", "--addtag", tag::origin_kind};

    add_kept(words, "--addtag", users);
    words.insert(words.end(), {"-ky", "--setautoactivation", "n", path});
    return words;
}

Words release_lv(const std::string &path, const ActivationFlags &users) {
    Words words{"lvchange", "-y", "--deltag", tag::origin_kind};

    add_kept(words, "--deltag", users);
    words.insert(words.end(), {users.is_skipped ? "-ky" : "-kn", "--setautoactivation",
                               users.is_autoactivated ? "y" : "n", path});
    return words;
}

} // namespace esnap
