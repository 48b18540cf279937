use std::{fs, time::Duration};

use super::*;
use domain::contact::ContactKind;
use providers::segments::{Carriers, KOREAN_SMS, Segments, korean_bytes};

const BOTH: [Carriers; 2] = [Carriers::Korean, Carriers::Others];
const SECOND: Duration = Duration::from_secs(1);

fn settings() -> Messages {
    Messages {
        app_name: "예시서비스".to_owned(),
        default_locale: Locale::Ko,
        dir: None,
        web_otp_domain: None,
        android_app_hash: None,
        contact_undo_url: None,
    }
}

fn with_web_otp() -> Messages {
    Messages { web_otp_domain: Some("verify.example.com".to_owned()), ..settings() }
}

fn with_app_hash() -> Messages {
    Messages { android_app_hash: Some("ypNAo0e4jtT".to_owned()), ..with_web_otp() }
}

fn composer(settings: &Messages) -> Composer {
    Composer::new(Texts::load(settings.dir.as_deref()).unwrap(), settings)
}

fn contact(kind: ContactKind, text: &str) -> Contact {
    Contact::from_stored(kind, text).unwrap()
}

fn phone(text: &str) -> Contact {
    contact(ContactKind::Phone, text)
}

fn code(purpose: Purpose, channel: Channel, to: Contact, locale: Locale) -> MessageRequest {
    let code = Code { purpose, code: Secret::new("012345"), lifetime: 300 * SECOND };
    MessageRequest { content: MessageContent::Code(code), channel, to, locale }
}

fn notice(notice: Notice, channel: Channel, locale: Locale) -> MessageRequest {
    MessageRequest { content: MessageContent::Notice(notice), channel, to: phone("+821012345678"), locale }
}

fn text(settings: &Messages, request: &MessageRequest) -> String {
    composer(settings).compose(request).text.expose().to_owned()
}

fn template_errors(settings: &Messages, code_length: usize, carriers: &[Carriers]) -> Vec<String> {
    let largest = LargestValues { code_length, lifetime: 300 * SECOND, undo_lifetime: 259_200 * SECOND, carriers };
    composer(settings).check_templates(&largest).err().unwrap_or_default()
}

#[test]
fn a_korean_code_message_states_its_purpose_and_a_caution() {
    let request = code(Purpose::SignUp, Channel::Sms, phone("+821012345678"), Locale::Ko);
    assert_eq!(text(&settings(), &request), "[예시서비스] 가입 인증번호 012345\n타인에게 알려주지 마세요.");
}

#[test]
fn the_origin_is_the_last_line_after_the_app_hash() {
    let request = code(Purpose::SignIn, Channel::Sms, phone("+12015550123"), Locale::En);
    let settings = Messages { app_name: "Acme".to_owned(), ..with_app_hash() };
    assert_eq!(
        text(&settings, &request),
        "[Acme] Sign-in code: 012345\nDon't share it with anyone.\nypNAo0e4jtT\n@verify.example.com #012345"
    );
}

#[test]
fn the_caution_is_omitted_if_the_message_would_need_two_segments() {
    let request = code(Purpose::PasswordReset, Channel::Sms, phone("+821012345678"), Locale::Ko);
    let text = text(&with_app_hash(), &request);
    assert_eq!(text, "[예시서비스] 비밀번호 재설정 인증번호 012345\nypNAo0e4jtT\n@verify.example.com #012345");
    assert!(korean_bytes(&text).unwrap() <= KOREAN_SMS);
}

#[test]
fn every_code_fits_into_one_message_in_all_countries() {
    for locale in Locale::ALL {
        for purpose in Purpose::all() {
            let korean = text(&settings(), &code(purpose, Channel::Sms, phone("+821012345678"), locale));
            assert!(korean_bytes(&korean).unwrap() <= 75, "{korean}");
            assert!(korean.starts_with("[예시서비스]"), "{korean}");
            let abroad = text(&with_web_otp(), &code(purpose, Channel::Sms, phone("+12015550123"), locale));
            assert_eq!(Segments::of(&abroad).count, 1, "{abroad}");
        }
    }
    assert_eq!(template_errors(&settings(), 10, &BOTH), Vec::<String>::new());
    assert_eq!(template_errors(&with_app_hash(), 6, &[Carriers::Korean]), Vec::<String>::new());
    assert_eq!(template_errors(&with_web_otp(), 6, &BOTH), Vec::<String>::new());
}

#[test]
fn notices_without_a_link_fit_into_a_korean_short_message() {
    for locale in Locale::ALL {
        let notices = [
            Notice::PasswordChanged,
            Notice::NewDevice { device: None },
            Notice::SessionEnded { device: None },
            Notice::AccountExists,
            Notice::ContactChanged {
                new: Contact::from_stored(ContactKind::Phone, "+821012345678").unwrap(),
                undo: UndoHint::OtherContact,
            },
            Notice::ContactChanged {
                new: Contact::from_stored(ContactKind::Phone, "+821012345678").unwrap(),
                undo: UndoHint::NotPossible,
            },
            Notice::ContactChangeUndone,
            Notice::AccountLocked,
            Notice::AccountDeleted,
            Notice::AccountSuspended,
            Notice::AccountActivated,
            Notice::AccountAwaitsApproval,
            Notice::AccountUnlocked,
            Notice::SessionsEnded,
        ];
        for what in notices {
            let settings = Messages { app_name: "예시앱".to_owned(), ..settings() };
            let text = text(&settings, &notice(what, Channel::Sms, locale));
            assert!(korean_bytes(&text).unwrap() <= KOREAN_SMS, "{} bytes: {text}", korean_bytes(&text).unwrap());
        }
    }
}

#[test]
fn a_template_that_is_too_long_is_rejected_with_its_length() {
    let long = Messages {
        app_name: "정말로 이름이 아주 길고 긴 우리 동네 서비스".to_owned(), ..with_app_hash()
    };
    let errors = template_errors(&long, 6, &BOTH).join("\n");
    assert!(errors.contains("sms-code-password-reset in ko: 117 bytes in EUC-KR, the limit is 90"), "{errors}");
    assert!(errors.contains("units of UCS-2, the limit for one message is 70"), "{errors}");

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("ko")).unwrap();
    let invalid = "sms-code-sign-in = [{ $app }] 코드 — { $code }\nvoice-code-again = { $code ->\n    [1] { $code }\n   *[other] 끝.\n}";
    fs::write(folder.path().join("ko/a.ftl"), invalid).unwrap();
    let errors = template_errors(&Messages { dir: Some(folder.path().to_owned()), ..settings() }, 6, &BOTH).join("\n");
    assert!(errors.contains("sms-code-sign-in in ko: Korean carriers don't accept '—'"), "{errors}");
    assert!(errors.contains("voice-code-sign-in in ko: the message does not contain the code twice"), "{errors}");
}

#[test]
fn a_voice_message_separates_the_characters_and_repeats_the_code() {
    for locale in Locale::ALL {
        let spoken = text(&settings(), &code(Purpose::SignIn, Channel::Voice, phone("+821012345678"), locale));
        assert_eq!(spoken.matches("0, 1, 2, 3, 4, 5").count(), 2, "{spoken}");
        assert!(!spoken.contains("012345"));
    }
}

#[test]
fn an_email_shows_the_code_in_both_parts_and_not_in_its_subject() {
    for locale in Locale::ALL {
        for purpose in Purpose::all() {
            let to = contact(ContactKind::Email, "somebody@example.com");
            let composed = composer(&settings()).compose(&code(purpose, Channel::Email, to, locale));
            let (subject, html) = (composed.subject.unwrap(), composed.html.unwrap());
            assert!(subject.contains("예시서비스") && !subject.contains("012345"), "{subject}");
            assert!(composed.text.expose().contains("\n    012345\n"), "{}", composed.text.expose());
            assert!(html.expose().contains(">012345<"));
            assert!(html.expose().contains(&format!("<html lang=\"{locale}\">")));
            assert!(!html.expose().contains("{{") && !html.expose().contains("{ $"));
            assert!(composed.text.expose().contains(if locale == Locale::Ko { "5분" } else { "5 minutes" }));
        }
    }
}

#[test]
fn all_texts_in_an_email_are_escaped() {
    let evil = Messages { app_name: "<b onload=x>\"&'{{body}}</b>".to_owned(), ..settings() };
    let device = Some("<script>alert(1)</script>".to_owned());
    let composed = composer(&evil).compose(&notice(Notice::NewDevice { device }, Channel::Email, Locale::En));
    let html = composed.html.unwrap();
    assert!(!html.expose().contains("<b ") && !html.expose().contains("<script"), "{}", html.expose());
    assert!(html.expose().contains("&lt;b onload=x&gt;&quot;&amp;&#39;{{body}}&lt;/b&gt;"));
}

#[test]
fn a_contact_change_notice_contains_the_undo_link_or_token() {
    let change = |undo| Notice::ContactChanged { new: contact(ContactKind::Email, "attacker@example.com"), undo };
    let undo = || Undo { token: Secret::new("ab".repeat(32)), lifetime: 259_200 * SECOND };
    let token = "ab".repeat(32);

    let with_page =
        Messages { contact_undo_url: Some("https://example.com/undo?a&t#{token}".to_owned()), ..settings() };
    let sms = text(&with_page, &notice(change(UndoHint::ThisMessage(undo())), Channel::Sms, Locale::En));
    assert!(sms.ends_with(&format!("Undo it within 3 days:\nhttps://example.com/undo?a&t#{token}")), "{sms}");
    let email =
        composer(&with_page).compose(&notice(change(UndoHint::ThisMessage(undo())), Channel::Email, Locale::Ko));
    assert!(email.html.unwrap().expose().contains(&format!("href=\"https://example.com/undo?a&amp;t#{token}\"")));
    assert!(email.text.expose().contains("3일 안에"));
    assert!(!email.text.expose().contains("attacker@"), "{}", email.text.expose());

    let without_page =
        composer(&settings()).compose(&notice(change(UndoHint::ThisMessage(undo())), Channel::Email, Locale::Ko));
    assert!(without_page.text.expose().contains(&format!("\n    {token}\n")));
    let without_undo = text(&settings(), &notice(change(UndoHint::OtherContact), Channel::Sms, Locale::Ko));
    assert_eq!(
        without_undo,
        "[예시서비스] 계정의 이메일 주소가 변경되었습니다.\n본인이 아니면 비밀번호를 재설정해 주세요."
    );
}

#[test]
fn debug_output_does_not_contain_the_code() {
    let composed =
        composer(&settings()).compose(&code(Purpose::SignUp, Channel::Sms, phone("+821012345678"), Locale::Ko));
    assert!(!format!("{composed:?}").contains("012345"));
    let request = code(Purpose::SignUp, Channel::Sms, phone("+821012345678"), Locale::Ko);
    assert!(!format!("{request:?}").contains("012345"));
}
