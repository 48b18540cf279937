### API가 사람에게 하는 말. 그대로 화면에 보여 줄 수 있습니다.
### 이름은 GraphQL의 값과 하나씩 짝을 이룹니다. 예: QUOTA_EXCEEDED와 RESEND_COOLDOWN은 problem-quota-exceeded-resend-cooldown.

## 시간. $count는 수입니다.

span-seconds = { $count }초
span-minutes = { $count }분
span-hours = { $count }시간
span-days = { $count }일

## Problem: code마다 한 문장, 이유가 있으면 이유마다 한 문장

problem-other = 요청을 처리하지 못했어요. 다시 시도해 주세요.
problem-invalid-input = 입력한 내용을 다시 확인해 주세요.

# $wait: 기다릴 시간. 예: 42초
problem-quota-exceeded-resend-cooldown = 방금 인증번호를 보냈어요. { $wait } 뒤에 다시 요청해 주세요.
problem-quota-exceeded-contact-daily = 이 연락처로 오늘 할 수 있는 횟수를 모두 썼어요. 다른 사람이 요청한 횟수도 함께 세요. { $wait } 뒤에 다시 시도해 주세요.
problem-quota-exceeded-contact-hourly = 이 연락처로 짧은 시간에 너무 많이 요청했어요. { $wait } 뒤에 다시 시도해 주세요.
problem-quota-exceeded-client-address = 지금 쓰는 네트워크에서 요청이 너무 많았어요. { $wait } 뒤에 다시 시도해 주세요.
problem-quota-exceeded-destination-prefix = 이 지역 번호로는 지금 메시지를 많이 보낼 수 없어요. { $wait } 뒤에 다시 시도해 주세요.
problem-quota-exceeded-account = 이 계정에서 요청이 너무 많았어요. { $wait } 뒤에 다시 시도해 주세요.
problem-quota-exceeded-service = 지금 요청이 한꺼번에 몰리고 있어요. { $wait } 뒤에 다시 시도해 주세요.

problem-contact-taken = 이미 다른 계정에서 쓰고 있는 연락처예요.
problem-contact-unchanged = 지금 쓰고 있는 연락처와 같아요.
problem-username-taken = 이미 쓰이고 있는 아이디예요.
problem-nickname-taken = 이미 쓰이고 있는 닉네임이에요.
problem-identity-not-found = 입력한 정보와 일치하는 계정이 없어요.

problem-account-not-active-pending-verification = 아직 연락처 인증이 끝나지 않은 계정이에요. 받은 인증번호로 인증을 마쳐 주세요.
problem-account-not-active-pending-approval = 아직 승인을 기다리는 계정이에요. 승인되면 로그인할 수 있어요.
problem-account-not-active-suspended = 이용이 정지된 계정이에요. 고객센터에 문의해 주세요.
problem-account-locked = 비밀번호 로그인에 여러 번 실패해서 잠겼어요. 오늘 인증번호를 더 받을 수 있으면 비밀번호를 재설정해서 풀 수 있어요.
# $wait: 저절로 풀릴 때까지 남은 시간
problem-account-locked-until = 비밀번호 로그인에 여러 번 실패해서 잠겼어요. { $wait } 뒤에 풀려요. 오늘 인증번호를 더 받을 수 있으면 비밀번호를 재설정해서 더 빨리 풀 수 있어요.

# $attempts: 남은 횟수
problem-code-mismatch =
    { $attempts ->
        [0] 인증번호가 맞지 않아요. 더 입력할 수 없으니 새 인증번호를 요청해 주세요.
       *[other] 인증번호가 맞지 않아요. { $attempts }번 더 입력할 수 있어요.
    }
problem-verification-not-found = 진행 중인 인증을 찾을 수 없어요. 처음부터 다시 시도해 주세요.
problem-verification-not-pending-verified = 이미 인증이 끝났어요.
problem-verification-not-pending-expired = 인증번호의 유효 시간이 지났어요. 새 인증번호를 요청해 주세요.
problem-verification-not-pending-locked = 인증번호를 여러 번 잘못 입력해서 더 입력할 수 없어요. 새 인증번호를 요청해 주세요.
problem-verification-not-pending-canceled = 취소된 인증이에요. 새 인증번호를 요청해 주세요.
problem-delivery-refused = 이 연락처로는 메시지를 보낼 수 없어요. 연락처를 확인하거나 다른 연락처를 써 주세요.

problem-proof-rejected-unknown = 인증 정보가 맞지 않아요. 다시 인증해 주세요.
problem-proof-rejected-expired = 인증한 지 시간이 많이 지났어요. 다시 인증해 주세요.
problem-proof-rejected-spent = 이미 한 번 쓰인 인증이에요. 다시 인증해 주세요.
problem-proof-rejected-wrong-purpose = 다른 용도로 받은 인증이에요. 다시 인증해 주세요.

problem-undo-rejected-unknown = 올바르지 않은 링크예요.
problem-undo-rejected-expired = 링크가 만료되었어요. 로그인해서 연락처를 바꾸거나 비밀번호를 다시 설정해 주세요.
problem-undo-rejected-spent = 이미 되돌린 변경이에요.
problem-undo-confirmation-required = 되돌리려면 먼저 다른 연락처로 보낸 인증번호를 입력해 주세요.

problem-credentials-rejected = 로그인 정보가 맞지 않아요.
problem-reauthentication-required = 본인 확인이 필요해요. 확인한 뒤 다시 시도해 주세요.
# 지금 쓸 수 있는 확인 수단이 없을 때. $wait: 쓸 수 있게 될 때까지 남은 시간
problem-reauthentication-required-later = 최근에 연락처가 변경되어 아직 할 수 없어요. { $wait } 뒤에 다시 시도해 주세요.
# $wait: 삭제할 수 있게 될 때까지 남은 시간
problem-deletion-held-back = 최근에 연락처가 변경되었어요. 계정은 { $wait } 뒤에 삭제할 수 있어요.
problem-refresh-rejected-unknown = 로그인 정보를 확인할 수 없어요. 다시 로그인해 주세요.
problem-refresh-rejected-expired = 오랫동안 쓰지 않아 로그아웃되었어요. 다시 로그인해 주세요.
problem-refresh-rejected-revoked = 로그아웃된 상태예요. 다시 로그인해 주세요.
problem-refresh-rejected-reused = 안전을 위해 이 기기에서 로그아웃했어요. 다시 로그인해 주세요.
problem-refresh-rejected-ambiguous = 브라우저가 로그인 쿠키를 두 개 보냈어요. 이 사이트의 쿠키를 지우고 다시 로그인해 주세요.
problem-session-not-found = 로그인된 기기를 찾을 수 없어요. 이미 로그아웃되었을 수 있어요.
problem-user-not-found = 사용자를 찾을 수 없어요.
problem-last-administrator = 관리자가 한 명도 남지 않게 됩니다. 먼저 다른 관리자를 지정해 주세요.

## PasswordViolation: problem-password-rejected 뒤에 이어서 말합니다.

problem-password-rejected = 다른 비밀번호를 정해 주세요.
# $min: 가장 적은 글자 수
password-too-short = { $min }자 이상이어야 해요.
# $max: 가장 많은 글자 수
password-too-long = { $max }자 이하여야 해요.
password-no-lowercase = 영문 소문자를 넣어 주세요.
password-no-uppercase = 영문 대문자를 넣어 주세요.
password-no-digit = 숫자를 넣어 주세요.
password-no-symbol = 특수문자를 넣어 주세요.
password-too-guessable = 너무 쉽게 추측할 수 있어요.
password-contains-personal-data = 이름, 아이디, 연락처가 들어 있으면 안 돼요.
password-breached = 유출된 적이 있는 비밀번호예요.
password-same-as-current = 지금 쓰는 비밀번호와 달라야 해요.

## FieldError: reason마다 한 문장 (밑줄은 붙임표로). 모르는 이유는 field-invalid로 말합니다.

field-invalid = 올바르지 않은 값이에요.
field-empty = 값을 입력해 주세요.
field-too-short = 너무 짧아요.
field-too-long = 너무 길어요.
field-too-short-by = { $min }자 이상 입력해 주세요.
field-too-long-by = { $max }자 이하로 입력해 주세요.
field-invalid-character = 쓸 수 없는 글자가 들어 있어요.

field-not-a-number = 올바른 전화번호가 아니에요.
field-needs-plus = +와 국가 번호로 시작해 주세요.
field-invalid-number = 없는 전화번호예요. 다시 확인해 주세요.
field-not-a-mobile-number = 휴대전화 번호를 입력해 주세요.
field-premium-rate = 유료 번호로는 보낼 수 없어요.
field-shared-cost = 요금을 나누어 내는 번호로는 보낼 수 없어요.
field-toll-free = 수신자 부담 번호로는 보낼 수 없어요.
field-satellite = 위성 전화로는 보낼 수 없어요.
field-voip = 인터넷 전화로는 보낼 수 없어요.
field-pager = 무선호출기로는 보낼 수 없어요.
field-personal-number = 다른 번호로 넘어가는 번호로는 보낼 수 없어요.
field-region-not-allowed = 이 지역의 번호로는 보낼 수 없어요.
field-not-an-email-address = 올바른 이메일 주소가 아니에요.
field-invalid-domain = 이메일 주소의 @ 뒤를 다시 확인해 주세요.
field-phone-wanted = 전화번호를 입력해 주세요.
field-email-wanted = 이메일 주소를 입력해 주세요.
field-wrong-channel = 이 연락처로는 그 방법으로 보낼 수 없어요.
field-channel-unavailable = 여기에서는 그 방법으로 보낼 수 없어요.
field-sign-in-by-email-off = 여기에서는 이메일 인증번호로 로그인할 수 없어요. 비밀번호나 휴대전화를 써 주세요.

field-no-letter = 글자를 하나 이상 넣어 주세요.
field-confusable = 다른 글자와 헷갈리기 쉬운 글자가 섞여 있어요.
field-reserved = 쓸 수 없는 이름이에요.
field-looks-like-link = 웹 주소는 빼고 입력해 주세요.
field-not-a-date = 실제로 있는 날짜를 입력해 주세요.
field-too-early = 1900년 1월 1일이나 그 뒤의 날짜를 입력해 주세요.
field-in-the-future = 오늘이나 그 전의 날짜를 입력해 주세요.

field-not-a-code = 받은 인증번호를 그대로 입력해 주세요.
field-not-an-idempotency-key = 제어 문자 없이 8자에서 64자 사이여야 해요.
field-not-a-url = 올바른 웹 주소가 아니에요.
field-not-a-status-to-set = 이 상태로는 바꿀 수 없습니다.
field-not-your-contact = 계정에 등록되어 인증된 연락처를 입력해 주세요.
field-contact-changed-recently = 최근에 변경된 연락처로는 본인 확인을 할 수 없어요. 다른 방법을 이용해 주세요.
field-wrong-contact-for-purpose = 여기에는 사용할 수 없는 연락처입니다.
field-not-a-purpose-to-request = 여기에서는 이 용도의 인증번호를 요청할 수 없습니다.

## 요청 전체를 거절할 때: extensions.code마다, 또는 그 이유마다 한 문장

error-unauthenticated = 로그인이 필요해요.
error-forbidden = 이 작업을 할 권한이 없어요.
error-refresh-later = 잠시 후 다시 시도해 주세요.
error-needs-cookies = 이 서비스는 로그인 정보를 쿠키에 두는데, 이 연결로는 쿠키를 설정할 수 없어요. 허용된 페이지에서 일반 HTTP POST 요청으로 보내 주세요.
error-not-found = 찾을 수 없어요.
error-bad-request = 올바르지 않은 요청이에요.
# $most: 가장 많은 항목 수
error-bad-request-first = "first"는 음수일 수 없어요. 한 페이지의 항목 수이고, 최대 { $most }개예요.
error-bad-request-after = "after"가 이 목록의 커서가 아니에요. pageInfo.endCursor의 값을 넣어 주세요.
error-bad-request-period-backwards = "to"는 "from"보다 앞설 수 없어요.
# $most: 가장 긴 기간. 예: "366일"
error-bad-request-period-too-long = "from"부터 "to"까지는 최대 { $most }이에요.
error-too-complex = 요청이 너무 복잡해요.
error-rate-limited = 요청이 너무 많아요. 잠시 뒤에 다시 시도해 주세요.
error-unavailable = 지금은 처리할 수 없어요. 잠시 뒤에 다시 시도해 주세요.
error-internal = 문제가 생겼어요. 잠시 뒤에 다시 시도해 주세요.
