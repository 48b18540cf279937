//! Whether every message fits, asked once at start: a template that spills over is found by whoever wrote it, and not
//! by the first person who waits for a code.

use std::time::Duration;

use sea_orm::Iterable;

use super::{Code, Composer, Notice, Purpose, Secret, Speech, Undo, UndoHint, apart, slug, sms, spoken};
use crate::delivery::segments::{Alphabet, Carriers, KOREAN_LMS, KOREAN_SMS, Segments, korean_bytes};
use domain::{
    contact::{Contact, ContactKind},
    locale::Locale,
};

/// Parts that a notice may take where there are no long messages: a link with a token does not fit into one.
const NOTICE_SEGMENTS: usize = 5;
/// Characters of an undo token: 256 bits in hexadecimal.
const TOKEN: usize = 64;

/// The largest values that messages must leave room for.
#[derive(Clone, Debug)]
pub struct Largest<'a> {
    /// Characters of a code.
    pub code_length: usize,
    /// The lifetime that takes the most words; a message is composed with it.
    pub lifetime: Duration,
    pub undo_lifetime: Duration,
    /// Whose rules count: Korean carriers where messages go to Korea alone.
    pub carriers: &'a [Carriers],
}

impl Composer {
    /// Composes every message with the largest values and measures it.
    ///
    /// # Errors
    /// Each message that does not fit, or that no carrier would take, with its name, its language and the numbers.
    pub fn check_templates(&self, largest: &Largest<'_>) -> Result<(), Vec<String>> {
        let mut refused = Vec::new();
        for locale in Locale::ALL {
            let speech = Speech { composer: self, locale };
            for purpose in Purpose::iter() {
                let code = sample(purpose, largest);
                refused.extend(check_code(&speech, &code, largest.carriers));
            }
            for notice in notices(largest) {
                for carriers in largest.carriers {
                    let text = sms::notice(&speech, &notice);
                    let name = format!("sms-notice-{} in {locale}", notice.slug());
                    refused.extend(measure_notice(&text, *carriers).err().map(|why| format!("{name}: {why}")));
                }
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(refused) }
    }
}

/// A code as wide as there can be.
fn sample(purpose: Purpose, largest: &Largest<'_>) -> Code {
    Code { purpose, code: Secret::new("8".repeat(largest.code_length)), lifetime: largest.lifetime }
}

/// Every notice that can be sent as a text message, with its way back.
fn notices(largest: &Largest<'_>) -> Vec<Notice> {
    let undo = || {
        let undo = Undo { token: Secret::new("0".repeat(TOKEN)), lifetime: largest.undo_lifetime };
        [UndoHint::Here(undo), UndoHint::OtherContact, UndoHint::Nowhere]
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

fn check_code(speech: &Speech<'_>, code: &Code, carriers: &[Carriers]) -> Vec<String> {
    let (locale, name, shown) = (speech.locale, slug(code.purpose), code.code.expose());
    let mut refused = Vec::new();
    for carriers in carriers {
        let text = sms::code(speech, code, *carriers);
        if let Err(why) = measure_code(&text, *carriers) {
            refused.push(format!("sms-code-{name} in {locale}: {why}"));
        }
        if !text.contains(shown) {
            refused.push(format!("sms-code-{name} in {locale}: the code does not show"));
        }
    }
    if spoken(speech, code).matches(&apart(shown)).count() < 2 {
        refused.push(format!("voice-code-{name} in {locale}: the code is not said twice"));
    }
    refused
}

/// A code must fit into one short message: no phone reads it out of a longer one.
fn measure_code(text: &str, carriers: Carriers) -> Result<(), String> {
    match carriers {
        Carriers::Korean => within(korean(text)?, KOREAN_SMS),
        Carriers::Others => match Segments::of(text) {
            Segments { count: 1, .. } => Ok(()),
            Segments { alphabet, units, .. } => {
                let (capacity, _) = alphabet.capacity();
                Err(format!("{units} {} where {capacity} fit into one message", unit(alphabet)))
            }
        },
    }
}

fn measure_notice(text: &str, carriers: Carriers) -> Result<(), String> {
    match carriers {
        Carriers::Korean => within(korean(text)?, KOREAN_LMS),
        Carriers::Others => match Segments::of(text).count {
            ..=NOTICE_SEGMENTS => Ok(()),
            count => Err(format!("{count} segments where {NOTICE_SEGMENTS} are the most")),
        },
    }
}

fn korean(text: &str) -> Result<usize, String> {
    korean_bytes(text).map_err(|character| format!("Korean carriers don't take {character:?} (not in KS X 1001)"))
}

fn within(bytes: usize, limit: usize) -> Result<(), String> {
    if bytes <= limit { Ok(()) } else { Err(format!("{bytes} bytes in EUC-KR where {limit} fit")) }
}

fn unit(alphabet: Alphabet) -> &'static str {
    match alphabet {
        Alphabet::Gsm7 => "septets of GSM-7",
        Alphabet::Ucs2 => "units of UCS-2",
    }
}
