//! What is being called at a place, of what is no function of expressions: capabilities in steps, ways to retry,
//! runners, predicates of policies, what tests ask.
//!
//! Read from the line before the cursor, so it works while the call is open. Absent: functions, which have signatures.

use std::path::Path;

use super::completion::line::levels;
use super::completion::writes_needs;
use crate::analysis::Analysis;
use crate::diagnostic::BlockRef;
use crate::scope::scope;

/// A call that is being written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Called {
    /// `web.search(query: string) -> { items: list[Source] }`
    pub label: String,
    pub doc: String,
    /// As they stand in the label.
    pub parameters: Vec<String>,
    /// Which of them is being written.
    pub active: Option<usize>,
}

/// Name, parameters and meaning.
pub(super) const FORMS: &[(&str, &[&str], &str)] = &[
    ("immediate", &["max: int"], "tries again at once"),
    (
        "linear",
        &["max: int", "base: duration", "step: duration"],
        "waits longer by a step each time",
    ),
    (
        "exponential",
        &[
            "max: int",
            "base: duration",
            "cap: duration",
            "factor: float",
            "jitter: bool",
        ],
        "waits a multiple of the time before, up to the cap",
    ),
    ("shell", &["script"], "runs a script"),
    (
        "http",
        &["method: GET", "url: …", "headers: { … }", "body: …", "result: …"],
        "sends a request to a server",
    ),
    (
        "mcp",
        &["command: […]", "url: …", "tool: …"],
        "calls a tool of an MCP server",
    ),
    (
        "llm",
        &["model: …", "url: …", "prompt: …", "key: secrets.name"],
        "asks a language model behind an OpenAI-style endpoint",
    ),
    ("human", &["ask: …"], "asks a person"),
    (
        "builtin",
        &["capability"],
        "another name for a capability of the language",
    ),
    (
        "read",
        &["pattern, …"],
        "files that are read: a folder covers what is below it",
    ),
    (
        "write",
        &["pattern, …"],
        "files that are written, and so read: a folder covers what is below it",
    ),
    ("network", &["host, …"], "hosts that are talked to"),
    ("env", &["variable"], "a secret from an environment variable"),
    (
        "after",
        &["selector"],
        "every path that reaches the node passes one of these that completed",
    ),
    ("before", &["selector"], "every path from the node passes one of these"),
    (
        "reaches",
        &["selector"],
        "some path from the node leads to one of these",
    ),
    (
        "needs",
        &["selector"],
        "the node waits for one of these, directly or not",
    ),
    (
        "flow",
        &["from", "to"],
        "a value of the first reaches an input of the second",
    ),
    ("status", &["node"], "how the node ended"),
    ("ran", &["node"], "whether the node was started"),
    ("attempts", &["node"], "how often the node was tried"),
    ("remembered", &["key"], "what was written to memory"),
];

/// The forms of needs with brackets.
pub(super) const OF_NEEDS: &[(&str, &str)] = &[
    (
        "any(task, …)",
        "the first of these that completes is enough; the outputs of each are optional",
    ),
    (
        "2 of (task, …)",
        "so many of these must complete; the outputs of each are optional",
    ),
];

impl Analysis {
    /// The need with brackets that is being written.
    pub fn need_at(&self, path: &Path, offset: u32) -> Option<Called> {
        let (block, start, tree) = self.block_at(path, offset)?;
        let before = self.before(block, offset - start)?;
        if !writes_needs(before, tree) {
            return None;
        }
        let line = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
        let open = levels(line).into_iter().rfind(|level| level.bracket() == Some('('))?;
        let is_any = open.called() == Some("any");
        let (label, doc) = OF_NEEDS[usize::from(!is_any)];
        Some(Called {
            label: label.to_owned(),
            doc: doc.to_owned(),
            parameters: vec!["task, …".to_owned()],
            active: Some(0),
        })
    }

    /// The text of the block before an offset.
    fn before(&self, block: BlockRef, offset: u32) -> Option<&str> {
        let from = crate::places::start_of(&self.db, block);
        let text = block.chunk.text(&self.db);
        text.get(from as usize..(from + offset) as usize)
    }

    pub fn call_at(&self, path: &Path, offset: u32) -> Option<Called> {
        let (block, start, _) = self.block_at(path, offset)?;
        let before = self.before(block, offset - start)?;
        let line = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
        let levels = levels(line);
        let level = levels.iter().rev().find(|level| level.called().is_some())?;
        let name = level.called()?;
        let capabilities = &scope(&self.db, block.chunk.file(&self.db)).capabilities;
        let (parameters, end, doc) = match capabilities.get(name) {
            Some(capability) => {
                let of = |fields: &[crate::scope::TypedField]| -> Vec<String> {
                    let typed = fields.iter().map(|field| format!("{}: {}", field.name, field.ty));
                    typed.collect()
                };
                let end = format!(" -> {{ {} }}", of(&capability.output).join(", "));
                let title = capability.title.as_ref().map(ToString::to_string);
                (of(&capability.input), end, title.unwrap_or_default())
            }
            None => {
                let (_, parameters, doc) = FORMS.iter().find(|(form, ..)| *form == name)?;
                let parameters = parameters.iter().map(|one| (*one).to_owned()).collect();
                (parameters, String::new(), (*doc).to_owned())
            }
        };
        let named = |(argument, _): (&str, &str)| {
            parameters
                .iter()
                .position(|one| one.split(':').next() == Some(argument))
        };
        let last = parameters.len().checked_sub(1);
        let by_place = last.map(|last| level.arguments().min(last));
        Some(Called {
            label: format!("{name}({}){end}", parameters.join(", ")),
            doc,
            active: level.named_part().and_then(named).or(by_place),
            parameters,
        })
    }
}
