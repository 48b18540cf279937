//! Servers of a test's own that it can stop and start.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A currently unused port.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A PostgreSQL with its data in a directory of its own.
pub struct Postgres {
    pub port: u16,
    programs: PathBuf,
    data: TempDir,
    process: Option<Child>,
}

impl Postgres {
    /// Starts PostgreSQL. `None`, with a message, if its programs are not installed.
    pub fn start(what: &str) -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("LEFT OUT: {what}: no PostgreSQL to start (initdb)");
            return None;
        };
        let data = TempDir::new().unwrap();
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(data.path()).status().unwrap().success());
        }
        let mut postgres = Self { port: free_port(), programs, data, process: None };
        let initialized = postgres
            .run("initdb")
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-D"])
            .arg(postgres.data.path().join("db"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(initialized.unwrap().success(), "initdb");
        postgres.up();
        Some(postgres)
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server and waits until it accepts connections.
    pub fn up(&mut self) {
        let process = self
            .run("postgres")
            .arg("-D")
            .arg(self.data.path().join("db"))
            .args(["-h", "127.0.0.1", "-k", "", "-p", &self.port.to_string()])
            .args(["-c", "fsync=off", "-c", "shared_buffers=16MB"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        let deadline = Instant::now() + crate::support::TEST_TIMEOUT;
        let port = self.port.to_string();
        let ready = || {
            let checked =
                self.run("pg_isready").args(["-q", "-h", "127.0.0.1", "-U", "postgres", "-p", &port]).status();
            checked.unwrap().success()
        };
        while !ready() {
            assert!(Instant::now() < deadline, "PostgreSQL does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it immediately, as a crash would.
    pub fn down(&mut self) {
        if let Some(mut process) = self.process.take() {
            signal("QUIT", &process);
            let _ = process.wait();
        }
    }

    /// A command of PostgreSQL, run as a user that it accepts.
    fn run(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
                command
            }
            false => Command::new(program),
        };
        command.current_dir(self.data.path());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.down();
    }
}

/// A Redis without persistence.
pub struct Redis {
    pub port: u16,
    process: Option<Child>,
}

impl Redis {
    /// Starts Redis. `None`, with a message, if neither Redis nor Valkey is installed.
    pub fn start(what: &str) -> Option<Self> {
        let mut redis = Self { port: free_port(), process: None };
        if redis.up() {
            return Some(redis);
        }
        eprintln!("LEFT OUT: {what}: neither redis-server nor valkey-server");
        None
    }

    /// Starts it empty on its port. False if it is not installed.
    pub fn up(&mut self) -> bool {
        let port = self.port.to_string();
        let started = ["redis-server", "valkey-server"].into_iter().find_map(|program| {
            let mut command = Command::new(program);
            command.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
        });
        let Some(process) = started else { return false };
        self.process = Some(process);
        let deadline = Instant::now() + crate::support::TEST_TIMEOUT;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "Redis does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    pub fn down(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.down();
    }
}

fn signal(signal: &str, process: &Child) {
    let _ = Command::new("kill").args([&format!("-{signal}"), &process.id().to_string()]).status();
}

pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// The directory of PostgreSQL's server programs, which Debian keeps out of PATH.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    let in_path = Command::new("sh").args(["-c", "readlink -f \"$(command -v initdb)\""]).output().ok();
    let in_path = in_path.and_then(|output| String::from_utf8(output.stdout).ok());
    folders.extend(in_path.and_then(|initdb| Path::new(initdb.trim()).parent().map(Path::to_owned)));
    folders.into_iter().rev().find(|folder| folder.join("initdb").exists())
}
