//! The built pages, embedded in the binary, for releases with a single file. `build.rs` checks that they exist.

use std::iter;

use include_dir::{Dir, DirEntry, include_dir};

static BUILT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/web/dist");

/// All files by their path below the root.
pub fn files() -> impl Iterator<Item = (String, &'static [u8])> {
    let mut left: Vec<&DirEntry<'_>> = BUILT.entries().iter().collect();
    iter::from_fn(move || {
        loop {
            match left.pop()? {
                DirEntry::Dir(folder) => left.extend(folder.entries()),
                DirEntry::File(file) => return Some((file.path().to_str()?.replace('\\', "/"), file.contents())),
            }
        }
    })
}
