//! The GraphQL documents of the operations.

use crate::client::Document;

pub const SEND: Document = Document {
    field: "sendVerificationCode",
    text: "mutation Send($input: SendVerificationCodeInput!) { sendVerificationCode(input: $input) { \
           ... on SendVerificationCodePayload { verification { id maskedTo status attemptsRemaining expiresAt } } \
           ... on Problem { code message } } }",
};

pub const CONFIRM: Document = Document {
    field: "confirmVerificationCode",
    text: "mutation Confirm($input: ConfirmVerificationCodeInput!) { confirmVerificationCode(input: $input) { \
           ... on ConfirmVerificationCodePayload { proof { token expiresAt attestation } } \
           ... on Problem { code message } } }",
};

pub const SIGN_UP: Document = Document {
    field: "signUp",
    text: "mutation SignUp($input: SignUpInput!) { signUp(input: $input) { \
           ... on SignUpPayload { tokens { refreshToken } deviceToken } ... on Problem { code message } } }",
};

pub const SIGN_IN: Document = Document {
    field: "signIn",
    text: "mutation SignIn($input: SignInInput!) { signIn(input: $input) { \
           ... on SignInPayload { tokens { accessToken refreshToken expiresIn } deviceToken user { id username } } \
           ... on Problem { code message } } }",
};

pub const REFRESH: Document = Document {
    field: "refreshSession",
    text: "mutation Refresh($input: RefreshSessionInput!) { refreshSession(input: $input) { \
           ... on RefreshSessionPayload { tokens { accessToken refreshToken expiresIn } } \
           ... on Problem { code message } } }",
};

pub const WATCH: &str = "subscription Watch($id: ID!) { verificationStatus(id: $id) { \
                         status attemptsRemaining sequence delivery { status } } }";
