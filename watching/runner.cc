// SPDX-License-Identifier: GPL-2.0-only
#include "watching/runner.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace esnap {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto check_pause = 20ms;
constexpr auto grace = 5s;
constexpr std::size_t most_output = 4096;

/*
 * Takes the output. Not a pipe: were the daemon killed, the next word of the program would kill
 * the program, in the middle of its work.
 */
class OutputFile {
public:
    OutputFile() : fd_(::memfd_create("esnap-output", MFD_CLOEXEC)) {}
    ~OutputFile() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    OutputFile(const OutputFile &) = delete;
    OutputFile &operator=(const OutputFile &) = delete;

    int get() const { return fd_; }

    std::string text() const {
        std::array<char, most_output> buffer{};
        const ssize_t n = ::pread(fd_, buffer.data(), buffer.size(), 0);
        const std::string all(buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
        const std::size_t first = all.find_first_not_of(" \n");
        if (first == std::string::npos)
            return {};
        return all.substr(first, all.find_last_not_of(" \n") - first + 1);
    }

private:
    int fd_;
};

class SpawnActions {
public:
    explicit SpawnActions(int output) {
        error_ = ::posix_spawn_file_actions_init(&actions_);
        add(::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0));
        add(::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO));
        add(::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO));
        add(::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1));
    }
    ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    SpawnActions(const SpawnActions &) = delete;
    SpawnActions &operator=(const SpawnActions &) = delete;

    const posix_spawn_file_actions_t *get() const { return &actions_; }
    int error() const { return error_; }

private:
    void add(int error) { error_ = error_ != 0 ? error_ : error; }

    posix_spawn_file_actions_t actions_{};
    int error_ = 0;
};

class SpawnAttributes {
public:
    SpawnAttributes() {
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        error_ = ::posix_spawnattr_init(&attributes_);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                     POSIX_SPAWN_SETPGROUP);
    }
    ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
    SpawnAttributes(const SpawnAttributes &) = delete;
    SpawnAttributes &operator=(const SpawnAttributes &) = delete;

    const posix_spawnattr_t *get() const { return &attributes_; }
    int error() const { return error_; }

private:
    posix_spawnattr_t attributes_{};
    int error_ = 0;
};

std::vector<char *> pointers_to(const std::vector<std::string> &words) {
    std::vector<char *> pointers;

    for (const std::string &word : words)
        pointers.push_back(const_cast<char *>(word.c_str())); // exec's interface; it does not write
    pointers.push_back(nullptr);
    return pointers;
}

/* Nothing: it has not ended until @deadline, or until @stop asks for that. */
std::optional<int> wait_until(pid_t child, Clock::time_point deadline,
                              const std::stop_token &stop = {}) {
    int status = 0;

    for (;;) {
        const pid_t ended = ::waitpid(child, &status, WNOHANG);
        if (ended == child)
            return status;
        if (ended < 0 && errno != EINTR)
            return -1; // somebody else has taken it: its status cannot be had
        if (Clock::now() >= deadline || stop.stop_requested())
            return {};
        std::this_thread::sleep_for(check_pause);
    }
}

void end_by_force(pid_t child) {
    ::kill(-child, SIGTERM);
    if (wait_until(child, Clock::now() + grace))
        return;
    ::kill(-child, SIGKILL);
    wait_until(child, Clock::now() + grace);
}

std::string with_reason(const std::string &output, const std::string &reason) {
    return output.empty() ? reason : output + "; " + reason;
}

} // namespace

RunResult run_program(const std::vector<std::string> &words,
                      const std::vector<std::string> &environment, std::chrono::seconds limit,
                      const std::stop_token &stop) {
    const OutputFile output;
    if (output.get() < 0)
        return {-1,
                fmt::format("no file for its output: {}", std::generic_category().message(errno))};
    const SpawnActions actions(output.get());
    const SpawnAttributes attributes;
    pid_t child = 0;
    int error = actions.error() != 0 ? actions.error() : attributes.error();

    if (error == 0)
        error = ::posix_spawn(&child, words.at(0).c_str(), actions.get(), attributes.get(),
                              pointers_to(words).data(), pointers_to(environment).data());
    if (error != 0)
        return {-1, fmt::format("{} cannot be run: {}", words.at(0),
                                std::generic_category().message(error))};
    const std::optional<int> status = wait_until(child, Clock::now() + limit, stop);
    if (!status) {
        end_by_force(child);
        return {-1, with_reason(output.text(),
                                stop.stop_requested()
                                    ? fmt::format("{} was ended", words.at(0))
                                    : fmt::format("{} was not done after {} s, and killed",
                                                  words.at(0), limit.count()))};
    }
    if (!WIFEXITED(*status))
        return {-1, with_reason(output.text(), fmt::format("{} was killed", words.at(0)))};
    return {WEXITSTATUS(*status), output.text()};
}

} // namespace esnap
