// SPDX-License-Identifier: GPL-2.0-only
#include "process.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

extern char **environ;

namespace esmodel {

namespace {

[[noreturn]] void throw_errno(const std::string &what, int error) {
    throw std::system_error(error, std::generic_category(), what);
}

/* Starts @argv with both outputs into @pipe_end. */
pid_t spawn(const std::vector<std::string> &argv, int pipe_end) {
    std::vector<char *> raw;
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;

    for (const std::string &word : argv)
        raw.push_back(const_cast<char *>(word.c_str()));
    raw.push_back(nullptr);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_end, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipe_end, STDERR_FILENO);
    const int error = posix_spawnp(&pid, raw[0], &actions, nullptr, raw.data(), environ);

    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        throw_errno("cannot start " + argv[0], error);
    return pid;
}

std::string read_to_end(int fd) {
    std::string text;
    std::array<char, 4096> part{};

    for (;;) {
        const ssize_t n = ::read(fd, part.data(), part.size());

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return text;
        text.append(part.data(), static_cast<std::size_t>(n));
    }
}

int wait_for(pid_t pid) {
    int status = 0;

    while (::waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            throw_errno("waitpid", errno);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace

ProgramResult run_program(const std::vector<std::string> &argv) {
    std::array<int, 2> ends{};
    ProgramResult result;

    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw_errno("pipe", errno);
    pid_t pid = -1;

    try {
        pid = spawn(argv, ends[1]);
    } catch (...) {
        ::close(ends[0]);
        ::close(ends[1]);
        throw;
    }
    ::close(ends[1]);
    result.output = read_to_end(ends[0]);
    ::close(ends[0]);
    result.status = wait_for(pid);
    return result;
}

void run_program_or_throw(const std::vector<std::string> &argv) {
    const ProgramResult result = run_program(argv);

    if (result.status != 0)
        throw std::runtime_error(fmt::format("'{}' ended with status {}:\n{}", fmt::join(argv, " "),
                                             result.status, result.output));
}

KernelLog::KernelLog() : fd_(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
    if (fd_ < 0)
        throw_errno("open of /dev/kmsg", errno);
    ::lseek(fd_, 0, SEEK_END);
}

KernelLog::~KernelLog() {
    ::close(fd_);
}

/* A record is "priority,sequence,time,flags;message\n KEY=value\n". */
std::vector<std::string> KernelLog::take_new() {
    std::vector<std::string> lines;
    std::array<char, 8192> record{};

    for (;;) {
        const ssize_t n = ::read(fd_, record.data(), record.size());

        if (n < 0 && (errno == EPIPE || errno == EINTR))
            continue; /* EPIPE: some were overwritten; go on with the oldest left */
        if (n <= 0)
            return lines;
        const std::string text(record.data(), static_cast<std::size_t>(n));
        const std::size_t from = text.find(';') + 1;

        lines.push_back(text.substr(from, text.find('\n', from) - from));
    }
}

bool is_kernel_complaint(const std::string &line) {
    static const std::array complaints{
        "BUG:",
        "WARNING:",
        "KASAN",
        "possible recursive locking",
        "possible circular locking",
        "INFO: task",
        "rcu: INFO",
        "Oops",
        "general protection fault",
        "kernel BUG",
        "refcount_t:",
        "soft lockup",
        "scheduling while atomic",
        "Unpoisoned",
        "UBSAN",
    };

    for (const char *text : complaints) {
        if (line.find(text) != std::string::npos)
            return true;
    }
    return false;
}

std::vector<std::string> last_kernel_lines(std::size_t count) {
    const std::string text = run_program({"dmesg"}).output;
    std::vector<std::string> lines;
    std::size_t at = text.size();

    while (at > 0 && lines.size() <= count) {
        const std::size_t start = text.rfind('\n', at - 1);
        const std::size_t from = start == std::string::npos ? 0 : start + 1;

        if (from < at)
            lines.insert(lines.begin(), text.substr(from, at - from));
        at = start == std::string::npos ? 0 : start;
    }
    return lines;
}

} // namespace esmodel
