//! A disk that is full under SQLite: what can't be kept is not acknowledged, and when there is room again it goes on.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use super::{
    load::{Answer, look, phone, send, status, until, until_settled},
    unlimited,
};
use crate::process::child::{Child, Plan};

/// The database on a small disk of its own: a tmpfs in a namespace that the program alone is in, and that the test
/// reaches through `/proc`. None: the system lets nobody make one.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    fn make() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs"]).arg(folder.path());
        let tried = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        tried.is_ok_and(|tried| tried.success()).then_some(Self { folder })
    }

    /// `serve` with this disk mounted.
    fn command(&self, plan: &Plan) -> Command {
        let inner = plan.command(&["serve"]);
        let mut command = Command::new("unshare");
        let script = "mount -t tmpfs -o size=8m tmpfs \"$1\" && shift && exec \"$@\"";
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]);
        command.arg(self.folder.path()).arg(inner.get_program()).args(inner.get_args());
        command.env_clear().envs(&plan.vars).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(plan.data.path());
        command
    }

    /// The disk as the program sees it.
    fn seen_by(&self, child: &Child) -> PathBuf {
        Path::new(&format!("/proc/{}/root", child.id())).join(self.folder.path().strip_prefix("/").unwrap())
    }
}

/// Takes all the room there is.
fn fill(disk: &Path) -> PathBuf {
    let filler = disk.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    let block = vec![0; 4096];
    while file.write_all(&block).is_ok() {}
    filler
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_and_costs_nothing_that_was_acknowledged() {
    let Some(disk) = SmallDisk::make() else {
        // Not by any setting of the suite: containers often forbid it.
        eprintln!("left out: a full disk under SQLite: no namespace can be made here");
        return;
    };
    let plan = unlimited().await.without("DATABASE_URL").without("REDIS_URL");
    let plan = plan.with("DATABASE_URL", &format!("sqlite:{}/countersign.db", disk.folder.path().display()));
    let child = plan.serve_by(disk.command(&plan)).await;
    let mut kept = Vec::new();
    for at in 0..5 {
        kept.push(send(&child, &phone(at)).await.id().unwrap());
    }
    for id in &kept {
        until_settled(&child, id, Duration::from_secs(20)).await;
    }

    let filler = fill(&disk.seen_by(&child));
    let mut refused = 0;
    for at in 0..200 {
        let answer = send(&child, &phone(100 + at)).await;
        match answer.id() {
            // What room the log still had.
            Some(id) => kept.push(id),
            None => {
                assert!(answer.is_unavailable(), "{answer:?}");
                refused += 1;
            }
        }
        if refused == 10 {
            break;
        }
    }
    assert_eq!(refused, 10, "the disk was never full: {} were kept", kept.len());
    assert_eq!(status(&child, "/healthz").await, 200);
    assert_eq!(status(&child, "/readyz").await, 503);
    // Who only reads is served.
    assert!(matches!(look(&child, &kept[0]).await, Answer::Is(it) if it["status"] == "PENDING"));

    fs::remove_file(filler).unwrap();
    until("it is ready again", Duration::from_secs(10), || async {
        (status(&child, "/readyz").await == 200).then_some(())
    })
    .await;
    kept.push(send(&child, &phone(900)).await.id().unwrap());
    for id in &kept {
        assert_eq!(until_settled(&child, id, Duration::from_secs(30)).await, "SENT");
    }
}
