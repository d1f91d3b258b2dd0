//! What a run leaves to whoever takes over: artifacts, expectations that nobody judged, and where all of this comes from.

use ir::Value;
use ir::value::FileRef;

use super::{Report, table};
use crate::outcome::here;
use crate::printer::shown;
use crate::report::page::{Block, Line, Section, code, plain, text};

impl Report<'_> {
    pub(super) fn artifacts(&self) -> Section {
        let mut rows = Vec::new();
        for node in &self.nodes {
            for (name, value) in &node.outputs {
                files(value, &mut |file| {
                    rows.push(vec![
                        vec![code(format!("{}.{name}", node.id))],
                        vec![code(shown(&file.path))],
                        plain(format!("{} bytes", file.size)),
                        vec![code(file.digest.as_str())],
                        vec![code(here(&self.history.folder.artifacts().path(&file.digest)))],
                    ]);
                });
            }
        }
        Section::new(
            "Artifacts",
            table(vec!["output", "made as", "size", "BLAKE3", "where it is"], rows),
        )
    }

    pub(super) fn unverified(&self) -> Section {
        let items: Vec<Line> = self
            .engine
            .unverified()
            .into_iter()
            .map(|prose| vec![code(prose.label.as_str()), text(format!(": {}", shown(&prose.text)))])
            .collect();
        if items.is_empty() {
            return Section::default();
        }
        let intro = Block::Paragraph(plain(
            "Nobody has judged these expectations; they did not pass, and did not fail.",
        ));
        Section::new("Unverified expectations", vec![intro, Block::List(items)])
    }

    pub(super) fn origin(&self) -> Section {
        let meta = &self.history.meta;
        let items = vec![
            vec![text("folder "), code(here(self.history.folder.path()))],
            vec![text("compiled plan "), code(meta.ir_hash.as_str())],
            vec![
                text(format!("journal of {} events, ending in ", self.gathered.events)),
                code(self.gathered.head.as_str()),
            ],
            plain(format!(
                "seed {}, {} at a time, driven {}, by {}",
                meta.seed,
                meta.parallel,
                times(self.gathered.drivers),
                meta.engine
            )),
        ];
        let check = format!("dslc verify {0}\ndslc replay {0}", self.run);
        let blocks = vec![
            Block::List(items),
            Block::Paragraph(plain("That nothing of this was changed afterwards is checked with")),
            Block::Verbatim(check),
        ];
        Section::new("Where this comes from", blocks)
    }
}

fn files<'v>(value: &'v Value, see: &mut dyn FnMut(&'v FileRef)) {
    match value {
        Value::File(file) => see(file),
        Value::List(items) => items.iter().for_each(|item| files(item, see)),
        Value::Record(fields) => fields.values().for_each(|field| files(field, see)),
        _ => {}
    }
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}
