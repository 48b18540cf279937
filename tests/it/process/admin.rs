//! Account administration on the command line of the real binary, while another process serves.

use std::{process::Output, time::Duration};

use super::child::ChildConfig;

const PASSWORD: &str = "Quiet-Harbour-71!";

fn output_text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Much longer than `REVOCATION_LAG`, for a busy machine, and much shorter than the token's lifetime.
const LAG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn admin_grant_and_revoke_change_the_role() {
    let config = ChildConfig::new().await;
    let child = config.serve().await;
    let id = config.create_user("gildong", "010-2222-3333");
    let role = async || child.sign_in("gildong", PASSWORD).await["user"]["role"].clone();
    assert_eq!(role().await, "USER");
    // By every identifier of the account.
    for who in ["gildong", "010-2222-3333", id.as_str()] {
        let granted = config.run(&["admin", "grant", who]);
        assert!(granted.status.success() && output_text(&granted).contains(&id), "{who}: {}", output_text(&granted));
    }
    assert_eq!(role().await, "ADMIN");
    let last = config.run(&["admin", "grant", "gildong", "--role", "user"]);
    assert!(!last.status.success() && output_text(&last).contains("last administrator"), "{}", output_text(&last));
    let other = config.create_user("minji", "010-2222-4444");
    assert!(config.run(&["admin", "grant", &other]).status.success());
    assert!(config.run(&["admin", "grant", "gildong", "--role", "user"]).status.success());
    assert_eq!(role().await, "USER");
    let missing = config.run(&["admin", "grant", "nobody"]);
    assert!(!missing.status.success() && output_text(&missing).contains("no account"), "{}", output_text(&missing));
    let acts = config.column("SELECT act || ' ' || outcome FROM audit WHERE act LIKE 'admin%' ORDER BY id").await;
    let expected =
        ["admin create-user ok", "admin grant ok", "admin grant ok", "admin grant ok", "admin create-user ok"];
    assert_eq!(acts[..5], expected, "{acts:?}");
    child.kill();
}

#[tokio::test]
async fn tk_09_suspension_on_the_command_line_ends_sessions_in_every_process() {
    let config = ChildConfig::new().await;
    let child = config.serve().await;
    config.create_user("gildong", "010-2222-3333");
    let signed_in = child.sign_in("gildong", PASSWORD).await;
    let token = signed_in["tokens"]["accessToken"].as_str().unwrap();
    assert_eq!(child.me(token).await.as_deref(), Some("gildong"));
    let suspended = config.run(&["admin", "suspend", "GILDONG"]);
    assert!(
        suspended.status.success() && output_text(&suspended).contains("is suspended"),
        "{}",
        output_text(&suspended)
    );
    let deadline = tokio::time::Instant::now() + LAG;
    while child.me(token).await.is_some() {
        assert!(tokio::time::Instant::now() < deadline, "the token is still accepted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let refused = child.sign_in("gildong", PASSWORD).await;
    assert_eq!(
        (refused["__typename"].as_str(), refused["status"].as_str()),
        (Some("AccountNotActive"), Some("SUSPENDED"))
    );
    child.kill();
}

#[tokio::test]
async fn unlock_lifts_the_lockout() {
    let config = ChildConfig::new().await.with("LOCKOUT_ATTEMPTS", "3");
    let child = config.serve().await;
    config.create_user("gildong", "010-2222-3333");
    for _ in 0..3 {
        assert_eq!(child.sign_in("gildong", "Wrong-pass-1").await["__typename"], "CredentialsRejected");
    }
    assert_eq!(child.sign_in("gildong", PASSWORD).await["__typename"], "AccountLocked");
    let unlocked = config.run(&["admin", "unlock", "gildong"]);
    assert!(unlocked.status.success() && output_text(&unlocked).contains("is unlocked"), "{}", output_text(&unlocked));
    assert_eq!(child.sign_in("gildong", PASSWORD).await["__typename"], "SignInPayload");
    child.kill();
}

/// The help of the command line is enough to use it.
#[tokio::test]
async fn help_and_readme_describe_every_command() {
    let config = ChildConfig::new().await;
    let help = output_text(&config.run(&["admin", "--help"]));
    for command in ["create-user", "grant", "suspend", "unlock", "import-users"] {
        assert!(help.contains(command), "{command}: {help}");
    }
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for command in ["create-user", "grant WHO", "suspend WHO", "unlock WHO", "import-users FILE"] {
        assert!(readme.contains(&format!("| `countersign admin {command}` |")), "{command} is not in the README");
    }
    let format = output_text(&config.run(&["admin", "import-users", "--help"]));
    for word in ["password_hash", "bcrypt", "phone_verified", "standard input", "repeated"] {
        assert!(format.contains(word), "{word}: {format}");
    }
}
