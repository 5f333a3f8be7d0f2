//! How much memory this process may still take, where somebody limits it: a batch system or a container by control groups, a shell by
//! `ulimit -v` and `-d`. Read from the files that Linux keeps of both; elsewhere there are none, and so no limits.
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
    [of_groups(process, groups), of_process(process)].into_iter().flatten().min()
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
    /// The hard limit, and in version 2 the one from which on the group's processes are slowed down until they hardly move.
    limits: &'static [&'static str],
    used: &'static str,
    /// Line of `memory.stat` with the files' pages that the system takes back when it needs them.
    cache: &'static str,
}

const V1: Files = Files { limits: &["memory.limit_in_bytes"], used: "memory.usage_in_bytes", cache: "total_inactive_file" };
const V2: Files = Files { limits: &["memory.max", "memory.high"], used: "memory.current", cache: "inactive_file" };
/// Line of `memory.stat` with the least limit of a group and of those above it, which a container may not see; of version 1 alone.
const INHERITED: &str = "hierarchical_memory_limit";

/// The least that a group and those above it leave. In a container the path may be the machine's, of which only the root is to be seen.
fn of_path(root: &Path, path: &str, files: &Files) -> Option<u64> {
    let own = root.join(path.trim_start_matches('/'));
    own.ancestors().take_while(|folder| folder.starts_with(root)).filter_map(|folder| of_group(folder, files)).min()
}

fn of_group(folder: &Path, files: &Files) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let number = |name: &&str| read(name)?.trim().parse::<u64>().ok();
    let stat = read("memory.stat").unwrap_or_default();
    let line = |name: &str| stat.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    // Version 2 says `max` where nothing is limited, which is no number; version 1 a number beyond every machine's memory.
    let limit = files.limits.iter().filter_map(number).chain(line(INHERITED)).min()?;
    let used = number(&files.used)?;
    Some(limit.saturating_sub(used.saturating_sub(line(files.cache).unwrap_or(0))))
}

/// Limits of a process with what it has used of them: address space (`ulimit -v`) and data (`ulimit -d`, all private memory since Linux
/// 4.7).
const OWN: [(&str, &str); 2] = [("Max address space", "VmSize:"), ("Max data size", "VmData:")];

/// The least that the process's own limits leave.
fn of_process(process: &Path) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(process.join(name)).ok();
    let (limits, status) = (read("limits")?, read("status")?);
    let number = |text: &str, name: &str| -> Option<u64> {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        // `unlimited` is no number.
        rest.split_whitespace().next()?.parse().ok()
    };
    let left = |(limit, used): (&str, &str)| {
        let used = number(&status, used)?.saturating_mul(1 << 10);
        Some(number(&limits, limit)?.saturating_sub(used))
    };
    OWN.into_iter().filter_map(left).min()
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
    fn limits_above_a_container_count_although_it_cannot_see_them() {
        let pod = [
            ("self/cgroup", "4:memory:/kubepods/pod/container\n"),
            ("groups/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("groups/memory/memory.usage_in_bytes", "100\n"),
            ("groups/memory/memory.stat", "hierarchical_memory_limit 1000\nhierarchical_memsw_limit 2000\n"),
        ];
        assert_eq!(left(&pod), Some(900));
    }

    #[test]
    fn a_group_that_is_slowed_down_is_limited() {
        let throttled = [
            ("self/cgroup", "0::/user.slice/run\n"),
            ("groups/user.slice/run/memory.max", "max\n"),
            ("groups/user.slice/run/memory.high", "1000\n"),
            ("groups/user.slice/run/memory.current", "1200\n"),
            ("groups/user.slice/run/memory.stat", "inactive_file 500\n"),
            ("groups/user.slice/memory.max", "5000\n"),
            ("groups/user.slice/memory.high", "max\n"),
            ("groups/user.slice/memory.current", "4800\n"),
        ];
        assert_eq!(left(&throttled), Some(200));
        // Both versions at once: the memory belongs to one of them, the other has no such files.
        let hybrid = [
            ("self/cgroup", "5:memory:/job\n1:name=systemd:/\n0::/job\n"),
            ("groups/memory/job/memory.limit_in_bytes", "700\n"),
            ("groups/memory/job/memory.usage_in_bytes", "300\n"),
            ("groups/unified/job/cgroup.procs", "1\n"),
        ];
        assert_eq!(left(&hybrid), Some(400));
    }

    #[test]
    fn what_the_process_itself_may_take_is_a_limit_too() {
        let limits = |space: &str, data: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max data size             {data}              unlimited            bytes     \n\
                 Max address space         {space}              unlimited            bytes     \n"
            )
        };
        let status = "Name:\tx\nVmPeak:\t    9000 kB\nVmSize:\t    1000 kB\nVmData:\t     500 kB\n";
        let left_by = |space: &str, data: &str| left(&[("self/limits", &limits(space, data)), ("self/status", status)]);
        assert_eq!(left_by("2048000", "unlimited"), Some(1_024_000));
        assert_eq!(left_by("unlimited", "1024000"), Some(512_000));
        assert_eq!(left_by("2048000", "1024000"), Some(512_000));
        assert_eq!(left_by("1000", "unlimited"), Some(0));
        assert_eq!(left_by("unlimited", "unlimited"), None);
    }
}
