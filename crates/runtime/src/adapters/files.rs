//! `file.read` and `file.write`: text files, relative to the folder of the plan's scripts.
//!
//! A file is written beside its place, synced and renamed, so that nobody sees half of it and a repetition does no harm.

use std::future::Future;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use engine::event::How;
use ir::value::Value;

use super::{Adapter, Host, Request, answered, failed, text};

/// Larger files are read by a script.
const READ_MAX_BYTES: u64 = 16 << 20;

pub(super) struct Read;
pub(super) struct Write;

impl Adapter for Read {
    fn call<'a>(&'a self, request: Request, _: Host) -> Pin<Box<dyn Future<Output = How> + Send + 'a>> {
        Box::pin(elsewhere(move || {
            let path = request.dir.join(text(&request, "path"));
            match read(&path) {
                Ok(text) => answered([("text", Value::String(text.into()))]),
                Err(why) => failed("failure", format!("cannot read `{}`: {why}", path.display())),
            }
        }))
    }
}

impl Adapter for Write {
    fn call<'a>(&'a self, request: Request, _: Host) -> Pin<Box<dyn Future<Output = How> + Send + 'a>> {
        Box::pin(elsewhere(move || {
            let said = text(&request, "path");
            let path = request.dir.join(said);
            match write(&path, text(&request, "text").as_bytes()) {
                Ok(()) => answered([("path", Value::String(said.into()))]),
                Err(error) => failed("failure", format!("cannot write `{}`: {error}", path.display())),
            }
        }))
    }
}

/// The driver's thread does not wait for disks.
async fn elsewhere(work: impl FnOnce() -> How + Send + 'static) -> How {
    match tokio::task::spawn_blocking(work).await {
        Ok(how) => how,
        Err(error) => failed("failure", format!("the call broke off: {error}")),
    }
}

fn read(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(READ_MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > READ_MAX_BYTES {
        return Err(format!("it has more than {} MiB", READ_MAX_BYTES >> 20));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let mut temp = std::ffi::OsString::from(".");
    temp.push(name);
    temp.push(format!(".{}", store::random()));
    let temp: PathBuf = folder.join(temp);
    let written = std::fs::File::create_new(&temp).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| std::fs::rename(&temp, path));
    if renamed.is_err() {
        // It is not there, or nobody misses it.
        let _ = std::fs::remove_file(&temp);
    }
    renamed?;
    std::fs::File::open(folder)?.sync_all()
}
