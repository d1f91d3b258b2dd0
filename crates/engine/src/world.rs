//! Two worlds for the evaluator: one that writes down what the real one showed, one that shows only what was written down.
//!
//! Both are asked in the same order because the same code evaluates; a replayed answer is never matched by guesswork.

use ir::eval::World;
use ir::value::Value;
use smol_str::SmolStr;

use crate::event::Observation;

/// Passes questions on and records the answers.
pub(crate) struct Recording<'a> {
    pub world: &'a mut dyn World,
    pub observed: Vec<Observation>,
}

impl Recording<'_> {
    fn record(&mut self, what: &'static str, arg: &str, saw: Result<Value, String>) -> Result<Value, String> {
        self.observed.push(Observation {
            what: SmolStr::new_static(what),
            arg: arg.into(),
            saw: saw.clone(),
        });
        saw
    }
}

impl World for Recording<'_> {
    fn file(&mut self, path: &str) -> Result<Value, String> {
        let saw = self.world.file(path);
        self.record("file", path, saw)
    }

    fn exists(&mut self, path: &str) -> Result<bool, String> {
        let saw = self.world.exists(path);
        self.record("exists", path, saw.clone().map(Value::Bool))?;
        saw
    }

    fn hash(&mut self, path: &str) -> Result<String, String> {
        let saw = self.world.hash(path);
        self.record("hash", path, saw.clone().map(|digest| Value::String(digest.into())))?;
        saw
    }

    fn fact(&mut self, name: &str) -> Result<Value, String> {
        let saw = self.world.fact(name);
        self.record("fact", name, saw)
    }
}

/// Answers from a record, in its order.
pub(crate) struct Replay<'a> {
    observed: std::slice::Iter<'a, Observation>,
}

impl<'a> Replay<'a> {
    pub fn new(observed: &'a [Observation]) -> Self {
        Self {
            observed: observed.iter(),
        }
    }

    fn next(&mut self, what: &str, arg: &str) -> Result<Value, String> {
        match self.observed.next() {
            Some(seen) if seen.what == what && seen.arg == arg => seen.saw.clone(),
            Some(seen) => Err(format!(
                "the record has `{}({})` where `{what}({arg})` is asked",
                seen.what, seen.arg
            )),
            None => Err(format!("the record has no answer to `{what}({arg})`")),
        }
    }
}

impl World for Replay<'_> {
    fn file(&mut self, path: &str) -> Result<Value, String> {
        self.next("file", path)
    }

    fn exists(&mut self, path: &str) -> Result<bool, String> {
        match self.next("exists", path)? {
            Value::Bool(there) => Ok(there),
            _ => Err(format!("the record of `exists({path})` is not a bool")),
        }
    }

    fn hash(&mut self, path: &str) -> Result<String, String> {
        match self.next("hash", path)? {
            Value::String(digest) => Ok(digest.to_string()),
            _ => Err(format!("the record of `hash({path})` is not a string")),
        }
    }

    fn fact(&mut self, name: &str) -> Result<Value, String> {
        self.next("fact", name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A world in which one file exists.
    struct OneFile;

    impl World for OneFile {
        fn file(&mut self, path: &str) -> Result<Value, String> {
            Err(format!("`{path}` cannot be read"))
        }

        fn exists(&mut self, path: &str) -> Result<bool, String> {
            Ok(path == "here")
        }

        fn hash(&mut self, _path: &str) -> Result<String, String> {
            Ok("digest".to_owned())
        }

        fn fact(&mut self, _name: &str) -> Result<Value, String> {
            Ok(Value::Int(7))
        }
    }

    #[test]
    fn a_replay_answers_as_the_world_did_also_with_errors() {
        let mut real = OneFile;
        let mut recording = Recording {
            world: &mut real,
            observed: Vec::new(),
        };
        let ask = |world: &mut dyn World| {
            let file = world.file("a.md");
            (
                file,
                world.exists("here"),
                world.hash("a.md"),
                world.fact("system.cpus"),
            )
        };
        let seen = ask(&mut recording);
        assert_eq!(ask(&mut Replay::new(&recording.observed)), seen);
    }

    #[test]
    fn a_replay_never_answers_another_question() {
        let observed = [Observation {
            what: "exists".into(),
            arg: "a".into(),
            saw: Ok(Value::Bool(true)),
        }];
        assert!(Replay::new(&observed).exists("b").is_err());
        assert!(Replay::new(&observed).hash("a").is_err());
        assert!(Replay::new(&[]).exists("a").is_err());
    }
}
