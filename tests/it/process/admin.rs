//! What an operator does with accounts, on the real binary, while another process of it serves.

use std::{process::Output, time::Duration};

use super::child::Plan;

const PASSWORD: &str = "Quiet-Harbour-71!";

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Far more than `REVOCATION_LAG`, for a busy machine, and far less than the token lives.
const LAG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_operator_makes_an_administrator_and_takes_it_back() {
    let plan = Plan::new().await;
    let child = plan.serve().await;
    let id = plan.user("gildong", "010-2222-3333");
    let role = async || child.sign_in("gildong", PASSWORD).await["user"]["role"].clone();
    assert_eq!(role().await, "USER");
    // By whatever names the account.
    for who in ["gildong", "010-2222-3333", id.as_str()] {
        let granted = plan.run(&["admin", "grant", who]);
        assert!(granted.status.success() && said(&granted).contains(&id), "{who}: {}", said(&granted));
    }
    assert_eq!(role().await, "ADMIN");
    let last = plan.run(&["admin", "grant", "gildong", "--role", "user"]);
    assert!(!last.status.success() && said(&last).contains("last administrator"), "{}", said(&last));
    let other = plan.user("minji", "010-2222-4444");
    assert!(plan.run(&["admin", "grant", &other]).status.success());
    assert!(plan.run(&["admin", "grant", "gildong", "--role", "user"]).status.success());
    assert_eq!(role().await, "USER");
    let nobody = plan.run(&["admin", "grant", "nobody"]);
    assert!(!nobody.status.success() && said(&nobody).contains("no account"), "{}", said(&nobody));
    let acts = plan.column("SELECT act || ' ' || outcome FROM audit WHERE act LIKE 'admin%' ORDER BY id").await;
    let expected =
        ["admin create-user ok", "admin grant ok", "admin grant ok", "admin grant ok", "admin create-user ok"];
    assert_eq!(acts[..5], expected, "{acts:?}");
    child.kill();
}

#[tokio::test]
async fn tk_09_who_is_suspended_on_the_command_line_is_out_of_every_process() {
    let plan = Plan::new().await;
    let child = plan.serve().await;
    plan.user("gildong", "010-2222-3333");
    let signed_in = child.sign_in("gildong", PASSWORD).await;
    let token = signed_in["tokens"]["accessToken"].as_str().unwrap();
    assert_eq!(child.me(token).await.as_deref(), Some("gildong"));
    let suspended = plan.run(&["admin", "suspend", "GILDONG"]);
    assert!(suspended.status.success() && said(&suspended).contains("is suspended"), "{}", said(&suspended));
    let deadline = tokio::time::Instant::now() + LAG;
    while child.me(token).await.is_some() {
        assert!(tokio::time::Instant::now() < deadline, "the token is still honoured");
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
async fn who_is_locked_out_is_let_in_again() {
    let plan = Plan::new().await.with("LOCKOUT_ATTEMPTS", "3");
    let child = plan.serve().await;
    plan.user("gildong", "010-2222-3333");
    for _ in 0..3 {
        assert_eq!(child.sign_in("gildong", "Wrong-pass-1").await["__typename"], "CredentialsRejected");
    }
    assert_eq!(child.sign_in("gildong", PASSWORD).await["__typename"], "AccountLocked");
    let unlocked = plan.run(&["admin", "unlock", "gildong"]);
    assert!(unlocked.status.success() && said(&unlocked).contains("is unlocked"), "{}", said(&unlocked));
    assert_eq!(child.sign_in("gildong", PASSWORD).await["__typename"], "SignInPayload");
    child.kill();
}

/// Somebody who has never seen the program finds out what to type.
#[tokio::test]
async fn the_help_says_what_the_commands_do() {
    let plan = Plan::new().await;
    let help = said(&plan.run(&["admin", "--help"]));
    for command in ["create-user", "grant", "suspend", "unlock", "import-users"] {
        assert!(help.contains(command), "{command}: {help}");
    }
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for command in ["create-user", "grant WHO", "suspend WHO", "unlock WHO", "import-users FILE"] {
        assert!(readme.contains(&format!("| `countersign admin {command}` |")), "{command} is not in the README");
    }
    let format = said(&plan.run(&["admin", "import-users", "--help"]));
    for word in ["password_hash", "bcrypt", "phone_verified", "standard input", "again"] {
        assert!(format.contains(word), "{word}: {format}");
    }
}
