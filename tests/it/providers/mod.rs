//! Provider adapters on the wire: against our own test doubles, which respond as the providers' documentation says, and
//! against stand-ins written by others.

mod aligo;
mod aligo_alimtalk;
#[cfg(feature = "aws-sns")]
mod aws_sns;
mod configuration;
pub mod double;
mod naver_alimtalk;
mod naver_cloud;
mod receipts;
mod smtp;
pub mod smtp_double;
mod solapi;
mod stand_ins;
mod support;
mod transport_errors;
mod twilio;
mod twilio_verify;
mod vectors;
mod vonage;
mod webhook;
