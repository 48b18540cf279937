use std::{os::unix::fs::PermissionsExt, sync::Barrier};

use super::*;
use crate::keys::parse::check_secret;

const KEY: &str = "H6YZz1NvVT5zQBlN4760krrJ/exLtL9vicbpTJPZbAQ=";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn open(path: &Path) -> Result<Secret, String> {
    read_or_create(path, check_secret, &Secret::new(KEY), &Entropy::System)
}

#[test]
fn second_start_reads_the_key_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/jwt.key");
    assert!(read(&path, check_secret).unwrap().is_none());
    assert_eq!(open(&path).unwrap().expose(), KEY);
    let other = Secret::new("K8NndNsNkCiSFcEDmvIdlRJToSjwBqkzW3/1Zl938HU=");
    let read = read_or_create(&path, check_secret, &other, &Entropy::System).unwrap();
    assert_eq!(read.expose(), KEY);
    assert_eq!(mode(&path), 0o600);
    let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["jwt.key"], "a temporary file was left behind");
}

#[test]
fn concurrent_first_starts_use_the_same_key() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jwt.key");
        let barrier = Barrier::new(4);
        let keys: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let made = Secret::new(hex::encode(Entropy::System.bytes::<32>()));
                        barrier.wait();
                        read_or_create(&path, check_secret, &made, &Entropy::System).unwrap()
                    })
                })
                .collect();
            starts.into_iter().map(|start| start.join().unwrap().expose().to_owned()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }
}

#[test]
fn file_content_is_checked_and_error_has_path_and_recovery() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwt.key");
    for content in ["", "\n", " \n", "a", "changeme", "\u{feff}", &"a".repeat(40)] {
        fs::write(&path, content).unwrap();
        for error in [read(&path, check_secret).unwrap_err(), open(&path).unwrap_err()] {
            assert!(error.contains(path.to_str().unwrap()), "{error}");
            assert!(error.contains("backup") && error.contains("delete it"), "{error}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), content, "an invalid file was changed");
    }
    fs::write(&path, [0xff, 0xfe, 0x41, 0x00]).unwrap();
    assert!(open(&path).unwrap_err().contains(path.to_str().unwrap()));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(open(&path).is_err());
}

#[test]
fn large_file_named_pipe_and_dangling_link_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let large = dir.path().join("large.key");
    fs::write(&large, format!("{KEY}\n{}", " ".repeat(64 * 1024))).unwrap();
    let pipe = dir.path().join("pipe.key");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let link = dir.path().join("link.key");
    std::os::unix::fs::symlink(dir.path().join("gone"), &link).unwrap();
    for path in [large, pipe, link] {
        assert!(read(&path, check_secret).is_err(), "{}", path.display());
        assert!(read_lines(&path).is_err(), "{}", path.display());
    }
}

#[test]
fn byte_order_mark_and_line_breaks_are_not_part_of_a_key() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwt.key");
    fs::write(&path, format!("\u{feff}{KEY}\r\n")).unwrap();
    assert_eq!(open(&path).unwrap().expose(), KEY);
}

#[test]
fn readable_file_is_made_private_with_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwt.key");
    open(&path).unwrap();
    for loose in [0o644, 0o640, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(loose)).unwrap();
        assert!(permission_warning(&path).unwrap().contains("other users"));
        assert_eq!(mode(&path), loose, "the check changed the mode");
        assert!(restrict_permissions(&path).unwrap().contains("set to 0600"));
        assert_eq!(mode(&path), 0o600);
        assert!(restrict_permissions(&path).is_none());
    }
}

#[test]
fn replaced_file_is_private_and_complete() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwt.key");
    assert_eq!(create(&path, "one", &Entropy::System).map_err(|error| error.kind()), Ok(()));
    assert_eq!(create(&path, "two", &Entropy::System).map_err(|e| e.kind()), Err(io::ErrorKind::AlreadyExists));
    replace(&path, "three", &Entropy::System).unwrap();
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), ("three", 0o600));
}
