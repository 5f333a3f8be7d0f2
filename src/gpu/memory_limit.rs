//! How much memory this process may still take, where somebody limits it: a batch system or a container by control groups, a shell by
//! `ulimit -v`. Read from the files that Linux keeps of both; elsewhere there are none, and so no limits.
//!
//! Source: Linux `Documentation/admin-guide/cgroup-v1/memory.rst` and `cgroup-v2.rst`, and the manual page `proc(5)`.

use std::fs;
use std::path::Path;

/// Bytes that the limits leave; `None` where there are none.
pub(super) fn left() -> Option<u64> {
    of_files(Path::new("/proc/self"), Path::new("/sys/fs/cgroup"))
}

/// The same of these folders.
fn of_files(process: &Path, groups: &Path) -> Option<u64> {
    [of_groups(process, groups), of_address_space(process)].into_iter().flatten().min()
}

/// The least that the process's control groups leave, each of which is within its parents.
fn of_groups(process: &Path, groups: &Path) -> Option<u64> {
    let own = fs::read_to_string(process.join("cgroup")).ok()?;
    let lines = own.lines().filter_map(|line| {
        let (_, line) = line.split_once(':')?;
        line.split_once(':')
    });
    let left = |(controllers, path): (&str, &str)| match controllers {
        "" => of_path(groups, path, &V2),
        _ if controllers.split(',').any(|name| name == "memory") => of_path(&groups.join("memory"), path, &V1),
        _ => None,
    };
    lines.filter_map(left).min()
}

/// Names of the files of a group.
struct Files {
    limit: &'static str,
    used: &'static str,
    /// Line of `memory.stat` with the files' pages that the system takes back when it needs them.
    cache: &'static str,
}

const V1: Files = Files { limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes", cache: "total_inactive_file" };
const V2: Files = Files { limit: "memory.max", used: "memory.current", cache: "inactive_file" };

/// The least that a group and those above it leave. In a container the path may be the machine's, of which only the root is to be seen.
fn of_path(root: &Path, path: &str, files: &Files) -> Option<u64> {
    let own = root.join(path.trim_start_matches('/'));
    own.ancestors().take_while(|folder| folder.starts_with(root)).filter_map(|folder| of_group(folder, files)).min()
}

fn of_group(folder: &Path, files: &Files) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    // Version 2 says `max` where nothing is limited, which is no number; version 1 a number beyond every machine's memory.
    let limit: u64 = read(files.limit)?.trim().parse().ok()?;
    let used: u64 = read(files.used)?.trim().parse().ok()?;
    let stat = read("memory.stat").unwrap_or_default();
    let cache = stat.lines().find_map(|line| line.strip_prefix(files.cache)?.trim().parse::<u64>().ok()).unwrap_or(0);
    Some(limit.saturating_sub(used.saturating_sub(cache)))
}

/// What `ulimit -v` leaves of the address space.
fn of_address_space(process: &Path) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(process.join(name)).ok();
    let limits = read("limits")?;
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?.split_whitespace().next()?;
    // `unlimited` is no number.
    let limit: u64 = soft.parse().ok()?;
    let status = read("status")?;
    let used = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?.split_whitespace().next()?;
    Some(limit.saturating_sub(used.parse::<u64>().ok()? << 10))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::of_files;

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    fn left(files: &[(&str, &str)]) -> Option<u64> {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), files);
        of_files(&folder.path().join("self"), &folder.path().join("groups"))
    }

    #[test]
    fn no_file_and_no_limit_are_none() {
        assert_eq!(left(&[]), None);
        let unlimited = [
            ("self/cgroup", "0::/job\n"),
            ("groups/job/memory.max", "max\n"),
            ("groups/job/memory.current", "5\n"),
            ("self/limits", "Max address space         unlimited            unlimited            bytes     \n"),
            ("self/status", "VmSize:\t     100 kB\n"),
        ];
        assert_eq!(left(&unlimited), None);
    }

    #[test]
    fn the_narrowest_group_above_counts_without_its_cache() {
        let nested = [
            ("self/cgroup", "0::/slurm/job/step\n"),
            ("groups/slurm/job/memory.max", "1000\n"),
            ("groups/slurm/job/memory.current", "700\n"),
            ("groups/slurm/job/memory.stat", "anon 100\ninactive_file 600\n"),
            ("groups/slurm/job/step/memory.max", "max\n"),
            ("groups/slurm/job/step/memory.current", "100\n"),
        ];
        assert_eq!(left(&nested), Some(900));
    }

    #[test]
    fn version_one_has_names_of_its_own_and_may_show_its_root_only() {
        let contained = [
            ("self/cgroup", "9:name=systemd:/\n4:cpu,memory:/somewhere/else\n0::/\n"),
            ("groups/memory/memory.limit_in_bytes", "1000\n"),
            ("groups/memory/memory.usage_in_bytes", "300\n"),
            ("groups/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 50\n"),
        ];
        assert_eq!(left(&contained), Some(750));
    }

    #[test]
    fn the_address_space_is_a_limit_too() {
        let narrow = [
            ("self/limits", "Limit\nMax address space         2048000              unlimited            bytes\n"),
            ("self/status", "Name:\tx\nVmSize:\t    1000 kB\n"),
        ];
        assert_eq!(left(&narrow), Some(1_024_000));
    }
}
