//! Every example of the README and of the files in `tests/cmd`, run.

#[test]
fn examples_print_what_they_say() {
    trycmd::TestCases::new()
        .case("README.md")
        .case("tests/cmd/*.md");
}
