//! Builds the rows of a send: the verification and its message.

use sha2::{Digest, Sha256};

use super::{Deps, code_settings, start::Start};
use crate::{
    code::{self, CodeSpec},
    delivery::{Content, OutgoingMessage},
};
use domain::{
    Timestamp,
    contact::Contact,
    ids::{DeliveryId, VerificationId},
    locale::Locale,
    notice::Notice,
    purpose::Purpose,
    status::{DeliveryStatus, Status},
    verification::{Recipient, Verification},
};

impl Deps {
    pub(super) fn draft<R>(&self, start: &Start<R>, idempotency_key: Option<String>, now: Timestamp) -> Verification {
        let (code_format, ttl) = code_settings::code_shape(&self.settings, start.to.kind(), start.purpose);
        let test = self.test_contact(&start.to);
        let code_format = test.map_or(code_format, |test| code::format_of(&test.code));
        Verification {
            id: VerificationId::new(&self.entropy),
            purpose: start.purpose,
            contact_kind: start.to.kind(),
            contact: start.to.as_str().to_owned(),
            contact_key: start.to.key().to_owned(),
            account_id: None,
            decoy: false,
            closed_at: None,
            scenario: test.map(|test| test.scenario.as_str().to_owned()),
            status: Status::Pending,
            attempts: 0,
            max_attempts: test.map_or(self.settings.max_attempts, |test| test.max_attempts(self.settings.max_attempts)),
            key_id: self.keys.current().id().to_owned(),
            generation: 1,
            code_length: i32::try_from(test.map_or(self.settings.code_length, |test| test.code.expose().len()))
                .unwrap_or_default(),
            code_format,
            locale: start.locale.as_str().to_owned(),
            delivery_id: DeliveryId::new(&self.entropy),
            delivery_channel: start.channel,
            delivery_status: DeliveryStatus::Queued,
            delivery_failure: None,
            delivery_updated_at: now,
            sends: 1,
            last_sent_at: now,
            created_at: now,
            expires_at: now + ttl,
            ended_at: None,
            sequence: 1,
            updated_at: Some(now),
            idempotency_key,
            code_by: None,
            code_ref: None,
            via_account_email: false,
            repeats: 0,
        }
    }
}

/// The message of a verification for its recipient.
pub(super) fn delivery_for(
    row: &Verification,
    recipient: Recipient,
    to: Contact,
    locale: Locale,
    discreet: bool,
) -> OutgoingMessage {
    let (content, decoy, own) = match recipient {
        Recipient::Code { to, .. } => (Content::Code(spec(row)), false, to),
        Recipient::Decoy => (Content::Code(spec(row)), true, None),
        Recipient::NotifyUnknown => (Content::Notice(Notice::NoAccount), false, None),
        Recipient::NotifyOwner { to, notice, .. } => (Content::Notice(notice), false, to),
    };
    OutgoingMessage {
        id: row.delivery_id.clone(),
        verification: Some(row.id.clone()),
        channel: row.delivery_channel,
        to: own.unwrap_or(to),
        locale,
        content,
        decoy,
        discreet,
        scenario: row.scenario.clone(),
        expires_at: row.expires_at,
    }
}

/// The inputs for deriving the code of a row.
pub(super) fn spec(row: &Verification) -> CodeSpec {
    CodeSpec {
        key_id: row.key_id.clone(),
        purpose: row.purpose,
        generation: row.generation,
        length: usize::try_from(row.code_length).unwrap_or_default(),
        format: row.code_format,
    }
}

/// Hash of a client's idempotency key, bound to purpose and contact, so that the key cannot refer to another request.
pub(super) fn idempotency_hash(key: &str, purpose: Purpose, to: &Contact) -> String {
    let digest = [key, purpose.as_str(), to.key()]
        .into_iter()
        .fold(Sha256::new(), |digest, part| digest.chain_update((part.len() as u64).to_be_bytes()).chain_update(part));
    hex::encode(digest.finalize())
}
