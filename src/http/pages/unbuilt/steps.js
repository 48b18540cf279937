// The first steps in the order of their use.
const problem = "... on Problem { code message }";
const invalid = "... on InvalidInput { fields { path reason message } }";
const verification = "id status maskedTo attemptsRemaining expiresAt resendAvailableAt delivery { channel status }";
const steps = [
  {
    name: "Send a code",
    query: `# 1. Send a code. It appears in the outbox: /dev/outbox
mutation SendCode($input: SendVerificationCodeInput!) {
  sendVerificationCode(input: $input) {
    ... on SendVerificationCodePayload { verification { ${verification} } }
    ... on QuotaExceeded { quota retryAt }
    ${problem}
    ${invalid}
  }
}`,
    variables: { input: { purpose: "CONTACT", to: { phone: "+14155552671" } } },
  },
  {
    name: "Watch it",
    query: `# 2. Watch the verification. The id of the previous response is filled in.
subscription WatchVerification($id: ID!) {
  verificationStatus(id: $id) { ${verification} sequence }
}`,
    variables: { id: "ver_" },
  },
  {
    name: "Confirm it",
    query: `# 3. Confirm the code, which is in the outbox.
mutation ConfirmCode($input: ConfirmVerificationCodeInput!) {
  confirmVerificationCode(input: $input) {
    ... on ConfirmVerificationCodePayload { proof { purpose token expiresAt } }
    ... on CodeMismatch { attemptsRemaining }
    ${problem}
    ${invalid}
  }
}`,
    variables: { input: { verificationId: "ver_", code: "000000" } },
  },
  {
    name: "Request a reset",
    query: `# 4. Request a password reset by identity.
mutation RequestReset($input: RequestPasswordResetInput!) {
  requestPasswordReset(input: $input) {
    ... on SendVerificationCodePayload { verification { ${verification} } }
    ${problem}
    ${invalid}
  }
}`,
    variables: { input: { identity: { name: "Lena Müller", birthDate: "1990-05-15", phone: "+4915112345678" } } },
  },
  {
    name: "Reset the password",
    query: `# 5. Use the proof of step 3 to set a new password.
mutation ResetPassword($input: ResetPasswordInput!) {
  resetPassword(input: $input) {
    ... on ResetPasswordPayload { sessionsEnded notificationQueued }
    ... on ProofRejected { reason }
    ... on PasswordRejected { violations }
    ${problem}
  }
}`,
    variables: { input: { proofToken: "", newPassword: "" } },
  },
];
const pretty = (value) => JSON.stringify(value, null, 2);
