### Text messages, voice messages and e-mails.
###
### Variables of every message
###   $app       the service's name (APP_NAME)
### Messages with a code
###   $code      the code; for voice, its characters are set apart. It must be used.
###   $lifetime  how long it works, such as "5 minutes"
###
### A text message to a Korean number has 90 bytes in EUC-KR, to any other number one segment of GSM-7 or UCS-2.
### What does not fit is refused at start. The lines of WEB_OTP_DOMAIN and ANDROID_APP_HASH follow below the text.

## Codes by text message

sms-code-contact = [{ $app }] Verification code: { $code }
sms-code-sign-up = [{ $app }] Sign-up code: { $code }
sms-code-sign-in = [{ $app }] Sign-in code: { $code }
sms-code-password-reset = [{ $app }] Password reset code: { $code }
sms-code-phone-change = [{ $app }] Number change code: { $code }
sms-code-email-change = [{ $app }] E-mail change code: { $code }
sms-code-step-up = [{ $app }] Security check code: { $code }
sms-code-contact-undo = [{ $app }] Undo confirmation code: { $code }
# Added only where there is room for it
sms-code-caution = Don't share it with anyone.

## Codes by voice

voice-code-contact = Hello, this is { $app }. Your verification code is { $code }.
voice-code-sign-up = Hello, this is { $app }. Your sign-up code is { $code }.
voice-code-sign-in = Hello, this is { $app }. Your sign-in code is { $code }.
voice-code-password-reset = Hello, this is { $app }. Your password reset code is { $code }.
voice-code-phone-change = Hello, this is { $app }. Your number change code is { $code }.
voice-code-email-change = Hello, this is { $app }. Your e-mail change code is { $code }.
voice-code-step-up = Hello, this is { $app }. Your security check code is { $code }.
voice-code-contact-undo = Hello, this is { $app }. Your undo confirmation code is { $code }.
# Follows at once
voice-code-again = Once more, your code is { $code }.

## Codes by e-mail: the sentence, the code, how long it works, the caution

email-code-contact-subject = Your { $app } verification code
email-code-contact = Enter this code in { $app } to confirm your e-mail address.
email-code-sign-up-subject = Your { $app } sign-up code
email-code-sign-up = Enter this code to go on signing up for { $app }.
email-code-sign-in-subject = Your { $app } sign-in code
email-code-sign-in = Enter this code to sign in to { $app }.
email-code-password-reset-subject = Your { $app } password reset code
email-code-password-reset = Enter this code to choose a new password for { $app }.
email-code-phone-change-subject = Your { $app } number change code
email-code-phone-change = Enter this code to change the phone number of your { $app } account.
email-code-email-change-subject = Your { $app } e-mail change code
email-code-email-change = Enter this code to change the e-mail address of your { $app } account.
email-code-step-up-subject = Your { $app } security check code
email-code-step-up = Enter this code in { $app } to confirm that it is you.
email-code-contact-undo-subject = Your { $app } undo confirmation code
email-code-contact-undo = Enter this code to confirm that a change of contact of your { $app } account is to be undone.
email-code-label = Code
email-code-expiry = It works for { $lifetime } from the time it was sent.
email-code-caution =
    Don't share this code with anyone. { $app } never asks for it by phone or message.

    If you did not ask for it, you can ignore this e-mail. Nothing changes.

## Notice: the password was changed

sms-notice-password-changed = [{ $app }] Your password was changed. Not you? Reset it right away.
email-notice-password-changed-subject = Your { $app } password was changed
email-notice-password-changed =
    The password of your { $app } account was changed, and other devices were signed out.

    If that was you, there is nothing more to do. If it was not, reset your password right away.

## Notice: a contact was changed. $contact: the new one, its middle hidden. The way back (undo) follows.

sms-notice-phone-changed = [{ $app }] The phone number of your account was changed.
email-notice-phone-changed-subject = Your { $app } phone number was changed
email-notice-phone-changed =
    The phone number of your { $app } account was changed.

    New number: { $contact }

    If that was you, there is nothing more to do.
sms-notice-email-changed = [{ $app }] The e-mail address of your account was changed.
email-notice-email-changed-subject = Your { $app } e-mail address was changed
email-notice-email-changed =
    The e-mail address of your { $app } account was changed.

    New address: { $contact }

    If that was you, there is nothing more to do.

# $lifetime: how long it can be undone. The link, or the undo code, is on the next line.
sms-notice-undo = Not you? Undo it within { $lifetime }:
email-notice-undo = If it was not you, undo it within { $lifetime }. Your old contact is restored, every device is signed out, and you choose a new password.
email-notice-undo-button = Undo the change
# Where no page for undoing is configured
email-notice-undo-token = Enter this code where the app asks for it to undo the change.
# To a contact that was not changed, in place of the lines above
sms-notice-changed-advice = Not you? Reset your password.
email-notice-changed-advice = If it was not you, reset your password right away. Another contact of your account was sent a way to undo the change.
# To every contact where no message carries a way to undo the change
sms-notice-changed-final-advice = Not you? Contact support.
email-notice-changed-final-advice = If it was not you, contact support right away. No message can undo this change.

## Notice: signed in on a new device. $device: what it is called

sms-notice-new-device = [{ $app }] New device signed in. Not you? Reset your password right away.
email-notice-new-device-subject = A new device signed in to { $app }
email-notice-new-device =
    Somebody signed in to your { $app } account on a new device.

    Device: { $device }

    If that was you, there is nothing more to do. If it was not, reset your password right away.
# Where the device did not say what it is called
notice-unknown-device = unknown device

## Notice: a session was ended because its sign-in was used in two places. $device: what the device is called

sms-notice-session-ended = [{ $app }] A device was signed out: its login was used in two places. Reset your password.
email-notice-session-ended-subject = We signed a device out of your { $app } account
email-notice-session-ended =
    The sign-in of one of your devices was used in two places, so somebody may have copied it. We signed that device out to keep your account safe.

    Device: { $device }

    Please sign in again on that device. If you don't know why this happened, reset your password and check which devices are signed in.

## Notice: somebody tried to sign up, or to change an account, with a contact that has one

sms-notice-account-exists = [{ $app }] You already have an account. Please sign in, or ignore this if you did not ask.
email-notice-account-exists-subject = You already have a { $app } account
email-notice-account-exists =
    Somebody tried to sign up for { $app }, or to change an account, with this e-mail address. Your account already uses it: just sign in. If you don't remember your password, you can reset it.

    If you did not ask for this, you can ignore this e-mail. Nothing changes.

## Notice: somebody tried to sign in, or to reset a password, with a contact that has no account

sms-notice-no-account = [{ $app }] There is no account with this number. Please sign up, or ignore this if you did not ask.
email-notice-no-account-subject = There is no { $app } account with this address
email-notice-no-account =
    Somebody tried to sign in to { $app }, or to reset a password, with this e-mail address. There is no account with it. If it was you, sign up first, or use the address that you signed up with.

    If you did not ask for this, you can ignore this e-mail. Nothing changes.

## Notice: changes of contact were undone

sms-notice-contact-change-undone = [{ $app }] A contact change was undone, devices signed out. Choose a new password.
email-notice-contact-change-undone-subject = A change of contact was undone in { $app }
email-notice-contact-change-undone =
    A change of contact of your { $app } account was undone. The contacts from before the change are back, all devices were signed out, and the password no longer works.

    If that was you, choose a new password now. If it was not, reset your password right away.

## Notice: too many wrong passwords

sms-notice-account-locked = [{ $app }] Too many wrong passwords: sign-in is paused. A password reset unlocks it.
email-notice-account-locked-subject = Too many wrong passwords for your { $app } account
email-notice-account-locked =
    Too many wrong passwords were entered for your { $app } account, so signing in with a password is paused for a while.

    If that was you, wait a little or reset your password. If it was not, your password was not guessed, and there is nothing you have to do.

## Notice: the account was deleted

sms-notice-account-deleted = [{ $app }] Your account and its data were deleted. Not you? Contact support.
email-notice-account-deleted-subject = Your { $app } account was deleted
email-notice-account-deleted =
    Your { $app } account and its personal data were deleted.

    If that was not you, contact the support of { $app }.

## Notices: what an administrator did

sms-notice-account-suspended = [{ $app }] Your account was suspended. Please contact support.
email-notice-account-suspended-subject = Your { $app } account was suspended
email-notice-account-suspended =
    An administrator suspended your { $app } account, and all devices were signed out.

    If you have questions, contact the support of { $app }.
sms-notice-account-activated = [{ $app }] Your account can be used now.
email-notice-account-activated-subject = Your { $app } account can be used now
email-notice-account-activated = An administrator activated your { $app } account. You can sign in now.
sms-notice-account-awaits-approval = [{ $app }] Your account has to be approved before you can use it again.
email-notice-account-awaits-approval-subject = Your { $app } account waits for approval
email-notice-account-awaits-approval = An administrator has to approve your { $app } account before you can use it again. All devices were signed out.
sms-notice-account-unlocked = [{ $app }] Your account was unlocked. You can sign in again.
email-notice-account-unlocked-subject = Your { $app } account was unlocked
email-notice-account-unlocked =
    An administrator unlocked your { $app } account. You can sign in again.

    If you did not ask for this, reset your password right away.
sms-notice-sessions-ended = [{ $app }] All devices were signed out of your account. Please sign in again.
email-notice-sessions-ended-subject = All devices were signed out of { $app }
email-notice-sessions-ended =
    An administrator signed all devices out of your { $app } account. Please sign in again.

    If you have questions, contact the support of { $app }.

## At the foot of every e-mail

email-footer = { $app } sent this e-mail automatically.
