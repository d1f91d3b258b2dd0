//! The process that confines itself and becomes a script: Landlock for files and TCP, seccomp for every other socket.
//!
//! It runs before the script and has no secrets of its own to keep. Whatever of this a kernel lacks is left out here;
//! the driver has said so before ([`Support`]).

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, Scope,
    path_beneath_rules,
};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use super::Confinement;

/// Programs, libraries, settings and what the kernel tells. `/proc` shows a confined process nothing of the processes outside.
const SYSTEM: &[&str] = &[
    "/bin",
    "/etc",
    "/gnu/store",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/opt",
    "/proc",
    "/run/current-system",
    "/run/resolvconf",
    "/run/systemd/resolve",
    "/sbin",
    "/snap",
    "/sys",
    "/usr",
];
/// Devices that hold nothing.
const DEVICES: &[&str] = &[
    "/dev/full",
    "/dev/null",
    "/dev/random",
    "/dev/tty",
    "/dev/urandom",
    "/dev/zero",
];
/// Where these variables point, toolchains lie.
const TOOLCHAINS: &[&str] = &["JAVA_HOME", "NVM_DIR", "PYENV_ROOT", "RUSTUP_HOME", "VIRTUAL_ENV"];

/// The newest rights that this was tried with; what an older kernel lacks is left out.
const FILES: ABI = ABI::V5;
const TCP: ABI = ABI::V4;

/// What this system can enforce.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Support {
    /// Which files are read and written.
    pub files: bool,
    /// That there is no network.
    pub network: bool,
}

impl Support {
    /// What it cannot, as a sentence.
    pub fn shortfall(self) -> Option<String> {
        let what = match (self.files, self.network) {
            (true, true) => return None,
            (false, true) => "`read` and `write` are not enforced: the kernel has no Landlock",
            (true, false) => "`network` is not enforced: the kernel has no seccomp",
            (false, false) => "`effects:` are not enforced: the kernel has neither Landlock nor seccomp",
        };
        Some(what.to_owned())
    }
}

/// Asks the kernel.
pub fn support() -> Support {
    let files = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .and_then(Ruleset::create)
        .is_ok();
    let seccomp = Path::new("/proc/sys/kernel/seccomp/actions_avail").exists();
    Support {
        files,
        network: seccomp && no_sockets().is_some(),
    }
}

/// `dslc __exec [--read PATH]… [--write PATH]… [--network] -- PROGRAM NAME [ARG]…`: does not return unless something is wrong.
pub fn exec_main(args: impl Iterator<Item = OsString>) -> io::Error {
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let Some((confinement, mut rest)) = Confinement::from_args(args) else {
        return wrong("expected paths, `--`, and a program");
    };
    let (Some(program), Some(name)) = (rest.next(), rest.next()) else {
        return wrong("expected a program and its name behind `--`");
    };
    if let Err(error) = confine(&confinement, &program) {
        return error;
    }
    Command::new(program).arg0(name).args(rest).exec()
}

fn confine(confinement: &Confinement, program: &OsStr) -> io::Result<()> {
    restrict(confinement, program).map_err(io::Error::other)?;
    drop_capabilities()?;
    if !confinement.network
        && let Some(filter) = no_sockets()
    {
        match seccompiler::apply_filter(&filter) {
            Err(seccompiler::Error::Prctl(error) | seccompiler::Error::Seccomp(error))
                if error.kind() == io::ErrorKind::Unsupported => {}
            applied => applied.map_err(io::Error::other)?,
        }
    }
    Ok(())
}

/// What root could get around the rest with: looking into processes outside, mounting, loading, raw devices and packets.
const DROPPED: CapabilitySet = CapabilitySet::SYS_ADMIN
    .union(CapabilitySet::SYS_PTRACE)
    .union(CapabilitySet::PERFMON)
    .union(CapabilitySet::BPF)
    .union(CapabilitySet::CHECKPOINT_RESTORE)
    .union(CapabilitySet::SYS_MODULE)
    .union(CapabilitySet::SYS_RAWIO)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::NET_ADMIN)
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::DAC_READ_SEARCH);

/// Restricting itself has made sure that running another program gives none back.
fn drop_capabilities() -> io::Result<()> {
    let has = capabilities(None)?;
    if !has.permitted.intersects(DROPPED) {
        return Ok(());
    }
    let keeps = CapabilitySets {
        effective: has.effective.difference(DROPPED),
        permitted: has.permitted.difference(DROPPED),
        inheritable: has.inheritable.difference(DROPPED),
    };
    Ok(set_capabilities(None, keeps)?)
}

fn restrict(confinement: &Confinement, program: &OsStr) -> Result<(), landlock::RulesetError> {
    let mut ruleset = Ruleset::default().handle_access(AccessFs::from_all(FILES))?;
    if !confinement.network {
        ruleset = ruleset.handle_access(AccessNet::from_all(TCP))?;
    }
    // nobody outside is signalled, and nothing that listens under a name of its own is talked to
    let ruleset = ruleset.scope(Scope::from_all(ABI::V6))?;
    ruleset
        .create()?
        .add_rules(path_beneath_rules(
            readable(confinement, program),
            AccessFs::from_read(FILES),
        ))?
        .add_rules(path_beneath_rules(DEVICES, device()))?
        .add_rules(path_beneath_rules(&confinement.write, AccessFs::from_all(FILES)))?
        .restrict_self()
        .map(drop)
}

fn device() -> landlock::BitFlags<AccessFs> {
    AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev
}

fn readable(confinement: &Confinement, program: &OsStr) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let programs = path
        .as_bytes()
        .split(|&byte| byte == b':')
        .map(|folder| PathBuf::from(OsStr::from_bytes(folder)))
        .filter(|folder| is_below_root(folder));
    let toolchains = TOOLCHAINS
        .iter()
        .filter_map(std::env::var_os)
        .map(PathBuf::from)
        .filter(|folder| is_below_root(folder));
    SYSTEM
        .iter()
        .map(PathBuf::from)
        .chain([PathBuf::from(program)])
        .chain(programs)
        .chain(toolchains)
        .chain(confinement.read.iter().cloned())
        .collect()
}

/// A variable may say anything, and `/` would be everything.
fn is_below_root(folder: &Path) -> bool {
    folder.is_absolute() && folder.components().count() > 1
}

/// Refuses sockets but those between processes of this machine, and the way around that io_uring would be. `None` on
/// machines that the filter is not known for.
fn no_sockets() -> Option<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).ok()?;
    let is_not = |family: libc::c_int| {
        SeccompCondition::new(
            0,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Ne,
            u64::from(family.unsigned_abs()),
        )
    };
    let elsewhere = SeccompRule::new(vec![is_not(libc::AF_UNIX).ok()?, is_not(libc::AF_NETLINK).ok()?]).ok()?;
    let mut rules = vec![
        (libc::SYS_socket, vec![elsewhere.clone()]),
        (libc::SYS_io_uring_setup, Vec::new()),
    ];
    if cfg!(target_arch = "x86_64") {
        // the same calls by their x32 numbers
        const X32: i64 = 0x4000_0000;
        rules.push((X32 + libc::SYS_socket, vec![elsewhere]));
        rules.push((X32 + libc::SYS_io_uring_setup, Vec::new()));
    }
    let refuse = SeccompAction::Errno(libc::EACCES.unsigned_abs());
    let filter = SeccompFilter::new(rules.into_iter().collect(), SeccompAction::Allow, refuse, arch).ok()?;
    filter.try_into().ok()
}
