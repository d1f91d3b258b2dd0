//! Imports that cannot be read: said with the reason, until they can.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dsl_check::{Loader, Workspace};

/// A file that others may read or may not.
struct Guarded(Arc<AtomicBool>);

impl Loader for Guarded {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match path.to_str() {
            Some("/plans/lib.plan") if self.0.load(Ordering::SeqCst) => Ok(b"type Source\n  title: string\n".to_vec()),
            Some("/plans/lib.plan") => Err(io::ErrorKind::PermissionDenied.into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

#[test]
fn an_import_that_is_there_and_cannot_be_read_is_not_said_to_be_missing() {
    let readable = Arc::new(AtomicBool::new(false));
    let mut workspace = Workspace::new("/plans").with_loader(Guarded(readable.clone()));
    // so many that what is edited is far from what imports
    let types = (0..100).map(|number| format!("type T{number}\n  left: string\n"));
    let text = "use \"lib.plan\"\nuse \"none.plan\"\n\n".to_owned() + &types.collect::<String>();
    workspace.open_file("a.plan", text.as_bytes());
    let said = |workspace: &Workspace| -> Vec<String> {
        let found = workspace.diagnostics("a.plan".as_ref()).into_iter();
        found
            .filter(|found| found.rule == "unresolved-import")
            .map(|found| found.message)
            .collect()
    };
    let found = said(&workspace);
    assert_eq!(found[0], "`lib.plan` cannot be read: permission denied");
    assert!(
        found[1].starts_with("there is no file `none.plan` to import"),
        "{found:?}"
    );
    readable.store(true, Ordering::SeqCst);
    workspace
        .edit("a.plan", text.len()..text.len(), "  right: string\n")
        .expect("edited");
    assert_eq!(said(&workspace).len(), 1, "it is read as soon as it can be");
    workspace.lose_file("lib.plan", &io::Error::other("it is a folder"));
    assert_eq!(said(&workspace)[0], "`lib.plan` cannot be read: it is a folder");
    workspace.lose_file("lib.plan", &io::ErrorKind::NotFound.into());
    assert!(said(&workspace)[0].starts_with("there is no file `lib.plan`"));
}
