//! Metrics of the process itself: which build it is, its memory and its open files.

use std::fs;
use std::path::Path;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use rustix::process::{Resource, getrlimit};

use crate::Metrics;

/// The commit that was built, where the build names it.
const COMMIT: &str = match option_env!("UPDRAFT_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};
/// Version 1 of control groups writes a number beyond this where there is no limit.
const NO_LIMIT_BYTES: u64 = 1 << 60;

/// A build.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
    commit: &'static str,
}

/// Handles. On other systems than Linux the measured ones stay 0.
#[derive(Clone, Debug)]
struct ProcessMetrics {
    build: Family<Build, Gauge>,
    resident_memory: Gauge,
    memory_limit: Gauge,
    open_files: Gauge,
    max_open_files: Gauge,
}

/// Registers them; they are measured before each export.
pub(crate) fn register(metrics: &Metrics, version: &'static str) {
    let process = ProcessMetrics {
        build: metrics.register(
            "build_info",
            "1 for the version and the commit of this build; the commit is unknown where the build did not name it",
            Family::default(),
        ),
        resident_memory: metrics.register_process(
            "resident_memory_bytes",
            "Memory of the process that is in RAM",
            Gauge::default(),
        ),
        memory_limit: metrics.register(
            "memory_limit_bytes",
            "Memory that the process may use: the lowest limit of its control groups and of its address space; 0 where there is none",
            Gauge::default(),
        ),
        open_files: metrics.register_process("open_fds", "Open files and sockets of the process", Gauge::default()),
        max_open_files: metrics.register_process(
            "max_fds",
            "Open files and sockets that the process may have",
            Gauge::default(),
        ),
    };
    process.build.get_or_create(&Build { version, commit: COMMIT }).set(1);
    metrics.before_export(move || process.measure());
}

impl ProcessMetrics {
    fn measure(&self) {
        let set = |gauge: &Gauge, value: Option<u64>| {
            if let Some(value) = value {
                gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            }
        };
        set(&self.resident_memory, fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident_bytes));
        set(&self.memory_limit, Some(memory_limit().unwrap_or(0)));
        // Without the one that is open for counting.
        let open = fs::read_dir("/proc/self/fd").ok().map(|files| (files.count() as u64).saturating_sub(1));
        set(&self.open_files, open);
        set(&self.max_open_files, Some(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)));
    }
}

/// The resident memory in the text of `/proc/self/status`.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn memory_limit() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let of_groups = group_limit(&groups, |file| fs::read_to_string(file).ok());
    of_groups.into_iter().chain(getrlimit(Resource::As).current).min()
}

/// The lowest limit of the control groups that a process is in, by the text of its `/proc/self/cgroup`. A container may see its
/// own group as the root of all, under any path: so the groups above count, too, as far as they are visible.
fn group_limit(groups: &str, read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let limits_of = |line: &str| -> Option<Vec<u64>> {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, group) = (fields.next()?, fields.next()?);
        let (root, file) = match controllers {
            // Version 2 has one hierarchy.
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return None,
        };
        let group = Path::new(group.trim_start_matches('/'));
        let texts = group.ancestors().filter_map(|group| read(&Path::new(root).join(group).join(file)));
        // `max` is no number, and no limit.
        Some(texts.filter_map(|text| text.trim().parse().ok()).collect())
    };
    let limits = groups.lines().filter_map(limits_of).flatten();
    limits.filter(|limit| *limit < NO_LIMIT_BYTES).min()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn limit(groups: &str, files: &[(&str, &str)]) -> Option<u64> {
        let files: BTreeMap<_, _> = files.iter().map(|(file, text)| (Path::new(file), *text)).collect();
        group_limit(groups, |file| files.get(file).map(|text| (*text).to_owned()))
    }

    #[test]
    fn the_lowest_visible_limit_of_the_groups_counts() {
        let service = "0::/system.slice/updraft-bridge.service\n";
        let own = ("/sys/fs/cgroup/system.slice/updraft-bridge.service/memory.max", "536870912\n");
        let above = ("/sys/fs/cgroup/system.slice/memory.max", "268435456\n");
        assert_eq!(limit(service, &[own]), Some(536_870_912));
        assert_eq!(limit(service, &[own, above]), Some(268_435_456));
        assert_eq!(limit(service, &[(own.0, "max\n")]), None);
        // A container with a name space of its own, and one without.
        let container = ("/sys/fs/cgroup/memory.max", "1073741824\n");
        assert_eq!(limit("0::/\n", &[container]), Some(1 << 30));
        assert_eq!(limit("0::/docker/0123abcd\n", &[container]), Some(1 << 30));
    }

    #[test]
    fn version_1_of_control_groups_is_read() {
        let groups = "12:cpu,cpuacct:/docker/1\n5:memory:/docker/1\n0::/docker/1\n";
        let file = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
        assert_eq!(limit(groups, &[(file, "1073741824\n")]), Some(1 << 30));
        assert_eq!(limit(groups, &[(file, "9223372036854771712\n")]), None);
        assert_eq!(limit("", &[(file, "1073741824\n")]), None);
    }

    #[test]
    fn resident_memory_is_read_in_bytes() {
        assert_eq!(resident_bytes("VmHWM:\t   90000 kB\nVmRSS:\t   84012 kB\nThreads:\t9\n"), Some(86_028_288));
        assert_eq!(resident_bytes("Threads:\t9\n"), None);
    }

    #[test]
    fn the_process_is_measured_at_each_export() {
        let metrics = Metrics::new();
        register(&metrics, "1.2.3");
        let value = |name: &str| -> i64 {
            let text = metrics.to_text();
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("{text}")).parse().expect("a number")
        };
        assert!(value("process_resident_memory_bytes") > 1 << 20);
        assert!(value("process_open_fds") > 2, "the standard streams at least");
        assert!(value("process_max_fds") >= value("process_open_fds"));
        assert!(value("fanet_memory_limit_bytes") >= 0);
        assert!(metrics.to_text().contains("fanet_build_info{version=\"1.2.3\",commit=\""), "{}", metrics.to_text());
    }
}
