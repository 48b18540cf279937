//! Checks at startup that every message fits its channel, so that the operator learns about a template that is too
//! long, and not the first user who waits for a code.

use std::time::Duration;

use super::{
    Code, Composer, LocalizedComposer, Notice, Purpose, Secret, Undo, UndoHint, separated, slug, sms, voice_text,
};
use domain::{
    contact::{Contact, ContactKind},
    locale::Locale,
};
use providers::segments::{Alphabet, Carriers, KOREAN_LMS, KOREAN_SMS, Segments, korean_bytes};

/// The maximum number of segments of a notice outside Korea: a link with a token does not fit into one.
const NOTICE_SEGMENTS: usize = 5;
/// The length of an undo token: 256 bits in hexadecimal.
const TOKEN: usize = 64;

/// The longest values that must fit into a message.
#[derive(Clone, Debug)]
pub struct LargestValues<'a> {
    /// The length of a code in characters.
    pub code_length: usize,
    /// The lifetime with the longest text.
    pub lifetime: Duration,
    pub undo_lifetime: Duration,
    /// The carriers whose rules apply; only the Korean ones if messages are sent only to Korea.
    pub carriers: &'a [Carriers],
}

impl Composer {
    /// Composes every message with the longest values and checks its length.
    ///
    /// # Errors
    /// One text for each message that is too long or that carriers would reject, with its name, locale and lengths.
    pub fn check_templates(&self, largest: &LargestValues<'_>) -> Result<(), Vec<String>> {
        let mut errors = Vec::new();
        for locale in Locale::ALL {
            let composer = LocalizedComposer { composer: self, locale };
            for purpose in Purpose::all() {
                let code = sample(purpose, largest);
                errors.extend(check_code(&composer, &code, largest.carriers));
            }
            for notice in notices(largest) {
                for carriers in largest.carriers {
                    let text = sms::notice(&composer, &notice);
                    let name = format!("sms-notice-{} in {locale}", notice.slug());
                    errors.extend(measure_notice(&text, *carriers).err().map(|error| format!("{name}: {error}")));
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// The longest possible code.
fn sample(purpose: Purpose, largest: &LargestValues<'_>) -> Code {
    Code { purpose, code: Secret::new("8".repeat(largest.code_length)), lifetime: largest.lifetime }
}

/// Every notice that can be sent as a text message, with every undo hint.
fn notices(largest: &LargestValues<'_>) -> Vec<Notice> {
    let undo = || {
        let undo = Undo { token: Secret::new("0".repeat(TOKEN)), lifetime: largest.undo_lifetime };
        [UndoHint::ThisMessage(undo), UndoHint::OtherContact, UndoHint::NotPossible]
    };
    let contacts = [(ContactKind::Phone, "+821012345678"), (ContactKind::Email, "somebody@example.com")];
    let contacts = contacts.into_iter().filter_map(|(kind, text)| Contact::from_stored(kind, text));
    let mut notices: Vec<_> =
        contacts.flat_map(|new| undo().map(|undo| Notice::ContactChanged { new: new.clone(), undo })).collect();
    notices.extend([
        Notice::PasswordChanged,
        Notice::NewDevice { device: None },
        Notice::AccountExists,
        Notice::NoAccount,
        Notice::ContactChangeUndone,
        Notice::AccountLocked,
        Notice::AccountDeleted,
        Notice::AccountSuspended,
        Notice::AccountActivated,
        Notice::AccountAwaitsApproval,
        Notice::AccountUnlocked,
        Notice::SessionsEnded,
        Notice::SessionEnded { device: None },
    ]);
    notices
}

fn check_code(composer: &LocalizedComposer<'_>, code: &Code, carriers: &[Carriers]) -> Vec<String> {
    let (locale, name, shown) = (composer.locale, slug(code.purpose), code.code.expose());
    let mut errors = Vec::new();
    for carriers in carriers {
        let text = sms::code(composer, code, *carriers);
        if let Err(error) = measure_code(&text, *carriers) {
            errors.push(format!("sms-code-{name} in {locale}: {error}"));
        }
        if !text.contains(shown) {
            errors.push(format!("sms-code-{name} in {locale}: the message does not contain the code"));
        }
    }
    if voice_text(composer, code).matches(&separated(shown)).count() < 2 {
        errors.push(format!("voice-code-{name} in {locale}: the message does not contain the code twice"));
    }
    errors
}

/// A code must fit into one short message: phones don't autofill codes from longer ones.
fn measure_code(text: &str, carriers: Carriers) -> Result<(), String> {
    match carriers {
        Carriers::Korean => check_length(korean(text)?, KOREAN_SMS),
        Carriers::Others => match Segments::of(text) {
            Segments { count: 1, .. } => Ok(()),
            Segments { alphabet, units, .. } => {
                let (capacity, _) = alphabet.capacity();
                Err(format!("{units} {}, the limit for one message is {capacity}", unit(alphabet)))
            }
        },
    }
}

fn measure_notice(text: &str, carriers: Carriers) -> Result<(), String> {
    match carriers {
        Carriers::Korean => check_length(korean(text)?, KOREAN_LMS),
        Carriers::Others => match Segments::of(text).count {
            ..=NOTICE_SEGMENTS => Ok(()),
            count => Err(format!("{count} segments, the limit is {NOTICE_SEGMENTS}")),
        },
    }
}

fn korean(text: &str) -> Result<usize, String> {
    korean_bytes(text).map_err(|character| format!("Korean carriers don't accept {character:?} (not in KS X 1001)"))
}

fn check_length(bytes: usize, limit: usize) -> Result<(), String> {
    if bytes <= limit { Ok(()) } else { Err(format!("{bytes} bytes in EUC-KR, the limit is {limit}")) }
}

fn unit(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::Gsm7 => "septets of GSM-7",
        Alphabet::Ucs2 => "units of UCS-2",
    }
}
