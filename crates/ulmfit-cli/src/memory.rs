//! How much memory the process took.

/// The most memory that was resident so far, in bytes; `None` where the system is not Linux, which
/// tells.
pub(crate) fn peak_resident_bytes() -> Option<u64> {
    high_water_mark(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Out of the lines of a process's `status`.
fn high_water_mark(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes = line.trim().strip_suffix("kB")?.trim_end();
    Some(kilobytes.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_read_in_kilobytes() {
        let status = "Name:\tulmfit\nVmPeak:\t   9000 kB\nVmHWM:\t   1234 kB\nThreads:\t2\n";
        assert_eq!(high_water_mark(status), Some(1234 * 1024));
        assert_eq!(high_water_mark("Name:\tulmfit\n"), None);
    }
}
