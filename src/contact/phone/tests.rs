use proptest::prelude::*;

use super::*;

fn parse(input: &str) -> Result<String, &'static str> {
    parse_in(input, "KR")
}

fn parse_in(input: &str, region: &str) -> Result<String, &'static str> {
    let region = Region::parse(region).unwrap();
    PhoneNumber::parse(input, region).map(|number| number.as_str().to_owned()).map_err(PhoneRejection::reason)
}

#[test]
fn fz_03_every_spelling_of_a_number_is_one_number() {
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
