use std::{fs, path::Path, time::Duration};

use super::{load::built_in_catalogue, *};

fn texts() -> Texts {
    Texts::load(None).unwrap()
}

/// An operator's folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn refused(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    match Texts::load(Some(folder.path())) {
        Ok(_) => panic!("accepted"),
        Err(refusals) => refusals.join("\n").replace(&folder.path().display().to_string(), ""),
    }
}

#[test]
fn both_languages_have_the_same_messages_with_the_same_variables() {
    let variables = |locale| -> Vec<_> {
        built_in_catalogue(locale).into_iter().map(|(name, asks)| (name, asks.variables())).collect()
    };
    let (ko, en) = (variables(Locale::Ko), variables(Locale::En));
    assert!(ko.len() > 100, "only {} messages", ko.len());
    for (ko, en) in ko.iter().zip(&en) {
        assert_eq!(ko, en);
    }
    assert_eq!(ko.len(), en.len());
}

#[test]
fn built_in_messages_refer_to_nothing_but_variables() {
    for locale in Locale::ALL {
        for (name, asks) in built_in_catalogue(locale) {
            assert!(asks.references.is_empty(), "{locale} {name}");
        }
    }
}

#[test]
fn messages_are_formatted_in_both_languages_without_isolation_marks() {
    let texts = texts();
    let wait = [("wait", Arg::Wait(Duration::from_millis(41_200)))];
    let cooldown = "problem-quota-exceeded-resend-cooldown";
    assert_eq!(texts.localize(Locale::Ko, cooldown, &wait), "방금 인증번호를 보냈어요. 42초 뒤에 다시 요청해 주세요.");
    assert_eq!(
        texts.localize(Locale::En, cooldown, &wait),
        "We have just sent a code. You can ask for another in 42 seconds."
    );
    let attempts = |count: u32| texts.localize(Locale::En, "problem-code-mismatch", &[("attempts", count.into())]);
    assert!(attempts(0).contains("no attempts left"));
    assert!(attempts(1).contains("1 attempt left"));
    assert!(attempts(4).contains("4 attempts left"));
}

#[test]
fn unknown_reason_falls_back_to_a_general_text() {
    let texts = texts();
    assert_eq!(texts.localize(Locale::En, "field-not-a-unicorn", &[]), "This is not valid.");
    assert_eq!(texts.localize(Locale::En, "field-empty", &[]), "Please fill this in.");
    assert_eq!(texts.localize(Locale::En, "nonsense", &[]), texts.localize(Locale::En, "problem-other", &[]));
}

#[test]
fn values_are_not_parsed_as_fluent() {
    let text = texts().localize(Locale::En, "email-footer", &[("app", "{ $code } {\"x\"}".into())]);
    assert!(text.starts_with("{ $code } {\"x\"}"));
}

#[test]
fn operator_file_replaces_the_messages_that_it_defines() {
    let decomposed = "sms-code-sign-up = <{ $app }> \u{1100}\u{1161}입 { $code } ({ $lifetime })";
    let folder = folder(&[("ko/sms.ftl", decomposed), ("en/notes.txt", "not a message")]);
    let texts = Texts::load(Some(folder.path())).unwrap();
    let args =
        [("app", "예시".into()), ("code", "012345".into()), ("lifetime", Arg::Lifetime(Duration::from_secs(300)))];
    assert_eq!(texts.localize(Locale::Ko, "sms-code-sign-up", &args), "<예시> 가입 012345 (5분)");
    assert_eq!(texts.localize(Locale::Ko, "sms-code-contact", &args), "[예시] 인증번호 012345");
    assert_eq!(texts.localize(Locale::En, "sms-code-sign-up", &args), "[예시] Sign-up code: 012345");
}

#[test]
fn every_error_has_file_and_message() {
    let all = refused(&[
        ("ko/a.ftl", "problem-nonsense = 안녕\nsms-code-sign-up = 안녕하세요\nfield-empty = 비었음"),
        ("ko/b.ftl", "field-empty = 비었음\nsms-code-contact = { $code ->\n   *[other] 안녕\n}"),
        (
            "en/a.ftl",
            "sms-code-sign-in = { $code } for { $username }\nproblem-other = { field-empty } { -brand } { NUMBER(1) }",
        ),
        ("kr/a.ftl", ""),
    ]);
    for part in [
        "/ko/a.ftl: there is no message problem-nonsense",
        "/ko/a.ftl: sms-code-sign-up must show $code",
        "/ko/b.ftl: sms-code-contact must show $code",
        "/ko/b.ftl: field-empty is also defined in another file",
        "/en/a.ftl: sms-code-sign-in has no variable $username; it has $app, $code, $lifetime",
        "/en/a.ftl: problem-other refers to field-empty",
        "/en/a.ftl: problem-other refers to -brand",
        "/en/a.ftl: problem-other refers to NUMBER()",
        "/kr: messages are in ko/ or en/",
    ] {
        assert!(all.contains(part), "{part} is not in\n{all}");
    }
    assert_eq!(all.lines().count(), 9, "{all}");
}

#[test]
fn parse_errors_have_the_line_number() {
    assert!(refused(&[("en/a.ftl", "field-empty = Hm.\n\nfield-long = { $")]).contains("/en/a.ftl: line 3:"));
    assert!(refused(&[("en/a.ftl", "-brand = Acme")]).contains("-brand is a term"));
    assert!(refused(&[("en/a.ftl", "field-empty =\n    .title = x")]).contains("field-empty has no text"));
    assert!(refused(&[("en/a.ftl", "field-empty = a\nfield-empty = b")]).contains("field-empty is defined twice"));
    assert!(Texts::load(Some(Path::new("/nonexistent/messages"))).is_err());
}

#[test]
fn every_rejection_reason_has_a_text() {
    use domain::contact::{
        BirthDateRejection, EmailRejection, NameRejection, NicknameRejection, PhoneRejection, UsernameRejection,
    };
    let mut reasons: Vec<&str> = PhoneRejection::ALL.iter().map(|rejection| rejection.reason()).collect();
    reasons.extend(EmailRejection::ALL.iter().map(|rejection| rejection.reason()));
    reasons.extend(NameRejection::ALL.iter().map(|rejection| rejection.reason()));
    reasons.extend(NicknameRejection::ALL.iter().map(|rejection| rejection.reason()));
    reasons.extend(UsernameRejection::ALL.iter().map(|rejection| rejection.reason()));
    reasons.extend(BirthDateRejection::ALL.iter().map(|rejection| rejection.reason()));
    let known = built_in_catalogue(Locale::En);
    for reason in reasons {
        assert!(known.contains_key(&format!("field-{}", reason.replace('_', "-"))), "{reason}");
    }
}
