//! Compiles the generated parser and the scanner of the layout.

fn main() {
    let sources = ["src/parser.c", "src/scanner.c"];
    for source in sources {
        println!("cargo:rerun-if-changed={source}");
    }
    cc::Build::new()
        .std("c11")
        .include("src")
        .files(sources)
        // The generated code is as it is.
        .warnings(false)
        .compile("tree-sitter-plan");
}
