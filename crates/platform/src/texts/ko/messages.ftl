### 전화와 메일함으로 보내는 말.
###
### 모든 메시지에서 쓸 수 있는 변수
###   $app       서비스 이름 (APP_NAME)
### 인증번호 메시지
###   $code      인증번호. 음성에서는 한 자씩 띄어 읽도록 나뉘어 있습니다. 꼭 써야 합니다.
###   $lifetime  유효 시간. 예: 5분
###
### 한국 통신사의 SMS는 EUC-KR로 90바이트까지입니다. 넘치면 시작할 때 거절합니다.
### 그 아래에 WEB_OTP_DOMAIN과 ANDROID_APP_HASH의 줄이 붙습니다.

## 인증번호: 문자

sms-code-contact = [{ $app }] 인증번호 { $code }
sms-code-sign-up = [{ $app }] 가입 인증번호 { $code }
sms-code-sign-in = [{ $app }] 로그인 인증번호 { $code }
sms-code-password-reset = [{ $app }] 비밀번호 재설정 인증번호 { $code }
sms-code-phone-change = [{ $app }] 번호 변경 인증번호 { $code }
sms-code-email-change = [{ $app }] 이메일 변경 인증번호 { $code }
sms-code-step-up = [{ $app }] 본인 확인 인증번호 { $code }
sms-code-contact-undo = [{ $app }] 변경 취소 인증번호 { $code }
# 자리가 남을 때만 덧붙이는 줄
sms-code-caution = 타인에게 알려주지 마세요.

## 인증번호: 음성

voice-code-contact = { $app }입니다. 인증번호는 { $code }입니다.
voice-code-sign-up = { $app }입니다. 가입 인증번호는 { $code }입니다.
voice-code-sign-in = { $app }입니다. 로그인 인증번호는 { $code }입니다.
voice-code-password-reset = { $app }입니다. 비밀번호 재설정 인증번호는 { $code }입니다.
voice-code-phone-change = { $app }입니다. 번호 변경 인증번호는 { $code }입니다.
voice-code-email-change = { $app }입니다. 이메일 변경 인증번호는 { $code }입니다.
voice-code-step-up = { $app }입니다. 본인 확인 인증번호는 { $code }입니다.
voice-code-contact-undo = { $app }입니다. 연락처 변경을 되돌리는 인증번호는 { $code }입니다.
# 바로 이어서 한 번 더
voice-code-again = 다시 한번 알려 드립니다. { $code }입니다.

## 인증번호: 이메일. 안내, 인증번호, 유효 시간, 주의 순서로 놓입니다.

email-code-contact-subject = [{ $app }] 인증번호를 확인해 주세요
email-code-contact = 아래 인증번호를 { $app } 화면에 입력해 주세요.
email-code-sign-up-subject = [{ $app }] 가입 인증번호를 확인해 주세요
email-code-sign-up = 아래 인증번호를 입력하면 { $app } 가입을 이어서 할 수 있습니다.
email-code-sign-in-subject = [{ $app }] 로그인 인증번호를 확인해 주세요
email-code-sign-in = 아래 인증번호를 입력하면 { $app }에 로그인됩니다.
email-code-password-reset-subject = [{ $app }] 비밀번호 재설정 인증번호를 확인해 주세요
email-code-password-reset = 아래 인증번호를 입력하면 { $app } 비밀번호를 새로 정할 수 있습니다.
email-code-phone-change-subject = [{ $app }] 번호 변경 인증번호를 확인해 주세요
email-code-phone-change = 아래 인증번호를 입력하면 { $app } 계정의 휴대전화 번호가 바뀝니다.
email-code-email-change-subject = [{ $app }] 이메일 변경 인증번호를 확인해 주세요
email-code-email-change = 아래 인증번호를 입력하면 { $app } 계정의 이메일 주소가 바뀝니다.
email-code-step-up-subject = [{ $app }] 본인 확인 인증번호를 확인해 주세요
email-code-step-up = 아래 인증번호를 입력하면 { $app }에서 본인 확인이 끝납니다.
email-code-contact-undo-subject = [{ $app }] 연락처 변경을 되돌리는 인증번호를 확인해 주세요
email-code-contact-undo = 아래 인증번호를 입력하면 { $app } 계정의 연락처 변경이 되돌려집니다.
email-code-label = 인증번호
email-code-expiry = 보낸 때부터 { $lifetime } 동안 쓸 수 있습니다.
email-code-caution =
    이 번호를 누구에게도 알려주지 마세요. { $app }에서는 전화나 메시지로 인증번호를 묻지 않습니다.

    요청하지 않았다면 이 메일을 무시하세요. 아무것도 바뀌지 않습니다.

## 알림: 비밀번호 변경

sms-notice-password-changed = [{ $app }] 비밀번호가 변경되었습니다. 본인이 아니면 바로 비밀번호를 재설정해 주세요.
email-notice-password-changed-subject = [{ $app }] 비밀번호가 변경되었습니다
email-notice-password-changed =
    { $app } 계정의 비밀번호가 변경되었고, 다른 기기에서는 로그아웃되었습니다.

    직접 변경하셨다면 더 하실 일은 없습니다. 본인이 아니라면 바로 비밀번호를 재설정해 주세요.

## 알림: 연락처 변경. $contact: 가운데를 가린 새 연락처. 되돌리는 방법(undo)이 이어집니다.

sms-notice-phone-changed = [{ $app }] 계정의 휴대전화 번호가 변경되었습니다.
email-notice-phone-changed-subject = [{ $app }] 휴대전화 번호가 변경되었습니다
email-notice-phone-changed =
    { $app } 계정의 휴대전화 번호가 변경되었습니다.

    새 번호: { $contact }

    직접 변경하셨다면 더 하실 일은 없습니다.
sms-notice-email-changed = [{ $app }] 계정의 이메일 주소가 변경되었습니다.
email-notice-email-changed-subject = [{ $app }] 이메일 주소가 변경되었습니다
email-notice-email-changed =
    { $app } 계정의 이메일 주소가 변경되었습니다.

    새 주소: { $contact }

    직접 변경하셨다면 더 하실 일은 없습니다.

# $lifetime: 되돌릴 수 있는 시간. 링크나 되돌리기 코드가 다음 줄에 옵니다.
sms-notice-undo = 본인이 아니면 { $lifetime } 안에 되돌려 주세요.
email-notice-undo = 본인이 아니라면 { $lifetime } 안에 되돌려 주세요. 이전 연락처로 돌아가고 모든 기기에서 로그아웃되며, 비밀번호를 새로 정하게 됩니다.
email-notice-undo-button = 변경 되돌리기
# 되돌리는 페이지의 주소가 설정되지 않았을 때
email-notice-undo-token = 앱의 되돌리기 화면에 이 코드를 입력해 주세요.
# 바뀌지 않은 연락처에는 위의 줄 대신
sms-notice-changed-advice = 본인이 아니면 비밀번호를 재설정해 주세요.
email-notice-changed-advice = 본인이 아니라면 바로 비밀번호를 재설정해 주세요. 변경을 되돌리는 방법은 계정의 다른 연락처로 보냈습니다.
# 변경을 되돌릴 방법이 어느 메시지에도 없을 때
sms-notice-changed-final-advice = 본인이 아니면 고객센터에 문의해 주세요.
email-notice-changed-final-advice = 본인이 아니라면 바로 고객센터에 문의해 주세요. 이 변경은 메시지로 되돌릴 수 없습니다.

## 알림: 새 기기에서 로그인. $device: 기기 이름

sms-notice-new-device = [{ $app }] 새 기기에서 로그인되었습니다. 본인이 아니면 바로 비밀번호를 재설정해 주세요.
email-notice-new-device-subject = [{ $app }] 새 기기에서 로그인되었습니다
email-notice-new-device =
    { $app } 계정이 새 기기에서 로그인되었습니다.

    기기: { $device }

    본인이라면 더 하실 일은 없습니다. 본인이 아니라면 바로 비밀번호를 재설정해 주세요.
# 기기가 이름을 알리지 않았을 때
notice-unknown-device = 알 수 없는 기기

## 알림: 로그인 정보가 두 곳에서 쓰여 로그아웃했음. $device: 기기 이름

sms-notice-session-ended = [{ $app }] 로그인이 두 곳에서 쓰여 한 기기를 로그아웃했습니다. 비밀번호를 재설정해 주세요.
email-notice-session-ended-subject = [{ $app }] 기기 하나를 로그아웃했습니다
email-notice-session-ended =
    기기 하나의 로그인 정보가 두 곳에서 쓰였습니다. 다른 사람이 복사했을 수 있어 안전을 위해 그 기기를 로그아웃했습니다.

    기기: { $device }

    그 기기에서 다시 로그인해 주세요. 짐작 가는 일이 없다면 비밀번호를 재설정하고 로그인된 기기를 확인해 주세요.

## 알림: 이미 계정이 있는 연락처로 가입하거나 연락처를 바꾸려 했음

sms-notice-account-exists = [{ $app }] 이미 가입된 번호입니다. 로그인해 주세요. 요청하지 않았다면 무시하세요.
email-notice-account-exists-subject = [{ $app }] 이미 가입되어 있습니다
email-notice-account-exists =
    이 이메일 주소로 { $app }에 가입하거나 계정의 주소를 바꾸려는 요청이 있었습니다. 이 주소를 쓰는 계정이 이미 있으니 그대로 로그인하시면 됩니다. 비밀번호가 생각나지 않으면 재설정할 수 있습니다.

    요청하지 않았다면 이 메일을 무시하세요. 계정에는 아무 변화도 없습니다.

## 알림: 계정이 없는 연락처로 로그인하거나 비밀번호를 재설정하려 했음

sms-notice-no-account = [{ $app }] 이 번호로 가입된 계정이 없습니다. 가입해 주세요. 요청하지 않았다면 무시하세요.
email-notice-no-account-subject = [{ $app }] 이 주소로 가입된 계정이 없습니다
email-notice-no-account =
    이 이메일 주소로 { $app }에 로그인하거나 비밀번호를 재설정하려는 요청이 있었습니다. 이 주소로 가입된 계정이 없습니다. 직접 요청하셨다면 먼저 가입하시거나 가입할 때 쓴 주소를 입력해 주세요.

    요청하지 않았다면 이 메일을 무시하세요. 아무 변화도 없습니다.

## 알림: 연락처 변경을 되돌림

sms-notice-contact-change-undone = [{ $app }] 연락처 변경을 되돌리고 모두 로그아웃했습니다. 비밀번호를 새로 정해 주세요.
email-notice-contact-change-undone-subject = [{ $app }] 연락처 변경을 되돌렸습니다
email-notice-contact-change-undone =
    { $app } 계정의 연락처 변경을 되돌렸습니다. 변경 전의 연락처로 돌아갔고, 모든 기기에서 로그아웃되었으며, 기존 비밀번호는 쓸 수 없습니다.

    직접 되돌리셨다면 비밀번호를 새로 정해 주세요. 본인이 아니라면 바로 비밀번호를 재설정해 주세요.

## 알림: 비밀번호를 여러 번 틀림

sms-notice-account-locked = [{ $app }] 비밀번호를 여러 번 틀려 로그인을 막았습니다. 재설정하면 바로 풀립니다.
email-notice-account-locked-subject = [{ $app }] 비밀번호를 여러 번 틀렸습니다
email-notice-account-locked =
    { $app } 계정의 비밀번호를 여러 번 틀려서 비밀번호 로그인을 잠시 막았습니다.

    본인이라면 잠시 기다리거나 비밀번호를 재설정해 주세요. 본인이 아니라면 비밀번호가 알려진 것은 아니니 따로 하실 일은 없습니다.

## 알림: 계정 삭제

sms-notice-account-deleted = [{ $app }] 계정과 개인정보가 삭제되었습니다. 본인이 아니면 고객센터에 문의해 주세요.
email-notice-account-deleted-subject = [{ $app }] 계정이 삭제되었습니다
email-notice-account-deleted =
    { $app } 계정과 개인정보가 삭제되었습니다.

    본인이 아니라면 { $app } 고객센터에 문의해 주세요.

## 알림: 관리자가 한 일

sms-notice-account-suspended = [{ $app }] 계정 이용이 정지되었습니다. 고객센터에 문의해 주세요.
email-notice-account-suspended-subject = [{ $app }] 계정 이용이 정지되었습니다
email-notice-account-suspended =
    관리자가 { $app } 계정의 이용을 정지했고, 모든 기기에서 로그아웃되었습니다.

    궁금한 점은 { $app } 고객센터에 문의해 주세요.
sms-notice-account-activated = [{ $app }] 이제 계정을 이용하실 수 있습니다.
email-notice-account-activated-subject = [{ $app }] 이제 계정을 이용하실 수 있습니다
email-notice-account-activated = 관리자가 { $app } 계정을 이용할 수 있게 했습니다. 이제 로그인하실 수 있습니다.
sms-notice-account-awaits-approval = [{ $app }] 관리자가 승인해야 계정을 다시 이용하실 수 있습니다.
email-notice-account-awaits-approval-subject = [{ $app }] 계정이 승인을 기다리고 있습니다
email-notice-account-awaits-approval = 관리자가 승인해야 { $app } 계정을 다시 이용하실 수 있습니다. 모든 기기에서 로그아웃되었습니다.
sms-notice-account-unlocked = [{ $app }] 계정 잠금이 풀렸습니다. 다시 로그인하실 수 있습니다.
email-notice-account-unlocked-subject = [{ $app }] 계정 잠금이 풀렸습니다
email-notice-account-unlocked =
    관리자가 { $app } 계정의 잠금을 풀었습니다. 다시 로그인하실 수 있습니다.

    요청하지 않았다면 바로 비밀번호를 재설정해 주세요.
sms-notice-sessions-ended = [{ $app }] 모든 기기에서 로그아웃되었습니다. 다시 로그인해 주세요.
email-notice-sessions-ended-subject = [{ $app }] 모든 기기에서 로그아웃되었습니다
email-notice-sessions-ended =
    관리자가 { $app } 계정을 모든 기기에서 로그아웃했습니다. 다시 로그인해 주세요.

    궁금한 점은 { $app } 고객센터에 문의해 주세요.

## 모든 이메일의 맨 아래

email-footer = { $app }에서 자동으로 보낸 메일입니다.
