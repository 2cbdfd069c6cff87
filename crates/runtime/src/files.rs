//! Files with secrets.

use std::path::Path;

/// A warning about the permissions of a file with secrets: one line. `None`: they are right, or there is no such file.
#[cfg(unix)]
pub fn exposed(file: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;

    /// Others may read or write.
    const OTHERS: u32 = 0o006;
    let mode = std::fs::metadata(file).ok()?.permissions().mode();
    (mode & OTHERS != 0).then(|| {
        let (file, mode) = (file.display(), mode & 0o777);
        format!("{file} holds secrets, and every account of this machine may read or write it (mode {mode:04o}): chmod 600 {file}")
    })
}

/// Permissions cannot be checked on this platform.
#[cfg(not(unix))]
pub fn exposed(_: &Path) -> Option<String> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_that_everybody_reads_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("key");
        assert_eq!(exposed(&file), None, "there is none");
        std::fs::write(&file, "secret").expect("written");
        for (mode, is_exposed) in [(0o600, false), (0o640, false), (0o644, true), (0o602, true), (0o400, false)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("set");
            let line = exposed(&file);
            assert_eq!(line.is_some(), is_exposed, "{mode:o}");
            assert!(line.is_none_or(|line| line.contains("chmod 600") && line.contains("key")));
        }
    }
}
