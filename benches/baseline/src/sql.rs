//! The statements, as Countersign's query builder generates them.

pub const COUNT_SEND: &str = "INSERT INTO contact_usage (contact_key, day, sends, guesses, last_sent_at) \
    VALUES ($1, $2, 1, 0, $3) ON CONFLICT (contact_key) DO UPDATE SET \
    sends = CASE WHEN excluded.day > contact_usage.day THEN excluded.sends \
            ELSE contact_usage.sends + excluded.sends END, \
    guesses = CASE WHEN excluded.day > contact_usage.day THEN excluded.guesses \
              ELSE contact_usage.guesses + excluded.guesses END, \
    day = CASE WHEN excluded.day > contact_usage.day THEN excluded.day ELSE contact_usage.day END, \
    last_sent_at = $3 \
    WHERE (excluded.day > contact_usage.day OR contact_usage.sends < 5) \
    AND (contact_usage.last_sent_at IS NULL OR contact_usage.last_sent_at <= $4) \
    RETURNING contact_key, day, sends, guesses, last_sent_at";

pub const INSERT_VERIFICATION: &str = "INSERT INTO verification (id, purpose, contact_kind, contact, contact_key, \
    account_id, decoy, scenario, status, attempts, max_attempts, key_id, generation, code_length, code_format, locale, \
    delivery_id, delivery_channel, delivery_status, delivery_updated_at, sends, last_sent_at, created_at, expires_at, \
    ended_at, sequence, idempotency_key, code_by, code_ref) VALUES ($1, 'CONTACT', 'phone', $2, $2, NULL, false, NULL, \
    'PENDING', 0, 5, 'baseline', 1, 6, 'NUMERIC', 'ko', $3, 'SMS', 'QUEUED', $4, 1, $4, $4, $5, NULL, 1, NULL, NULL, \
    NULL) ON CONFLICT DO NOTHING";

pub const INSERT_DELIVERY: &str = "INSERT INTO delivery (id, verification_id, kind, channel, contact_kind, contact, \
    locale, content, decoy, discreet, scenario, status, tries, provider, provider_message_id, reason, refused, due_at, \
    claimed_by, created_at, updated_at, expires_at) VALUES ($1, $2, 'code', 'SMS', 'phone', $3, 'ko', $4, false, false, \
    NULL, 'QUEUED', 0, NULL, NULL, NULL, false, $5, NULL, $5, $5, $6)";

pub const INSERT_AUDIT: &str = "INSERT INTO audit (at, act, outcome, account_id, contact, address, user_agent, \
    request_id) VALUES ($1, $2, 'ok', NULL, $3, $4, 'load', $5)";

pub const CLAIM: &str = "SELECT id, verification_id, contact, content FROM delivery WHERE due_at <= $1 \
    AND claimed_by IS NULL AND channel IN ('SMS', 'VOICE', 'EMAIL') ORDER BY due_at ASC LIMIT $2 FOR UPDATE SKIP LOCKED";

pub const CLAIMED: &str = "UPDATE delivery SET claimed_by = 'baseline', due_at = $2 WHERE id = ANY($1)";

pub const RECORD_ACCEPTANCE: &str = "INSERT INTO delivery_attempt (delivery_id, provider, provider_message_id, status, \
    code, accepted_at, told_at, polls, poll_at) VALUES ($1, 'webhook', $2, 'SENT', NULL, $3, NULL, 0, NULL) \
    ON CONFLICT (delivery_id, provider) DO UPDATE SET provider_message_id = excluded.provider_message_id, \
    poll_at = excluded.poll_at RETURNING delivery_id, provider, provider_message_id, status, code, accepted_at, told_at, \
    polls, poll_at";

pub const SETTLE: &str = "UPDATE delivery SET claimed_by = NULL, tries = tries + 1, updated_at = $2, \
    status = CASE WHEN status = 'DELIVERED' THEN 'DELIVERED' ELSE 'SENT' END, due_at = NULL, provider = 'webhook', \
    provider_message_id = $3, reason = NULL, refused = false WHERE id = $1 AND claimed_by = 'baseline' \
    RETURNING id, status";

pub const SHOW: &str = "UPDATE verification SET delivery_status = 'SENT', delivery_updated_at = $3, \
    sequence = sequence + 1 WHERE id = $1 AND delivery_id = $2 AND delivery_status <> 'SENT' RETURNING id, sequence";

pub const READ_VERIFICATION: &str = "SELECT id, contact_key, status, attempts, max_attempts, expires_at, sequence \
    FROM verification WHERE id = $1";

pub const COUNT_GUESS: &str = "INSERT INTO contact_usage (contact_key, day, sends, guesses, last_sent_at) \
    VALUES ($1, $2, 0, 1, NULL) ON CONFLICT (contact_key) DO UPDATE SET \
    sends = CASE WHEN excluded.day > contact_usage.day THEN excluded.sends \
            ELSE contact_usage.sends + excluded.sends END, \
    guesses = CASE WHEN excluded.day > contact_usage.day THEN excluded.guesses \
              ELSE contact_usage.guesses + excluded.guesses END, \
    day = CASE WHEN excluded.day > contact_usage.day THEN excluded.day ELSE contact_usage.day END \
    WHERE excluded.day > contact_usage.day OR contact_usage.guesses < 25 \
    RETURNING contact_key, day, sends, guesses, last_sent_at";

pub const CHECK_CODE: &str = "UPDATE verification SET attempts = attempts + 1, status = 'VERIFIED', ended_at = $2, \
    sequence = sequence + 1 WHERE id = $1 AND status = 'PENDING' AND expires_at > $2 AND attempts < max_attempts \
    RETURNING id, status, sequence";

pub const INSERT_PROOF: &str = "INSERT INTO proof (token_hash, verification_id, purpose, contact_kind, contact, \
    contact_key, account_id, created_at, expires_at, spent_at) \
    VALUES ($1, $2, 'CONTACT', 'phone', $3, $3, NULL, $4, $5, NULL)";
