"""generated_doc: a page of docs/ that a program writes, and the test that it is up to date.

    generated_doc(name = "docs", page = "//docs:instructions.md", tool = ":generate_docs")

makes docs_test, which fails with the command to run where the page is not what the tool prints.
"""

def generated_doc(name, page, tool, **kwargs):
    """Declares NAME_test.

    Args:
      name: of the test, without _test.
      page: the checked-in page, "//docs:NAME.md".
      tool: the label of the program that prints the page on stdout.
      **kwargs: what all tests have.
    """
    package = native.package_name()
    native.sh_test(
        name = name + "_test",
        size = "small",
        srcs = [Label("//bazel:generated_doc_test.sh")],
        args = [
            "$(location %s)" % tool,
            "$(location %s)" % page,
            "//%s%s" % (package, tool),
        ],
        data = [page, tool],
        **kwargs
    )
