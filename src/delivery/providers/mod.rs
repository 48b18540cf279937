//! The message providers. Each has one file and one line in [`ALL`].
//!
//! The file of a provider contains its settings, capabilities, requests, and the meaning of its responses. To add a
//! provider, write a file like `aligo.rs` and add its `REGISTRATION` to [`ALL`]. Its settings are then listed in
//! `.env.example` and `--help`, its name is accepted in `SMS_PROVIDER`, and `doctor` describes it.
//!
//! Providers neither log nor retry, because: accepted does not mean delivered; a request that was sent without a
//! response is unknown, not failed; the error text of a provider may contain the phone number or the code.

use crate::delivery::Registration;

mod aligo;
mod aligo_alimtalk;
#[cfg(feature = "aws-sns")]
mod aws_http;
#[cfg(feature = "aws-sns")]
mod aws_sns;
pub mod development;
mod naver_alimtalk;
mod naver_cloud;
mod smtp;
mod smtp_session;
mod solapi;
mod twilio;
mod twilio_api;
mod twilio_verify;
mod vonage;
mod webhook;

/// All providers that are compiled in.
pub const ALL: &[Registration] = &[
    development::REGISTRATION,
    twilio::REGISTRATION,
    twilio_verify::REGISTRATION,
    #[cfg(feature = "aws-sns")]
    aws_sns::REGISTRATION,
    naver_cloud::REGISTRATION,
    aligo::REGISTRATION,
    solapi::REGISTRATION,
    vonage::REGISTRATION,
    smtp::REGISTRATION,
    webhook::REGISTRATION,
];
