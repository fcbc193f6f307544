// SPDX-License-Identifier: GPL-2.0-only
//
// Not libdevmapper's WAITEVENT: that blocks in the kernel, where neither a time limit nor
// another thread can end it without a signal. The counter behind poll() is the sum over all
// devices, so a wake-up says only that it is time to look.
#include "control_events.h"

#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dm-ioctl.h>

#include "dm-ext/error.h"

namespace dmext {

namespace {

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0)
            close(fd_);
    }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;

    int get() const { return fd_; }

private:
    int fd_;
};

[[noreturn]] void fail(const std::string &control, int code, std::string remedy = {}) {
    throw Error("wait for events on", control, std::strerror(code), std::move(remedy), code);
}

class ControlEvents : public EventSource {
public:
    explicit ControlEvents(const std::string &path)
        : path_(path), control_(open(path.c_str(), O_RDWR | O_CLOEXEC)),
          interrupt_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (control_.get() < 0)
            fail(path_, errno, "is device-mapper loaded, and are you root?");
        if (interrupt_.get() < 0)
            fail(path_, errno);
    }

    void arm() override {
        dm_ioctl parameters{};

        parameters.version[0] = 4;
        parameters.version[1] = 37; // the first that has this call
        parameters.data_size = sizeof(parameters);
        if (ioctl(control_.get(), DM_DEV_ARM_POLL, &parameters) < 0)
            fail(path_, errno);
    }

    Wake wait(std::chrono::milliseconds timeout) override {
        pollfd ready[2] = {{interrupt_.get(), POLLIN, 0}, {control_.get(), POLLIN, 0}};
        const auto limit = std::min<std::chrono::milliseconds::rep>(timeout.count(), INT_MAX);
        const int found = poll(ready, 2, timeout.count() < 0 ? -1 : static_cast<int>(limit));

        /* A signal may be meant to end the wait; whoever does not care calls again. */
        if (found < 0 && errno == EINTR)
            return Wake::interrupted;
        if (found < 0)
            fail(path_, errno);
        if (found == 0)
            return Wake::timeout;
        if (ready[0].revents != 0) {
            eventfd_t count = 0;
            eventfd_read(interrupt_.get(), &count);
            return Wake::interrupted;
        }
        return Wake::event;
    }

    void interrupt() override { eventfd_write(interrupt_.get(), 1); }

private:
    std::string path_;
    Descriptor control_;
    Descriptor interrupt_;
};

} // namespace

std::unique_ptr<EventSource> open_control_events(const std::string &control) {
    return std::make_unique<ControlEvents>(control);
}

} // namespace dmext
