//! The floors of the house: a room imports downwards only. `src/lib.rs` says what the rooms are.

mod imports;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use imports::imported_rooms;

/// From the roof to the ground. Rooms of one floor do not import each other, but for those on the ground.
const FLOORS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["app"],
    &["http", "janitor"],
    &["graphql"],
    &["account"],
    &["session"],
    &["verification"],
    &["delivery"],
    &["quota", "events"],
    &["store"],
    &[
        "password",
        "code",
        "keys",
        "redis_link",
        "contact",
        "texts",
        "telemetry",
        "clock",
        "fault",
        "config",
        "secret",
        "ids",
        "caller",
        "channel",
        "purpose",
        "status",
        "vitals",
        "patience",
    ],
];

/// A file is one idea; past this many lines it is two.
const LONGEST_FILE: usize = 400;

#[test]
fn rooms_import_downwards_only() {
    let house = House::read();
    let mut wrong = Vec::new();
    for (file, imported) in &house.files {
        let room = room_of(file);
        for other in imported.iter().filter(|other| **other != room) {
            if !may_import(&room, other) {
                wrong.push(format!("{}: {room} imports {other}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n\nThe house as it stands:\n{}", wrong.join("\n"), house.map());
}

#[test]
fn every_room_has_its_floor() {
    let house = House::read();
    let homeless: BTreeSet<_> = house.rooms().into_keys().filter(|room| floor_of(room).is_none()).collect();
    assert!(homeless.is_empty(), "{homeless:?}: on which floor? Say so in FLOORS and in DESIGN.md.\n{}", house.map());
}

#[test]
fn rooms_on_the_ground_import_each_other_without_a_circle() {
    let house = House::read();
    let mut rooms = house.rooms();
    let ground = FLOORS[FLOORS.len() - 1];
    rooms.retain(|room, _| ground.contains(&room.as_str()));
    // Take away, again and again, whatever imports nothing that is left: what stays is a circle.
    loop {
        let left: BTreeSet<_> = rooms.keys().cloned().collect();
        rooms.retain(|room, imported| imported.iter().any(|other| other != room && left.contains(other)));
        if rooms.len() == left.len() {
            break;
        }
    }
    assert!(rooms.is_empty(), "these import each other in a circle: {rooms:?}\n{}", house.map());
}

#[test]
fn nobody_but_telemetry_names_a_metric() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let elsewhere = files_below(&src).into_iter().filter(|file| !file.starts_with(src.join("telemetry")));
    let naming: Vec<_> = elsewhere
        .filter(|file| {
            let text = fs::read_to_string(file).unwrap();
            ["counter!(", "gauge!(", "histogram!("].iter().any(|call| text.contains(call))
        })
        .collect();
    assert!(naming.is_empty(), "call a function of telemetry::metrics, and add to its table: {naming:?}");
}

#[test]
fn no_file_is_longer_than_one_idea() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut long = Vec::new();
    for folder in ["src", "migration", "tests", "benches", "scripts", "web/src"] {
        // Fixtures are data: dumps, and lists of one entry a line.
        let files =
            files_below(&root.join(folder)).into_iter().filter(|file| !file.starts_with(root.join("tests/fixtures")));
        for file in files {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            let lines = text.lines().count();
            if lines > LONGEST_FILE {
                long.push(format!("{}: {lines} lines", file.strip_prefix(root).unwrap().display()));
            }
        }
    }
    assert!(long.is_empty(), "past {LONGEST_FILE} lines:\n{}", long.join("\n"));
}

/// The files below `src/`, each with the rooms that it names.
struct House {
    files: BTreeMap<PathBuf, BTreeSet<String>>,
}

impl House {
    fn read() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let rust = files_below(&src).into_iter().filter(|file| file.extension().is_some_and(|ext| ext == "rs"));
        let files: BTreeMap<_, _> = rust
            .map(|file| {
                let inside = file.strip_prefix(&src).unwrap().to_owned();
                let imported = imported_rooms(&fs::read_to_string(&file).unwrap());
                (inside, imported)
            })
            // The front door shows the rooms to who uses the library; it is not one of them.
            .filter(|(file, _)| file != Path::new("lib.rs"))
            .collect();
        assert!(files.len() > 20, "the house was not found: {files:?}");
        Self { files }
    }

    /// Each room with the rooms that it imports.
    fn rooms(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut rooms: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (file, imported) in &self.files {
            rooms.entry(room_of(file)).or_default().extend(imported.iter().cloned());
        }
        rooms
    }

    /// The rooms by floor, each with what it imports; what goes up is marked.
    fn map(&self) -> String {
        let mut rooms: Vec<_> = self.rooms().into_iter().collect();
        rooms.sort_by_key(|(room, _)| floor_of(room));
        let mut map = String::new();
        for (room, imported) in rooms {
            let floor = floor_of(&room).map_or_else(|| "?".to_owned(), |floor| (FLOORS.len() - floor - 1).to_string());
            let others = imported.iter().filter(|other| **other != room);
            let marked =
                others.map(|other| if may_import(&room, other) { other.clone() } else { format!("↑{other}↑") });
            writeln!(map, "{floor:>3}  {room:<13} → {}", marked.collect::<Vec<_>>().join(" · ")).unwrap();
        }
        map
    }
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&room))
}

fn may_import(room: &str, other: &str) -> bool {
    match (floor_of(room), floor_of(other)) {
        (Some(here), Some(there)) => here < there || (here == there && here == FLOORS.len() - 1),
        _ => false,
    }
}

/// `session/gate.rs` is in `session`, `clock.rs` is `clock`.
fn room_of(file: &Path) -> String {
    Path::new(file.iter().next().unwrap()).file_stem().unwrap().to_str().unwrap().to_owned()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}
