//! Where a name is used: every place in the workspace that stands for the same declaration, and renaming all of them.
//!
//! The text is searched for the name, and each hit is asked what it stands for, the same way as "go to definition": so the two
//! cannot disagree. Fields of records are found and not renamed: data that comes from outside has them too.

use std::path::Path;
use std::sync::Arc;

use dsl_syntax::Kind;
use dsl_syntax::ast::{Decl, Span};
use dsl_syntax::table::{ClauseKey as K, DeclKind};
use smol_str::SmolStr;

use super::completion::words;
use super::declared::Asked;
use super::members::is_in_place;
use super::things::{Sort, Thing, own_member, siblings, thing_at};
use crate::analysis::{Analysis, Edge};
use crate::diagnostic::{BlockRef, Place, Target};
use crate::graph::BUILTIN_MODES;
use crate::imports::{Space, visible};
use crate::inputs::SourceFile;
use crate::places::{block_of, decl_of};
use crate::plans::file_plans;
use crate::signatures::{clause, is_script_capability};
use crate::trees::parse;
use crate::types::BUILTIN_TYPES;

/// A span of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Location {
    pub file: Arc<Path>,
    pub span: Span,
}

/// Everything that stands for one declaration.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct References {
    pub name: SmolStr,
    /// Of the name that was asked about.
    pub origin: Span,
    /// Absent of a word that nobody declares.
    pub declaration: Option<Location>,
    /// In order, the declaration included.
    pub all: Vec<Location>,
}

/// What a name stands for: the declared name, where it is.
struct Declared {
    place: Place,
    location: Location,
}

/// A place that stands for a declaration: where in its block, and where in its file.
struct Use {
    block: BlockRef,
    at: u32,
    location: Location,
}

impl Analysis {
    /// All uses of what the name at an offset stands for; of a word that nobody declares, all places that say it.
    pub fn references(&self, path: &Path, offset: u32) -> Option<References> {
        let (block, start, tree) = self.block_at(path, offset)?;
        let Some(declared) = self.declared_at(&mut Edge::new(self), &mut Asked::default(), block, offset - start)
        else {
            let thing = thing_at(tree, offset - start)?;
            let origin = thing.name()?.shifted(start);
            let file = path.into();
            let name: SmolStr = self.slice(&Location { file, span: origin })?.into();
            let all = self.search(&Wanted::Said(thing.sort()?), &name);
            return Some(References {
                declaration: None,
                all: sorted(all),
                name,
                origin,
            });
        };
        let name: SmolStr = self.slice(&declared.location)?.into();
        let origin = word_at(&self.line_of(block, start, offset)?, offset, &name)?;
        Some(References {
            all: sorted(self.uses(&declared, &name)),
            declaration: Some(declared.location),
            name,
            origin,
        })
    }

    /// Everything in the workspace that stands for a declaration, file by file.
    fn uses(&self, declared: &Declared, name: &str) -> Vec<Use> {
        self.search(&Wanted::Declared(&declared.location), name)
    }

    fn search(&self, wanted: &Wanted<'_>, name: &str) -> Vec<Use> {
        let mut search = Search {
            analysis: self,
            edge: Edge::new(self),
            asked: Asked::default(),
            name,
            wanted,
            found: Vec::new(),
        };
        for path in self.files() {
            if let Some(file) = self.file(&path) {
                search.file(file);
            }
        }
        search.found
    }

    /// What may be renamed at an offset: the name there. An error says why one that is there may not.
    pub fn renamable(&self, path: &Path, offset: u32) -> Result<Option<(Span, SmolStr)>, String> {
        let Some((block, start, _)) = self.block_at(path, offset) else {
            return Ok(None);
        };
        let found = self.declared_at(&mut Edge::new(self), &mut Asked::default(), block, offset - start);
        let Some(declared) = found else {
            return Ok(None);
        };
        self.is_followed(&declared)?;
        let origin = || {
            let name: SmolStr = self.slice(&declared.location)?.into();
            let origin = word_at(&self.line_of(block, start, offset)?, offset, &name)?;
            Some((origin, name))
        };
        Ok(origin())
    }

    /// The places to be replaced so that what the name at an offset stands for is called `new`; or why it cannot be.
    pub fn rename(&self, path: &Path, offset: u32, new: &str) -> Result<Vec<Location>, String> {
        let nothing = || "there is nothing here that has a name of its own".to_owned();
        let (block, start, _) = self.block_at(path, offset).ok_or_else(nothing)?;
        let declared = self
            .declared_at(&mut Edge::new(self), &mut Asked::default(), block, offset - start)
            .ok_or_else(nothing)?;
        self.is_followed(&declared)?;
        self.is_name(new, &declared)?;
        let name = self.slice(&declared.location).ok_or_else(nothing)?;
        if name == new {
            return Ok(Vec::new());
        }
        self.is_free(&declared, new)?;
        let uses = self.uses(&declared, &name);
        self.is_read_everywhere(&uses, new)?;
        Ok(sorted(uses))
    }

    /// What stands at an offset of a block.
    fn declared_at(&self, edge: &mut Edge<'_>, asked: &mut Asked, block: BlockRef, at: u32) -> Option<Declared> {
        let thing = thing_at(block_of(&self.db, block)?, at)?;
        let place = self.origin_of(self.declaration(asked, block, &thing)?);
        let (file, span) = edge.span(&place);
        Some(Declared {
            place,
            location: Location { file, span },
        })
    }

    fn slice(&self, location: &Location) -> Option<String> {
        let file = self.file(&location.file)?;
        let mut start = 0;
        for &chunk in file.chunks(&self.db) {
            let text = chunk.text(&self.db);
            let end = start + text.len() as u32;
            if location.span.start < end {
                let range = (location.span.start - start) as usize..(location.span.end - start) as usize;
                return text.get(range).map(str::to_owned);
            }
            start = end;
        }
        None
    }

    /// The text of a block and where it starts in its file.
    fn line_of(&self, block: BlockRef, start: u32, offset: u32) -> Option<(String, u32)> {
        let text = block.chunk.text(&self.db);
        let in_chunk = crate::places::start_of(&self.db, block) + (offset - start);
        let from = text.get(..in_chunk as usize)?.rfind('\n').map_or(0, |at| at + 1);
        let to = text[from..].find('\n').map_or(text.len(), |at| from + at);
        Some((text[from..to].to_owned(), offset - (in_chunk - from as u32)))
    }

    /// All uses of it can be found and changed: not so of fields, and of what is like others.
    fn is_followed(&self, declared: &Declared) -> Result<(), String> {
        let Target::Span(span) = declared.place.target else {
            return Ok(());
        };
        let is_field = decl_of(&self.db, declared.place.block).is_some_and(|decl| match decl.kind {
            DeclKind::Type => decl.fields.iter().any(|field| field.name.span == span),
            DeclKind::Capability => decl.name.as_ref().is_none_or(|name| name.span != span),
            _ => false,
        });
        if is_field {
            return Err(
                "data from outside may have this field too: change it here, and what no longer fits is underlined"
                    .into(),
            );
        }
        let in_place = decl_of(&self.db, declared.place.block).is_some_and(|decl| is_in_place(decl, span));
        match in_place {
            false => Ok(()),
            true => Err(
                "an enumeration without a name has others like it: declare it as a `type` to rename its members".into(),
            ),
        }
    }

    /// Whether a declaration is a key of a plan's memory, which may have dots.
    fn is_memory(&self, declared: &Declared) -> bool {
        let Target::Span(span) = declared.place.target else {
            return false;
        };
        let decl = decl_of(&self.db, declared.place.block);
        decl.is_some_and(|decl| clause(decl, K::Memory).is_some_and(|clause| clause.span.contains(span.start)))
    }

    fn is_name(&self, new: &str, declared: &Declared) -> Result<(), String> {
        let decl = decl_of(&self.db, declared.place.block);
        let of_capability = decl.is_some_and(|decl| decl.kind == DeclKind::Capability);
        let dotted = of_capability || self.is_memory(declared);
        let is_word = |word: &str| {
            let tokens = dsl_syntax::tokens(word);
            let mut words = tokens.iter().filter(|token| token.start < token.end);
            words
                .next()
                .is_some_and(|token| token.kind == Kind::Name && token.end as usize == word.len())
        };
        let good = if dotted {
            new.split('.').all(is_word)
        } else {
            is_word(new) && !new.contains('.')
        };
        if good {
            Ok(())
        } else {
            Err(format!(
                "`{new}` is not a name: letters, digits, `_` and `-`, and a letter first"
            ))
        }
    }

    /// Nothing beside the declaration has the new name.
    fn is_free(&self, declared: &Declared, new: &str) -> Result<(), String> {
        let Place { block, .. } = declared.place;
        let file = block.chunk.file(&self.db);
        let Some(decl) = decl_of(&self.db, block) else {
            return Ok(());
        };
        if let Some(taken) = taken_by_language(decl, new) {
            return Err(taken);
        }
        let start = Edge::new(self).block_start(block);
        let within = Span::new(declared.location.span.start - start, declared.location.span.end - start);
        let mut modes = decl.clauses.iter().filter(|clause| clause.key == Some(K::Fail));
        if modes.any(|clause| clause.span.contains(within.start)) && BUILTIN_MODES.contains(&new) {
            return Err(format!("`{new}` is a way to fail of the language"));
        }
        if let Some(names) = siblings(decl, within) {
            let clash = names.iter().any(|name| name.text == new);
            return if clash {
                Err(format!("`{new}` is there already"))
            } else {
                Ok(())
            };
        }
        let plans = file_plans(&self.db, file);
        let node = plans.place(block).filter(|(_, node)| node.is_some());
        if let Some((plan, _)) = node {
            let clash = plans.plans[plan as usize].nodes.iter().find(|(_, sig)| sig.name == new);
            return clash.map_or(Ok(()), |(_, sig)| {
                Err(format!("the plan has a {} `{new}` already", sig.kind.word()))
            });
        }
        let seen = visible(&self.db, file);
        let spaces = [Space::Type, Space::Capability, Space::Agent, Space::Plan, Space::Policy];
        match spaces.into_iter().find(|&space| seen.get(space, new).is_some()) {
            Some(space) => Err(format!("the file has the {} `{new}` already", space.word())),
            None => Ok(()),
        }
    }

    /// Where the name is used, the new one means nothing else.
    fn is_read_everywhere(&self, uses: &[Use], new: &str) -> Result<(), String> {
        for &Use { block, at, .. } in uses {
            let Some(decl) = decl_of(&self.db, block) else { continue };
            let is_path = matches!(
                block_of(&self.db, block).and_then(|tree| thing_at(tree, at)),
                Some(Thing::Word(..))
            ) || matches!(
                block_of(&self.db, block).and_then(|tree| thing_at(tree, at)),
                Some(Thing::Path(names)) if names.len() == 1
            );
            if is_path && own_member(decl, new).is_some() {
                let reader = decl.name.as_ref().map_or("a test", |name| name.text.as_str());
                return Err(format!("`{new}` already means something of its own in `{reader}`"));
            }
        }
        Ok(())
    }
}

fn sorted(uses: Vec<Use>) -> Vec<Location> {
    let mut all: Vec<Location> = uses.into_iter().map(|used| used.location).collect();
    all.sort();
    all
}

/// What is searched for.
enum Wanted<'a> {
    Declared(&'a Location),
    Said(Sort),
}

/// A search for everything that stands for a declaration, or that says a word.
struct Search<'a> {
    analysis: &'a Analysis,
    edge: Edge<'a>,
    asked: Asked,
    name: &'a str,
    wanted: &'a Wanted<'a>,
    found: Vec<Use>,
}

impl Search<'_> {
    /// Adds the places in a file.
    fn file(&mut self, file: SourceFile) {
        let db = &self.analysis.db;
        let mut chunk_start = 0;
        for &chunk in file.chunks(db) {
            let text = chunk.text(db);
            let hits = words(text, self.name);
            if !hits.is_empty() {
                let mut blocks = parse(db, chunk).iter().enumerate();
                let mut here = (0, 0, 0);
                for at in hits {
                    while at >= here.1 + here.2 {
                        let Some((index, block)) = blocks.next() else { break };
                        here = (index as u32, here.1 + here.2, block.len);
                    }
                    let block = BlockRef { chunk, index: here.0 };
                    self.hit(file, block, at - here.1, chunk_start + at);
                }
            }
            chunk_start += text.len() as u32;
        }
    }

    /// The name stands at an offset of a block, which is at `start` in the file.
    fn hit(&mut self, file: SourceFile, block: BlockRef, at: u32, start: u32) {
        let analysis = self.analysis;
        let found = analysis.declared_at(&mut self.edge, &mut self.asked, block, at);
        let is_wanted = match self.wanted {
            Wanted::Declared(wanted) => found.is_some_and(|found| found.location == **wanted),
            Wanted::Said(sort) => {
                let thing = || thing_at(block_of(&analysis.db, block)?, at)?.sort();
                found.is_none() && thing() == Some(*sort)
            }
        };
        if is_wanted {
            let span = Span::new(start, start + self.name.len() as u32);
            let file = file.path(&analysis.db).clone();
            let location = Location { file, span };
            self.found.push(Use { block, at, location });
        }
    }
}

/// Why the language itself needs a name that a declaration, or something in it, would get.
fn taken_by_language(decl: &Decl, new: &str) -> Option<String> {
    match decl.kind {
        DeclKind::Type if BUILTIN_TYPES.contains(&new) => Some(format!("`{new}` is a type of the language")),
        DeclKind::Capability if is_script_capability(new) || crate::builtin::find(new).is_some() => {
            Some(format!("`{new}` is a capability of the language"))
        }
        kind if kind.is_node() && words::GROUPS.iter().any(|(group, _)| *group == new) => {
            Some(format!("`{new}` means something of its own in expressions"))
        }
        _ => None,
    }
}

/// Where a word stands in a text, by itself: not as a part of a longer name.
fn words(text: &str, word: &str) -> Vec<u32> {
    if word.is_empty() {
        return Vec::new();
    }
    let bytes = text.as_bytes();
    let inside = |at: Option<&u8>| at.is_some_and(|&byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80);
    text.match_indices(word)
        .filter(|&(at, _)| {
            let end = at + word.len();
            let before = at.checked_sub(1).and_then(|at| bytes.get(at));
            // `a-b` is one name, `a->b` and `a - b` are not
            let joined = |hyphen: bool, beyond: Option<&u8>| hyphen && inside(beyond);
            let before_hyphen = joined(before == Some(&b'-'), at.checked_sub(2).and_then(|at| bytes.get(at)));
            let after_hyphen = joined(bytes.get(end) == Some(&b'-'), bytes.get(end + 1));
            !inside(before) && !inside(bytes.get(end)) && !before_hyphen && !after_hyphen
        })
        .map(|(at, _)| at as u32)
        .collect()
}

/// The occurrence of a word in a line that holds an offset; `line` is its text and where it starts.
fn word_at(line: &(String, u32), offset: u32, word: &str) -> Option<Span> {
    let (text, start) = line;
    words(text, word)
        .into_iter()
        .map(|at| Span::new(start + at, start + at + word.len() as u32))
        .find(|span| span.start <= offset && offset <= span.end)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_stand_by_themselves() {
        assert_eq!(
            words("a a-b b-a a->a aa a.a {{a}} é a-1", "a"),
            vec![0, 10, 13, 18, 20, 24]
        );
        assert_eq!(words("x-y, x -y, x - y", "x"), vec![5, 11]);
        assert_eq!(words("anything", ""), Vec::<u32>::new());
    }
}
