// SPDX-License-Identifier: GPL-2.0-only
#include "monitor/service.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <system_error>

#include <poll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "dm-ext/device.h"
#include "dm-ext/error.h"
#include "dm-ext/events.h"
#include "error.h"
#include "watching/area.h"

namespace esnap {

namespace {

using namespace std::chrono_literals;
using Severity = WatchedWorld::Severity;

/* How often an area is looked at without an event. */
constexpr auto look_pause = 10s;

/** One area, found by its uuid: it may be renamed. */
class Area : public WatchedWorld {
public:
    Area(dmext::DmApi &dm, std::string uuid, const MonitorService::World &world)
        : dm_(dm), uuid_(std::move(uuid)), world_(world) {}

    std::optional<Sample> look() override {
        const auto name = dmext::Device::name_of(dm_, uuid_);
        const dmext::Table status = name ? dmext::Device(dm_, *name).status() : dmext::Table{};

        return status.empty() ? std::nullopt : sample_of(*name, status.front());
    }
    Outcome extend(const std::string &volume) override { return world_.extend(volume); }
    void log(Severity severity, const std::string &text) override { world_.log(severity, text); }
    policy::Clock::time_point now() override { return policy::Clock::now(); }

private:
    dmext::DmApi &dm_;
    std::string uuid_;
    const MonitorService::World &world_;
};

/* Looks on every event of the device, until it is gone, renamed, or @stop says so. */
void follow(dmext::DmApi &dm, const std::stop_token &stop, const std::string &name,
            Watcher &watcher) {
    dmext::EventWaiter events(dmext::Device(dm, name));
    const std::stop_callback wake(stop, [&] { events.interrupt(); });

    while (!stop.stop_requested()) {
        watcher.look();
        events.wait(look_pause);
    }
}

void pause_unless(const std::stop_token &stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);

    never.wait_for(lock, stop, look_pause, [] { return false; });
}

class Descriptor {
public:
    Descriptor(int fd, const std::string &what) : fd_(fd) {
        if (fd < 0)
            throw Error("watch", what, std::generic_category().message(errno));
    }
    ~Descriptor() { ::close(fd_); }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;

    int get() const { return fd_; }
    /** Reads what is there and forgets it. */
    void drain() const {
        std::array<char, 4096> buffer;
        while (::read(fd_, buffer.data(), buffer.size()) > 0)
            ;
    }

private:
    int fd_;
};

} // namespace

MonitorService::MonitorService(dmext::DmApi &dm, WatchList list, World world)
    : dm_(dm), list_(std::move(list)), world_(std::move(world)) {}

MonitorService::~MonitorService() {
    for (auto &[uuid, watch] : watches_)
        watch->thread.request_stop();
}

void MonitorService::follow_list() {
    const std::set<std::string> wanted = list_.all();

    std::erase_if(ending_, [](const auto &watch) { return watch->is_done.load(); });
    for (auto &[uuid, watch] : watches_)
        if (!wanted.contains(uuid)) {
            watch->thread.request_stop();
            ending_.push_back(std::move(watch));
        }
    std::erase_if(watches_, [](const auto &entry) { return entry.second == nullptr; });
    for (const std::string &uuid : wanted)
        if (!watches_.contains(uuid))
            watches_.emplace(uuid, begin(uuid));
}

std::unique_ptr<MonitorService::Watch> MonitorService::begin(const std::string &uuid) {
    auto begun = std::make_unique<Watch>();

    begun->thread = std::jthread([this, uuid, &done = begun->is_done](const std::stop_token &stop) {
        watch(stop, uuid);
        done = true;
    });
    return begun;
}

/* Nothing leaves a thread; each reason is told once until the device has been there again. */
void MonitorService::watch(const std::stop_token &stop, const std::string &uuid) {
    Area area(dm_, uuid, world_);
    Watcher watcher(area);
    std::string told;

    while (!stop.stop_requested()) {
        try {
            if (const auto name = dmext::Device::name_of(dm_, uuid)) {
                world_.log(Severity::info, fmt::format("{} is watched from now on", *name));
                told.clear();
                follow(dm_, stop, *name, watcher);
                continue;
            }
        } catch (const dmext::Error &error) {
            if (error.code() == ENXIO)
                continue; // renamed or removed: the next look tells
            if (told != error.what())
                world_.log(Severity::warning, told = error.what());
        } catch (const std::exception &error) {
            if (told != error.what())
                world_.log(Severity::warning, told = error.what());
        }
        pause_unless(stop);
    }
}

void run_until_signal(const WatchList &list, const std::function<void()> &changed) {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    // Threads that begin later inherit it: the signal is read here, and nowhere else.
    ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);
    const Descriptor signals(::signalfd(-1, &ending, SFD_CLOEXEC), "signals");
    const Descriptor notes(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK), list.directory());
    if (::inotify_add_watch(notes.get(), list.directory().c_str(), IN_CREATE | IN_DELETE) < 0)
        throw Error("watch", list.directory(), std::generic_category().message(errno));

    for (;;) {
        notes.drain(); // before the list is read: what changes then is seen the next time
        changed();
        std::array<pollfd, 2> ready{{{signals.get(), POLLIN, 0}, {notes.get(), POLLIN, 0}}};
        while (::poll(ready.data(), ready.size(), -1) < 0)
            if (errno != EINTR)
                throw Error("watch", list.directory(), std::generic_category().message(errno));
        if (ready[0].revents != 0)
            return;
    }
}

} // namespace esnap
