// SPDX-License-Identifier: GPL-2.0-only
#include "lvm/lvm_program.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"

namespace esnap {

namespace {

constexpr const char *operation = "run";

[[noreturn]] void fail(const std::string &object, int error) {
    throw Error(operation, object, std::generic_category().message(error));
}

/* Takes one of the program's streams: two pipes would have to be read at the same time. */
class OutputFile {
public:
    OutputFile() : fd_(::memfd_create("esnap-lvm", MFD_CLOEXEC)) {
        if (fd_ < 0)
            fail("LVM", errno);
    }
    ~OutputFile() { ::close(fd_); }
    OutputFile(const OutputFile &) = delete;
    OutputFile &operator=(const OutputFile &) = delete;

    int get() const { return fd_; }

    std::string text() const {
        std::array<char, 65536> part{};
        std::string all;

        for (;;) {
            const ssize_t n =
                ::pread(fd_, part.data(), part.size(), static_cast<off_t>(all.size()));
            if (n < 0)
                fail("LVM", errno);
            if (n == 0)
                return all;
            all.append(part.data(), static_cast<std::size_t>(n));
        }
    }

private:
    int fd_;
};

[[noreturn]] void run_in_child(const std::string &program, std::vector<char *> &arguments,
                               const OutputFile &output, const OutputFile &messages) {
    const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);

    ::setenv("LC_ALL", "C", 1);
    ::setenv("LVM_SUPPRESS_FD_WARNINGS", "1", 1);
    if (nothing >= 0 && ::dup2(nothing, STDIN_FILENO) >= 0 &&
        ::dup2(output.get(), STDOUT_FILENO) >= 0 && ::dup2(messages.get(), STDERR_FILENO) >= 0)
        ::execv(program.c_str(), arguments.data());
    ::_exit(127);
}

bool has_succeeded(pid_t child) {
    int status = 0;

    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            fail("LVM", errno);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::vector<std::string> lines_of(const std::string &text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;

    for (std::string line; std::getline(stream, line);)
        if (const std::size_t first = line.find_first_not_of(' '); first != std::string::npos)
            lines.push_back(line.substr(first));
    return lines;
}

} // namespace

LvmReply LvmProgram::run(const Words &words) {
    Words all{program_, words.at(0), "--config", "devices/ignore_suspended_devices=1"};
    const OutputFile output, messages;
    std::vector<char *> arguments;

    all.insert(all.end(), words.begin() + 1, words.end());
    for (std::string &word : all)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child < 0)
        fail(words.at(0), errno);
    if (child == 0)
        run_in_child(program_, arguments, output, messages);
    LvmReply reply;
    reply.done = has_succeeded(child);
    reply.output = output.text();
    reply.messages = lines_of(messages.text());
    return reply;
}

} // namespace esnap
