-- Inserts ended verifications with all their dependent rows, numbered :from to :to. They are from the last days, within the
-- retention period, and equal the rows that the server writes.
BEGIN;
CREATE TEMPORARY VIEW past AS
SELECT n,
       'ver_old' || lpad(n::text, 25, '0') AS verification,
       'dlv_old' || lpad(n::text, 25, '0') AS delivery,
       '+8210' || lpad(n::text, 8, '0') AS phone,
       now() - interval '1 hour' - n * interval '1 hour' / 10000 AS at
FROM generate_series(:from::int, :to::int) AS n;

INSERT INTO contact_usage (contact_key, day, sends, guesses, last_sent_at)
SELECT phone, 700000, 1, 1, at FROM past;

INSERT INTO verification (id, purpose, contact_kind, contact, contact_key, account_id, decoy, scenario, status, attempts,
    max_attempts, key_id, generation, code_length, code_format, locale, delivery_id, delivery_channel, delivery_status,
    delivery_updated_at, sends, last_sent_at, created_at, expires_at, ended_at, sequence, idempotency_key, code_by, code_ref)
SELECT verification, 'CONTACT', 'phone', phone, phone, NULL, false, NULL, 'VERIFIED', 1, 5, 'old', 1, 6, 'NUMERIC', 'ko',
    delivery, 'SMS', 'SENT', at, 1, at, at, at + interval '5 minutes', at, 3, NULL, NULL, NULL
FROM past;

INSERT INTO delivery (id, verification_id, kind, channel, contact_kind, contact, locale, content, decoy, discreet,
    scenario, status, tries, provider, provider_message_id, reason, refused, due_at, claimed_by, created_at, updated_at,
    expires_at)
SELECT delivery, verification, 'code', 'SMS', 'phone', phone, 'ko', '{}', false, false, NULL, 'SENT', 1, 'webhook',
    'old' || n, NULL, false, NULL, NULL, at, at, at + interval '5 minutes'
FROM past;

INSERT INTO delivery_attempt (delivery_id, provider, provider_message_id, status, code, accepted_at, told_at, polls, poll_at)
SELECT delivery, 'webhook', 'old' || n, 'SENT', NULL, at, NULL, 0, NULL FROM past;

INSERT INTO proof (token_hash, verification_id, purpose, contact_kind, contact, contact_key, account_id, created_at,
    expires_at, spent_at)
SELECT md5(n::text) || md5('proof' || n::text), verification, 'CONTACT', 'phone', phone, phone, NULL, at,
    at + interval '10 minutes', at
FROM past;

INSERT INTO audit (at, act, outcome, account_id, contact, address, user_agent, request_id)
SELECT at, act, 'ok', NULL, '+82 10-••••-' || right(phone, 4), '10.0.0.1', 'load', lpad(n::text, 16, '0')
FROM past, (VALUES ('sendVerificationCode'), ('confirmVerificationCode')) AS acts (act);
COMMIT;
ANALYZE;
