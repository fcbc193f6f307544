# SPDX-License-Identifier: GPL-2.0-only
"""No file above 800 lines, no function above 80."""

import re

FILE_LIMIT = 800
FUNCTION_LIMIT = 80
C_LIKE = (".c", ".h", ".cc")
SOURCES = (*C_LIKE, ".py", ".sh", "CMakeLists.txt")

# Comments, strings and preprocessor lines can hold braces that are none.
NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
    r"|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",
    re.DOTALL | re.MULTILINE,
)
NOT_FUNCTION = re.compile(r"^\s*(?:(?:static|const|typedef|inline)\s+)*"
                          r"(?:namespace|class|struct|union|enum|extern\s*$|extern\s*\")")
HEAD_NAME = re.compile(r"([~\w:]+|operator\s*\S+?)\s*\(")


def without_noise(text):
    return NOISE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def functions(text):
    """Yields (name, first line, length) of outermost function bodies."""
    text = without_noise(text)
    line, start_of_head, depth_in_function, opening, name = 1, 0, 0, 0, ""
    for position, char in enumerate(text):
        if char == "\n":
            line += 1
        elif char == "{" and depth_in_function:
            depth_in_function += 1
        elif char == "{":
            head = text[start_of_head:position]
            found = HEAD_NAME.search(head)
            if found and not NOT_FUNCTION.match(head.strip()) and "=" not in head[: found.start()]:
                depth_in_function, opening, name = 1, line, found[1]
            start_of_head = position + 1
        elif char == "}":
            if depth_in_function == 1:
                yield name, opening, line - opening + 1
            depth_in_function = max(0, depth_in_function - 1)
            start_of_head = position + 1
        elif char == ";" and not depth_in_function:
            start_of_head = position + 1


def is_script(tree, path):
    return not path.suffix and tree.first_line(path).startswith("#!")


def check(tree):
    for path in tree.all_files:
        if not path.name.endswith(SOURCES) and not is_script(tree, path):
            continue
        text = path.read_text()
        length = text.count("\n")
        if length > FILE_LIMIT:
            yield f"{tree.name(path)}: {length} lines, more than {FILE_LIMIT}"
        if not path.name.endswith(C_LIKE):
            continue
        for name, line, length in functions(text):
            if length > FUNCTION_LIMIT:
                yield f"{tree.name(path)}:{line}: {name}() has {length} lines, more than {FUNCTION_LIMIT}"


LONG_BODY = "\tx(\"}\");\n" * 79
CLEAN = {
    "a.c": "int a(int b)\n{\n" + "\tx(\"{\"); /* } */\n" * 78 + "}\n",
    "b.cc": "namespace n {\nstruct s {\n" + "    int f(int) { return 1; }\n" * 200 + "};\n}\n",
    "c.h": "static const struct t c = {\n" + "\t.x = f(1),\n" * 100 + "};\n",
    "tool": "#!/bin/sh\n" + "x\n" * 799,
}
PLANTED = [
    {"a.c": "int a(int b)\n{\n" + LONG_BODY + "}\n"},
    {"a.cc": "namespace n {\nint c::f(int a) const {\n" + LONG_BODY + "}\n}\n"},
    {"a.cc": "c::c(int a) : b(a) {\n" + "    if (a) {\n    }\n" * 40 + "}\n"},
    {"a.h": "int x;\n" * 801},
    {"tool": "#!/bin/sh\n" + "x\n" * 800},
]
