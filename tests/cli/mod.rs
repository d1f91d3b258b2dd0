//! The command line as people and programs see it: standard output, standard error, exit code.

mod answers;
mod bad_input;
mod baseline;
mod bounds;
mod calls;
mod check;
mod ci;
mod disks;
mod drift;
mod effects;
mod faithful;
mod first_tries;
mod fix;
mod gc;
mod judged;
mod lasting;
mod people;
mod plans;
mod processes;
mod profiles;
mod replans;
mod reports;
mod retries;
mod reuse;
mod runs;
mod scopes;
mod secrets;
mod shell;
mod testing;
mod tools;
mod watch;

/// Compares what a command prints and how it ends with a snapshot.
macro_rules! snapshot {
    ($project:expr, $($args:expr),+ $(,)?) => {
        insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!($project.transcript(&[$($args),+]));
        })
    };
}
pub(crate) use snapshot;
