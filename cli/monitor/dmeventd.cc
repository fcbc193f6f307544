// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/dmeventd.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <fcntl.h>
extern "C" {
#include <libdevmapper-event.h> // has none of its own
}
#include <libdevmapper.h>
#include <unistd.h>

#include <fmt/format.h>

#include "dm-ext/libdm.h"
#include "error.h"

namespace esnap {

namespace {

using namespace std::chrono_literals;

/* dmeventd finds it by this name in the library folder; packaging/ puts a link there. */
constexpr const char *plugin = "libdevmapper-event-lvm2esnapshot.so";
constexpr const char *plugin_path = ESNAP_LIBRARY_DIR "/libdevmapper-event-lvm2esnapshot.so";
constexpr std::array<const char *, 2> daemons{"/usr/sbin/dmeventd", "/sbin/dmeventd"};
constexpr const char *server_fifo = "/run/dmeventd-server";

/* How often the plugin is asked without an event. */
constexpr int look_seconds = 10;
constexpr auto confirm_pause = 100ms;
constexpr int confirm_tries = 100;

const char *find_daemon() {
    for (const char *path : daemons)
        if (::access(path, X_OK) == 0)
            return path;
    return nullptr;
}

/* Somebody reads the requests: dmeventd, or systemd, which would start it. */
bool is_served() {
    const int fd = ::open(server_fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return false;
    ::close(fd);
    return true;
}

std::string said; // what the library logged last; there is one thread here

[[gnu::format(printf, 5, 6)]] void collect(int level, const char *, int, int, const char *format,
                                           ...) {
    constexpr int level_mask = 0x07, error_level = 3;
    std::array<char, 512> text{};
    va_list arguments;

    if ((level & level_mask) > error_level)
        return;
    va_start(arguments, format);
    std::vsnprintf(text.data(), text.size(), format, arguments);
    va_end(arguments);
    said = text.data();
}

/* Gives libdevmapper another log function for a while; an object of LibDm takes it back. */
class LogScope {
public:
    LogScope() {
        said.clear();
        dm_log_with_errno_init(collect);
    }
    ~LogScope() { const dmext::LibDm again; }
    LogScope(const LogScope &) = delete;
    LogScope &operator=(const LogScope &) = delete;
};

struct HandlerCloser {
    void operator()(dm_event_handler *handler) const { dm_event_handler_destroy(handler); }
};
using Handler = std::unique_ptr<dm_event_handler, HandlerCloser>;

Handler handler_for(const std::string &uuid) {
    Handler handler(dm_event_handler_create());
    const char *daemon = find_daemon();

    if (!handler || dm_event_handler_set_dso(handler.get(), plugin) != 0 ||
        dm_event_handler_set_uuid(handler.get(), uuid.c_str()) != 0 ||
        (daemon != nullptr && dm_event_handler_set_dmeventd_path(handler.get(), daemon) != 0))
        throw Error("ask", "dmeventd", "out of memory");
    dm_event_handler_set_timeout(handler.get(), look_seconds);
    dm_event_handler_set_event_mask(
        handler.get(), static_cast<dm_event_mask>(DM_EVENT_ALL_ERRORS | DM_EVENT_TIMEOUT));
    return handler;
}

/* Nothing: it is not registered. Otherwise the events it is registered for. */
std::optional<unsigned> registered_events(const std::string &uuid) {
    const Handler handler = handler_for(uuid);

    if (dm_event_get_registered_device(handler.get(), 0) != 0)
        return {};
    return dm_event_handler_get_event_mask(handler.get());
}

/*
 * Registering says that it worked also when the plugin could not be loaded, and may still be
 * under way when it returns.
 */
bool confirm(const std::string &uuid) {
    for (int tries = 0; tries < confirm_tries; tries++) {
        const auto events = registered_events(uuid);
        if (!events)
            return false;
        if ((*events & DM_EVENT_REGISTRATION_PENDING) == 0)
            return true;
        std::this_thread::sleep_for(confirm_pause);
    }
    return false;
}

std::string cause(const char *otherwise) {
    return said.empty() ? otherwise : said;
}

} // namespace

std::string Dmeventd::obstacle() {
    if (find_daemon() == nullptr)
        return "dmeventd is not installed";
    if (::access(plugin_path, R_OK) != 0)
        return fmt::format("dmeventd's plugin {} is not there", plugin_path);
    return {};
}

bool Dmeventd::is_watched(const std::string &uuid) {
    if (!is_served())
        return false;
    const LogScope log;
    return registered_events(uuid).has_value();
}

void Dmeventd::watch(const std::string &uuid, const std::string &volume) {
    const std::string why_not = obstacle();
    if (!why_not.empty())
        throw Error("watch", volume, why_not, "install the packages dmeventd and esnap");
    const LogScope log;
    const Handler handler = handler_for(uuid);
    if (dm_event_register_handler(handler.get()) == 0)
        throw Error("watch", volume, cause("dmeventd refused it, or cannot be started"),
                    "the log of dmeventd says more");
    if (!confirm(uuid))
        throw Error("watch", volume,
                    cause("dmeventd has not taken it: its plugin cannot be loaded"),
                    "the log of dmeventd says more");
}

void Dmeventd::forget(const std::string &uuid, const std::string &volume) {
    if (!is_watched(uuid))
        return;
    const LogScope log;
    if (dm_event_unregister_handler(handler_for(uuid).get()) == 0)
        throw Error("stop watching", volume, cause("dmeventd refused it"),
                    "the log of dmeventd says more");
}

} // namespace esnap
