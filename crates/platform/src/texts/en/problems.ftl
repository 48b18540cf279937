### Messages of the API for end users. They can be shown unchanged.
### Names map one to one to GraphQL's values: QUOTA_EXCEEDED with RESEND_COOLDOWN is problem-quota-exceeded-resend-cooldown.

## Time. $count is a number.

span-seconds =
    { $count ->
        [one] { $count } second
       *[other] { $count } seconds
    }
span-minutes =
    { $count ->
        [one] { $count } minute
       *[other] { $count } minutes
    }
span-hours =
    { $count ->
        [one] { $count } hour
       *[other] { $count } hours
    }
span-days =
    { $count ->
        [one] { $count } day
       *[other] { $count } days
    }

## Problem: a sentence for each code, or for each of its reasons

problem-other = That did not work. Please try again.
problem-invalid-input = Please check what you entered.

# $wait: how long to wait, such as "42 seconds"
problem-quota-exceeded-resend-cooldown = We have just sent a code. You can ask for another in { $wait }.
problem-quota-exceeded-contact-daily = This contact has reached today's limit, which counts the requests of everybody. Please try again in { $wait }.
problem-quota-exceeded-contact-hourly = There were too many requests for this contact. Please try again in { $wait }.
problem-quota-exceeded-client-address = There were too many requests from your network. Please try again in { $wait }.
problem-quota-exceeded-destination-prefix = We can send only a few messages to numbers like this one right now. Please try again in { $wait }.
problem-quota-exceeded-account = There were too many requests for this account. Please try again in { $wait }.
problem-quota-exceeded-service = We are getting too many requests at the moment. Please try again in { $wait }.

problem-contact-taken = Another account already uses this contact.
problem-contact-unchanged = This is the contact that you already use.
problem-username-taken = This username is already taken.
problem-nickname-taken = This nickname is already taken.
problem-identity-not-found = No account matches what you entered.

problem-account-not-active-pending-verification = This account has not been verified yet. Please enter the code that we sent you.
problem-account-not-active-pending-approval = This account is waiting for approval. You can sign in once it is approved.
problem-account-not-active-suspended = This account is suspended. Please contact support.
problem-account-locked = Signing in with a password is locked after too many failed attempts. Setting a new password unlocks it, as long as we can still send you a code today.
# $wait: how long until it unlocks by itself
problem-account-locked-until = Signing in with a password is locked after too many failed attempts. It unlocks in { $wait }. Setting a new password unlocks it sooner, as long as we can still send you a code today.

# $attempts: how many are left
problem-code-mismatch =
    { $attempts ->
        [0] That code is not right, and there are no attempts left. Please ask for a new code.
        [one] That code is not right. You have { $attempts } attempt left.
       *[other] That code is not right. You have { $attempts } attempts left.
    }
problem-verification-not-found = We can't find this verification. Please start again.
problem-verification-not-pending-verified = This code was already confirmed.
problem-verification-not-pending-expired = This code has expired. Please ask for a new one.
problem-verification-not-pending-locked = The code was wrong too many times. Please ask for a new one.
problem-verification-not-pending-canceled = This verification was canceled. Please ask for a new code.
problem-delivery-refused = We can't send messages to this contact. Please check it, or use another one.

problem-proof-rejected-unknown = This verification is not valid. Please verify again.
problem-proof-rejected-expired = Too much time has passed since you verified. Please verify again.
problem-proof-rejected-spent = This verification was already used. Please verify again.
problem-proof-rejected-wrong-purpose = This verification was made for something else. Please verify again.

problem-undo-rejected-unknown = This link is not valid.
problem-undo-rejected-expired = This link has expired. Please sign in and change your contact, or choose a new password.
problem-undo-rejected-spent = This change has already been undone.
problem-undo-confirmation-required = To undo the change, enter the code that we sent to your other contact first.

problem-credentials-rejected = These sign-in details are not right.
problem-reauthentication-required = Please confirm that it is you, then try again.
# Nothing that the person could confirm it with counts at the moment. $wait: how long until something does
problem-reauthentication-required-later = A contact of this account was changed recently, so this is not possible yet. Please try again in { $wait }.
# $wait: how long it is held back
problem-deletion-held-back = A contact of this account was changed recently. The account can be deleted in { $wait }.
problem-refresh-rejected-unknown = We can't confirm that you are signed in. Please sign in again.
problem-refresh-rejected-expired = You were signed out because you had not been here for a while. Please sign in again.
problem-refresh-rejected-revoked = You are signed out. Please sign in again.
problem-refresh-rejected-reused = We signed this device out to keep your account safe. Please sign in again.
problem-refresh-rejected-ambiguous = Your browser sent two sign-in cookies. Please clear this site's cookies and sign in again.
problem-session-not-found = We can't find this device. It may already be signed out.
problem-user-not-found = We can't find this user.
problem-last-administrator = The service would be left without an administrator. Please name another one first.

## PasswordViolation: said after problem-password-rejected

problem-password-rejected = Please choose another password.
# $min: the least number of characters
password-too-short = Use at least { $min } characters.
# $max: the largest number of characters
password-too-long = Use at most { $max } characters.
password-no-lowercase = Add a lower-case letter.
password-no-uppercase = Add an upper-case letter.
password-no-digit = Add a digit.
password-no-symbol = Add a symbol.
password-too-guessable = It is too easy to guess.
password-contains-personal-data = Leave out your name, username and contact.
password-breached = It has appeared in a data breach.
password-same-as-current = It must differ from your current password.

## FieldError: a sentence for each reason (hyphens for underscores). An unknown reason is said as field-invalid.

field-invalid = This is not valid.
field-empty = Please fill this in.
field-too-short = This is too short.
field-too-long = This is too long.
field-too-short-by = Please use at least { $min } characters.
field-too-long-by = Please use at most { $max } characters.
field-invalid-character = This has characters that can't be used.

field-not-a-number = This is not a phone number.
field-needs-plus = Please begin with + and the country code.
field-invalid-number = There is no such phone number. Please check it.
field-not-a-mobile-number = Please enter a mobile number.
field-premium-rate = We can't send to premium-rate numbers.
field-shared-cost = We can't send to shared-cost numbers.
field-toll-free = We can't send to toll-free numbers.
field-satellite = We can't send to satellite phones.
field-voip = We can't send to internet phone numbers.
field-pager = We can't send to pagers.
field-personal-number = We can't send to numbers that forward to another one.
field-region-not-allowed = We can't send to numbers in this region.
field-not-an-email-address = This is not an e-mail address.
field-invalid-domain = Please check the part of the address after the @.
field-phone-wanted = Please give a phone number here.
field-email-wanted = Please give an e-mail address here.
field-wrong-channel = This contact can't be reached that way.
field-channel-unavailable = Messages can't be sent that way here.
field-sign-in-by-email-off = Codes by e-mail can't be used to sign in here. Please use your password or your phone.

field-no-letter = Please use at least one letter.
field-confusable = This mixes letters that look alike.
field-reserved = This name can't be used.
field-looks-like-link = Please leave out web addresses.
field-not-a-date = Please enter a date that exists, in the form YYYY-MM-DD.
field-too-early = Please enter a date from 1 January 1900 on.
field-in-the-future = Please enter today's date or an earlier one.

field-not-a-code = Please enter the code just as you received it.
field-not-an-idempotency-key = This must be 8 to 64 characters long, none of them a control character.
field-not-a-url = This is not a web address.
field-not-a-status-to-set = An account can't be set to this status.
field-not-your-contact = Please use a verified contact of your account.
field-contact-changed-recently = This contact was changed recently, so it can't be used to confirm that it is you. Please use another way.
field-wrong-contact-for-purpose = This kind of contact doesn't fit here.
field-not-a-purpose-to-request = A code for this can't be requested here.

## Where the whole request is refused: a sentence for each extensions.code, or for one of its reasons

error-unauthenticated = Please sign in.
error-forbidden = You are not allowed to do this.
error-refresh-later = Please try again in a moment.
error-needs-cookies = Sign-ins of this service are kept in cookies, and this connection can't set any. Send this operation in a plain HTTP POST request, from a page that may call this service.
error-not-found = We can't find this.
error-bad-request = This request is not valid.
# $most: the largest number of items
error-bad-request-first = "first" can't be negative. It is how many items a page has, at most { $most }.
error-bad-request-after = "after" is not a cursor of this list. Take it from pageInfo.endCursor.
error-bad-request-period-backwards = "to" can't be before "from".
# $most: the longest period, such as "366 days"
error-bad-request-period-too-long = From "from" to "to" it can be at most { $most }.
error-too-complex = This request is too complex.
error-rate-limited = There were too many requests. Please try again in a moment.
error-unavailable = This is not possible right now. Please try again in a moment.
error-internal = Something went wrong. Please try again in a moment.
