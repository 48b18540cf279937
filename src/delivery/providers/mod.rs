//! Who can carry messages: one file and one line each.

use crate::delivery::Registration;

mod aligo;
#[cfg(feature = "aws-sns")]
mod aws_http;
#[cfg(feature = "aws-sns")]
mod aws_sns;
pub mod development;
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
