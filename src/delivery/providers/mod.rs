//! Who can carry messages: one file and one line each.
//!
//! A provider's file holds its settings, what it can do, its requests, and what its answers mean. To add one, write such
//! a file beside `aligo.rs`, whose shape all of them have, and name its `REGISTRATION` in [`ALL`]: the settings then show
//! in `.env.example` and `--help`, `SMS_PROVIDER` knows the name, and `doctor` describes it.
//!
//! What holds for all (and is why they neither log nor retry): accepted is not delivered; a request that was written and
//! not answered is unknown, not failed; what a provider says in words may hold the number or the code.

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

/// Every provider that this program was built with.
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
