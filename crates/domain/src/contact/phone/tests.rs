use proptest::{prelude::*, strategy::ValueTree, string::string_regex, test_runner::TestRunner};

use super::*;
use crate::contact::phone::plan::Kind;

fn parse(input: &str) -> Result<String, &'static str> {
    parse_in(input, "KR")
}

fn parse_in(input: &str, region: &str) -> Result<String, &'static str> {
    let region = Region::parse(region).unwrap();
    PhoneNumber::parse(input, region).map(|number| number.as_str().to_owned()).map_err(PhoneRejection::reason)
}

fn number(e164: &str) -> PhoneNumber {
    PhoneNumber::parse_lenient(e164).unwrap()
}

#[test]
fn fz_03_all_spellings_of_a_number_are_equal() {
    for input in [
        "010-1234-5678",
        "01012345678",
        "010 1234 5678",
        "０１０－１２３４－５６７８",
        "+82 10 1234 5678",
        "+82 (0)10-1234-5678",
        "+82-010-1234-5678",
        "＋８２１０１２３４５６７８",
        "821012345678",
        "1012345678",
        "\u{202A}+82 10-1234-5678\u{202C}",
    ] {
        assert_eq!(parse(input).as_deref(), Ok("+821012345678"), "{input}");
    }
    assert_eq!(parse("01022292983").as_deref(), Ok("+821022292983"));
}

#[test]
fn numbers_of_other_regions_are_parsed() {
    for (input, region, e164) in [
        ("(650) 253-0000", "US", "+16502530000"),
        ("1-650-253-0000", "US", "+16502530000"),
        ("011 82 10-1234-5678", "US", "+821012345678"),
        ("07911 123456", "GB", "+447911123456"),
        ("0044 7911 123456", "DE", "+447911123456"),
        ("+44 (0)7911 123456", "KR", "+447911123456"),
        ("090-1234-5678", "JP", "+819012345678"),
        ("8 916 123-45-67", "RU", "+79161234567"),
        ("7 916 123-45-67", "RU", "+79161234567"),
        // Numbers with a significant leading zero.
        ("+225 07 01 23 45 67", "KR", "+2250701234567"),
        ("+39 320 123 4567", "KR", "+393201234567"),
        // Argentina: 15 within the country, 9 from abroad.
        ("011 15 2345-6789", "AR", "+5491123456789"),
        ("+54 9 11 2345-6789", "KR", "+5491123456789"),
    ] {
        assert_eq!(parse_in(input, region).as_deref(), Ok(e164), "{input} in {region}");
    }
}

#[test]
fn fz_03_number_is_never_changed_into_another() {
    // In Finland, 994 is also an international prefix; in Russia, so is 810.
    assert_eq!(parse_in("+994 50 123 45 67", "FI").as_deref(), Ok("+994501234567"));
    assert_eq!(parse_in("+81 090 1234 5678", "RU").as_deref(), Ok("+819012345678"));
    // 00-81 in most countries, 008-1 with a Korean carrier.
    assert_eq!(parse("0081 90 1234 5678"), Err("needs_plus"));
    assert_eq!(parse("0082 10 1234 5678"), Err("needs_plus"));
    assert_eq!(parse("+0082 10 1234 5678"), Err("invalid_number"));
    assert_eq!(parse("010-1234-5678 x3"), Err("not_a_number"));
    assert_eq!(parse("010-1234-5678;phone-context=+1"), Err("not_a_number"));
    assert_eq!(parse("0800-FLOWERS"), Err("not_a_number"));
}

/// Ranges that were assigned after the release of the metadata.
#[test]
fn possible_number_is_accepted_if_configured() {
    let rules = NumberRules { region: Region::KR, allow_unassigned: true };
    let possible = |input| PhoneNumber::parse(input, rules).map(|number| number.as_str().to_owned());
    for input in ["+4915410365743", "+595988100848", "+972558025784"] {
        assert_eq!(parse(input), Err("invalid_number"), "{input}");
        assert_eq!(possible(input).as_deref(), Ok(input));
    }
    assert_eq!(possible("010-1234-5678").as_deref(), Ok("+821012345678"));
    let region = PhoneNumber::parse("+4915410365743", rules).unwrap().region();
    assert_eq!(region, Region::parse("DE"));
    // Assigned numbers keep their type, and missing digits are still rejected.
    for (input, rejection) in [
        ("02-312-3456", PhoneRejection::NotAMobileNumber),
        ("060-700-1234", PhoneRejection::PremiumRate),
        ("010-1234-567", PhoneRejection::Invalid),
        ("+49154103657", PhoneRejection::TooShort),
        ("0082 10 1234 5678", PhoneRejection::NeedsPlus),
        ("+999 1234 5678", PhoneRejection::Invalid),
    ] {
        assert_eq!(possible(input), Err(rejection), "{input}");
    }
}

#[test]
fn unsupported_numbers_are_rejected_with_a_reason() {
    for (input, reason) in [
        ("", "empty"),
        ("+", "not_a_number"),
        ("abc", "not_a_number"),
        ("12", "too_short"),
        ("010-1234", "too_short"),
        ("010-1234-567", "invalid_number"),
        ("010-1234-56789", "too_long"),
        ("+82 10 1234", "too_short"),
        ("+82 10 1234 5678 90", "too_long"),
        ("+999 1234 5678", "invalid_number"),
        ("+210 1234 5678", "invalid_number"),
        ("099-1234-5678", "invalid_number"),
        ("02-312-3456", "not_a_mobile_number"),
        ("1588-1234", "not_a_mobile_number"),
        ("112", "too_short"),
        ("060-700-1234", "premium_rate"),
        ("080-123-4567", "toll_free"),
        ("070-1234-5678", "voip"),
        ("0505-123-4567", "personal_number"),
        ("015-2345-6789", "pager"),
        // The rules of Guam, Barbados and Antigua add their area codes to seven digits.
        ("+1 555 0100", "too_short"),
        ("+1 234 5678", "too_short"),
        ("+1 464 1234", "too_short"),
        ("+1 900 234 5678", "premium_rate"),
        ("+1 800 234 5678", "toll_free"),
        ("+44 70 1234 5678", "personal_number"),
        ("+49 180 1 123456", "shared_cost"),
        ("+44 20 7946 0018", "not_a_mobile_number"),
        ("+870 773 111 632", "satellite"),
        ("+881 6 1234 5678", "satellite"),
        ("+882 16 2112 3456", "satellite"),
        ("+883 5100 1234 5678", "satellite"),
        ("+979 123 456 789", "premium_rate"),
        ("+808 1234 5678", "shared_cost"),
        ("+800 1234 5678", "toll_free"),
    ] {
        assert_eq!(parse(input), Err(reason), "{input}");
    }
}

#[test]
fn number_is_split_into_its_parts() {
    let korean = number("+821012345678");
    assert_eq!((korean.country_code(), korean.region()), (82, Some(Region::KR)));
    assert_eq!(korean.national_digits(), "01012345678");
    assert_eq!(korean.significant_digits(), "1012345678");
    assert_eq!(korean.prefix(), "+821012");
    let canadian = number("+16137827274");
    assert_eq!(canadian.region(), Region::parse("CA"));
    assert_eq!(canadian.national_digits(), "6137827274");
    assert_eq!(canadian.prefix(), "+16137");
    // An unassigned number still has a country code.
    let unassigned = number("+447700900123");
    assert_eq!((unassigned.country_code(), unassigned.prefix()), (44, "+447700".to_owned()));
}

#[test]
fn mask_hides_at_least_four_digits() {
    for (e164, masked) in [
        ("+821012345678", "+82 10-••••-5678"),
        ("+16502530000", "+1 •••-•••-0000"),
        ("+447911123456", "+44 •••• ••3456"),
        ("+819012345678", "+81 90-••••-5678"),
        ("+33612345678", "+33 6 •• ••56 78"),
        ("+2250701234567", "+225 07 •• ••4 567"),
        ("+2901234", "+290 ••••"),
    ] {
        let shown = number(e164).masked();
        assert!(shown.matches('•').count() >= 4, "{shown}");
        assert_eq!(shown.replace(['-', ' '], ""), masked.replace(['-', ' '], ""), "{e164}");
    }
    assert_eq!(number("+821012345678").masked(), "+82 10-••••-5678");
}

#[test]
fn dr_04_debug_shows_the_last_two_digits() {
    assert_eq!(format!("{:?}", number("+821012345678")), "+82••••78");
}

#[test]
fn lenient_parsing_accepts_only_e164() {
    assert_eq!(number("+44 7700 900-123").as_str(), "+447700900123");
    for (input, rejection) in [
        ("01012345678", PhoneRejection::NotANumber),
        ("+82101", PhoneRejection::TooShort),
        ("+8210123456789012", PhoneRejection::TooLong),
        ("+99912345678", PhoneRejection::Invalid),
    ] {
        assert_eq!(PhoneNumber::parse_lenient(input), Err(rejection), "{input}");
    }
    assert_eq!(PhoneNumber::from_stored("+821012345678"), Some(number("+821012345678")));
    for broken in ["", "+", "821012345678", "+82 1012345678", "+8210abc45678", "+82１012345678"] {
        assert_eq!(PhoneNumber::from_stored(broken), None, "{broken}");
    }
}

#[test]
fn fictional_numbers_are_recognised() {
    for fictional in [
        "+821000000000",
        "+821012345678",
        "+821019999999",
        "+12125550123",
        "+447700900123",
        "+33639981234",
        "+46701740605",
        "+61491570156",
    ] {
        assert!(number(fictional).is_fictional(), "{fictional}");
    }
    for real in ["+821020000000", "+12125550200", "+447700901000", "+33612345678", "+46701740600", "+61491570160"] {
        assert!(!number(real).is_fictional(), "{real}");
    }
}

/// Numbers generated from each plan's own patterns, so that no region is untested.
#[test]
fn numbers_of_every_plan_parse_in_both_forms() {
    let mut runner = TestRunner::deterministic();
    let mut plans = 0;
    for (region, pattern) in plan::mobile_patterns() {
        plans += 1;
        let numbers = string_regex(&pattern.split_whitespace().collect::<String>()).unwrap();
        for _ in 0..20 {
            let national = numbers.new_tree(&mut runner).unwrap().current();
            let e164 = format!("+{}{national}", plan::country_code(region));
            let Ok(parsed) = PhoneNumber::parse(&e164, Region::KR) else { continue };
            assert_eq!(parsed.as_str(), e164, "{region}");
            if parsed.region() == Some(region) {
                let in_national_form = PhoneNumber::parse(&parsed.national_digits(), region);
                assert_eq!(
                    in_national_form.as_ref(),
                    Ok(&parsed),
                    "{region}: {} for {e164:?}",
                    parsed.national_digits()
                );
            }
            // With the trunk prefix left in, it is the same number or rejected.
            let trunk = plan::trunk_prefix(parsed.country_code(), parsed.region());
            let both = PhoneNumber::parse(&format!("+{}({trunk}){national}", parsed.country_code()), Region::KR);
            assert!(both.is_err() || both == Ok(parsed), "{region}: {both:?} for {e164:?}");
        }
    }
    assert!(plans > 200, "{plans}");
}

#[test]
fn every_metadata_pattern_compiles() {
    assert_eq!(plan::invalid_patterns(), Vec::<String>::new());
    assert!(Kind::Mobile.rejection().is_none());
}

fn any_region() -> impl Strategy<Value = Region> {
    let regions: Vec<_> = plan::mobile_patterns().map(|(region, _)| region).collect();
    prop::sample::select(regions)
}

proptest! {
    #[test]
    fn parser_does_not_panic(input in any::<String>(), region in any_region()) {
        let _ = PhoneNumber::parse(&input, region);
        let _ = PhoneNumber::parse_lenient(&input);
        let _ = PhoneNumber::from_stored(&input);
    }

    #[test]
    fn accepted_numbers_are_e164_and_parsing_is_idempotent(input in "[+＋]?[0-9０-９ ().-]{3,20}", region in any_region()) {
        if let Ok(number) = PhoneNumber::parse(&input, region) {
            let digits = number.as_str().strip_prefix('+').unwrap();
            prop_assert!(digits.bytes().all(|byte| byte.is_ascii_digit()) && (7..=15).contains(&digits.len()));
            prop_assert_eq!(PhoneNumber::parse(number.as_str(), region), Ok(number.clone()));
            prop_assert_eq!(PhoneNumber::from_stored(number.as_str()), Some(number.clone()));
            prop_assert!(number.masked().matches('•').count() >= 3);
        }
    }
}
