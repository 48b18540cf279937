/** The messages of refusals in two languages, so that tests can check the negotiated language. */
const MESSAGES = {
  INVALID_INPUT: ['Please check what you entered.', '입력한 내용을 확인해 주세요.'],
  NOT_A_MOBILE_NUMBER: ['This is not a mobile number.', '휴대전화 번호가 아닙니다.'],
  NOT_AN_EMAIL: ['This is not an e-mail address.', '이메일 주소가 아닙니다.'],
  QUOTA_EXCEEDED: ['Too many requests. Please try again later.', '요청이 너무 잦습니다. 잠시 후 다시 시도해 주세요.'],
  CONTACT_TAKEN: ['This contact belongs to another account.', '이미 사용 중인 연락처입니다.'],
  CONTACT_UNCHANGED: ['This is already your contact.', '이미 등록된 연락처입니다.'],
  USERNAME_TAKEN: ['This username is taken.', '이미 사용 중인 아이디입니다.'],
  CODE_MISMATCH: ['The code is incorrect.', '인증번호가 일치하지 않습니다.'],
  VERIFICATION_NOT_FOUND: ['Verification not found.', '인증 요청을 찾을 수 없습니다.'],
  VERIFICATION_NOT_PENDING: ['This verification has ended.', '이미 끝난 인증입니다.'],
  DELIVERY_REFUSED: ['Messages cannot be sent to this contact.', '메시지를 보낼 수 없는 번호입니다.'],
  PROOF_REJECTED: ['The confirmation is no longer valid.', '인증이 만료되었습니다.'],
  PASSWORD_REJECTED: ['The password is too weak.', '비밀번호가 조건에 맞지 않습니다.'],
  CREDENTIALS_REJECTED: ['Incorrect username or password.', '아이디 또는 비밀번호가 올바르지 않습니다.'],
  REAUTHENTICATION_REQUIRED: ['Please confirm your identity.', '본인 확인이 필요합니다.'],
  REFRESH_REJECTED: ['Please sign in again.', '다시 로그인해 주세요.'],
  SESSION_NOT_FOUND: ['Device not found.', '기기를 찾을 수 없습니다.'],
} as const;

export type MessageCode = keyof typeof MESSAGES;

export function localize(code: MessageCode, language: string): string {
  return MESSAGES[code][language.startsWith('ko') ? 1 : 0];
}
