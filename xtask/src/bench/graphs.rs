//! Graphs, written in the language of each program that is compared.

use std::fmt::Write;

#[derive(Clone, Copy)]
pub enum Shape {
    /// One root, and all others after it.
    FanOut,
    /// Each after the one before.
    Chain,
    /// Layers of about a hundred nodes, each with two needs in the layer above.
    Layered,
    /// The same with eight needs.
    Dense,
    /// All but the last side by side, and the last after all of them.
    Join,
}

/// Node `n` needs the nodes `needs[n]`, all smaller than `n`.
pub struct Graph {
    needs: Vec<Vec<usize>>,
}

const WIDTH: usize = 100;

pub fn shaped(count: usize, shape: Shape) -> Graph {
    let above = |n: usize, steps: &[usize]| {
        let at = |layer: usize, step: usize| layer * WIDTH + (n % WIDTH + step) % WIDTH;
        let layer = (n / WIDTH).checked_sub(1);
        layer.map_or_else(Vec::new, |layer| steps.iter().map(|&step| at(layer, step)).collect())
    };
    let needs = (0..count).map(|n| match shape {
        Shape::FanOut | Shape::Chain if n == 0 => Vec::new(),
        Shape::FanOut => vec![0],
        Shape::Chain => vec![n - 1],
        Shape::Layered => above(n, &[0, 7]),
        Shape::Join if n + 1 < count => Vec::new(),
        Shape::Join => (0..n).collect(),
        Shape::Dense => above(n, &[0, 1, 7, 11, 23, 42, 64, 81]),
    });
    Graph { needs: needs.collect() }
}

// Writing to a string is infallible, here and below.
impl Graph {
    /// No-op scripts.
    pub fn plan(&self) -> String {
        self.plan_of("    shell: \"sh\"\n    run: \":\"\n", |_| String::new())
    }

    /// Nothing is started: each looks whether a file is there, which is an attempt and an event as any other.
    pub fn looking_plan(&self) -> String {
        self.plan_of("    expect: not exists(\"nothing\")\n", |_| String::new())
    }

    /// Each reads what the first that it needs has printed.
    pub fn small_plan(&self) -> String {
        self.plan_of("    timeout: 1m\n", |needs| match needs.first() {
            Some(need) => format!("    run: \"echo {{{{ t{need}.stdout }}}}\"\n"),
            None => "    run: \"echo\"\n".to_owned(),
        })
    }

    fn plan_of(&self, clauses: &str, run: impl Fn(&[usize]) -> String) -> String {
        let mut text = String::from("plan generated\n");
        for (n, needs) in self.needs.iter().enumerate() {
            let _ = writeln!(text, "\n  task t{n}");
            if !needs.is_empty() {
                let _ = writeln!(text, "    needs: {}", names("t", needs).join(", "));
            }
            text.push_str(clauses);
            text.push_str(&run(needs));
        }
        text
    }

    pub fn ninja(&self) -> String {
        let mut text = String::from("rule noop\n  command = :\n\n");
        for (n, needs) in self.needs.iter().enumerate() {
            let _ = write!(text, "build t{n}: noop");
            for need in needs {
                let _ = write!(text, " t{need}");
            }
            text.push('\n');
        }
        text
    }

    /// A workflow of GitHub Actions, for actionlint.
    pub fn workflow(&self) -> String {
        let mut text = String::from("name: generated\non: push\njobs:\n");
        for (n, needs) in self.needs.iter().enumerate() {
            let _ = writeln!(text, "  t{n}:");
            if !needs.is_empty() {
                let _ = writeln!(text, "    needs: [{}]", names("t", needs).join(", "));
            }
            let read = needs.first().map(|need| format!(" ${{{{ needs.t{need}.result }}}}"));
            let _ = writeln!(
                text,
                "    runs-on: ubuntu-latest\n    steps:\n      - run: echo{}",
                read.unwrap_or_default()
            );
        }
        text
    }

    /// A WDL document, for sprocket: one task, called once for each node.
    pub fn wdl(&self) -> String {
        let mut text = String::from(
            "version 1.2\n\ntask noop {\n    input {\n        String text = \"\"\n    }\n    command <<<\n        echo ~{text}\n    >>>\n    \
             output {\n        String out = read_string(stdout())\n    }\n}\n\nworkflow generated {\n",
        );
        for (n, needs) in self.needs.iter().enumerate() {
            let after: String = needs.iter().skip(1).map(|need| format!(" after t{need}")).collect();
            let _ = match needs.first() {
                Some(need) => writeln!(text, "    call noop as t{n}{after} {{ text = t{need}.out }}"),
                None => writeln!(text, "    call noop as t{n} {{}}"),
            };
        }
        text.push_str("}\n");
        text
    }
}

fn names(prefix: &str, nodes: &[usize]) -> Vec<String> {
    nodes.iter().map(|node| format!("{prefix}{node}")).collect()
}
