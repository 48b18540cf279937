use super::*;
use domain::contact::Region;

#[test]
fn identifier_kinds_are_distinguished_by_characters() {
    let korea = Region::parse("KR").unwrap();
    let parsed = |text| identify(text, korea);
    assert_eq!(parsed("Hong.Gildong"), Some(Identifier::Username("hong.gildong".to_owned())));
    assert_eq!(parsed(" 010-1234-5678 "), Some(Identifier::Phone("+821012345678".to_owned())));
    assert_eq!(parsed("+82 10 1234 5678"), Some(Identifier::Phone("+821012345678".to_owned())));
    assert_eq!(parsed("Hong@Example.com"), Some(Identifier::Email("hong@example.com".to_owned())));
    for invalid in ["", "   ", "\0", "a\nb", "@", "12", &"a".repeat(400)] {
        assert_eq!(parsed(invalid), None, "{invalid:?}");
    }
}

#[test]
fn spellings_of_one_identifier_have_the_same_decoy() {
    let korea = Region::parse("KR").unwrap();
    let decoy = |typed| decoy_key(typed, identify(typed, korea).as_ref(), None);
    assert_eq!(decoy("010-1234-5678"), decoy(" +82 10 1234 5678"));
    assert_eq!(decoy("Hong.Gildong"), decoy("hong.gildong "));
    assert_eq!(decoy("Hong@Example.com"), decoy("hong@example.com"));
    assert_ne!(decoy("hong"), decoy("hong2"));
}
