use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<String, &'static str> {
    PersonName::parse(text).map(|name| name.as_str().to_owned()).map_err(NameRejection::reason)
}

/// Stored exactly as typed.
const NAMES: &[&str] = &[
    "김솔",
    "O",
    "김",
    "Björk",
    "Nguyễn Thị Minh Khai",
    "O'Brien",
    "D’Angelo",
    "‘t Hooft",
    "'t Hooft",
    "Kaʻiulani",
    "Jean-Luc",
    "Jean‐Luc",
    "Marie–Claire Müller—Schmidt",
    "Homer J. Simpson",
    "J.R.R. Tolkien",
    "R.Srinivasan",
    "Md.Rahman",
    "St.John",
    "Dr.Kim",
    "Martin Luther King, Jr.",
    "John Smith III",
    "Louis ⅩⅣ",
    "Jennifer 8. Lee",
    "Ravi s/o Kumar",
    "Siti a/p Raman",
    "Gal·la",
    "迪丽热巴·迪力木拉提",
    "レオナルド・ディカプリオ",
    "ｼﾞｬﾝ･ﾘｭｯｸ",
    "ジャン＝リュック・ピカール",
    "佐々木 〇",
    "葛\u{E0100}城",
    "김민준 (Kim Min-jun)",
    "山田　太郎",
    "محمد بن سلمان",
    "علی\u{200C}رضا",
    "שָׁלוֹם ג׳ורג׳",
    "राम",
    "श्री\u{200D}म",
    "ක්\u{200D}රිෂාන්ත",
    "สมชาย ใจดี",
    "བསྟན་འཛིན་རྒྱ་མཚོ",
    "ខេមរៈ",
    "မောင်မောင်",
    "Işıl İbrahim",
    "Ægir Þór",
    "Дем’ян",
    "ǃxóbõ",
    "X Æ A-12",
    "John \"Jack\" Smith",
    "Ulrich „Uli“ Müller",
    "Ulrich „Uli“",
    "“Jack” Smith",
    "Иван «Ваня» Петров",
    "山田「タロ」太郎",
];

#[test]
fn names_from_around_the_world_are_stored_as_typed() {
    for name in NAMES {
        let kept: String = name.replace('\u{3000}', " ").nfc().collect();
        assert_eq!(parse(name).as_deref(), Ok(kept.as_str()), "{name:?}");
    }
    let long = "Wolfeschlegelsteinhausenbergerdorff-".repeat(4) + "Smith";
    assert_eq!(parse(&long).as_deref(), Ok(long.as_str()));
    assert_eq!(parse(&"가".repeat(150)).map(|name| name.len()), Ok(450));
}

#[test]
fn name_is_stored_in_nfc_with_single_spaces() {
    assert_eq!(parse("  Kim   Min\u{A0}Jun ").as_deref(), Ok("Kim Min Jun"));
    assert_eq!(parse("홍길동\n").as_deref(), Ok("홍길동"));
    assert_eq!(parse("Jose\u{301}").as_deref(), Ok("José"));
    // Direction marks and joiners without effect.
    assert_eq!(parse("\u{200F}محمد\u{200E}").as_deref(), Ok("محمد"));
    assert_eq!(parse("Jo\u{200D}hn علی\u{200C} رضا").as_deref(), Ok("John علی رضا"));
}

const INVALID_NAMES: &[(&str, &str)] = &[
    ("", "empty"),
    (" \t\n", "empty"),
    ("42", "invalid_character"),
    ("John <b>", "invalid_character"),
    ("<script>alert(1)</script>", "invalid_character"),
    ("a\u{202E}b", "invalid_character"),
    ("a\u{2066}b", "invalid_character"),
    ("ad\u{200B}min", "invalid_character"),
    ("Kim\nMin Jun", "invalid_character"),
    ("Kim\r\nBcc: x", "invalid_character"),
    ("Kim\tMin", "invalid_character"),
    ("Kim\u{2028}Min", "invalid_character"),
    ("a\0b", "invalid_character"),
    ("a\u{7F}b", "invalid_character"),
    ("\u{3164}\u{3164}", "invalid_character"),
    ("👩\u{200D}💻", "invalid_character"),
    ("Kim 👍", "invalid_character"),
    ("1\u{FE0F}\u{20E3}", "invalid_character"),
    ("A\u{FE0F}", "invalid_character"),
    ("A\u{E0100}", "invalid_character"),
    ("''", "invalid_character"),
    ("\"\"", "invalid_character"),
    ("„“", "invalid_character"),
    ("John \"evil.com\" Smith", "looks_like_link"),
    (". , -", "invalid_character"),
    ("-ab", "invalid_character"),
    ("ab-", "invalid_character"),
    ("ab/", "invalid_character"),
    ("a//b", "invalid_character"),
    ("a)b(", "invalid_character"),
    ("((a))", "invalid_character"),
    ("(a", "invalid_character"),
    ("\u{301}\u{301}", "invalid_character"),
    ("http://evil.example", "invalid_character"),
    ("a@example.com", "invalid_character"),
    ("{{name}}", "invalid_character"),
    ("$name", "invalid_character"),
    ("a;b", "invalid_character"),
    ("a\u{E000}b", "invalid_character"),
    ("evil.com", "looks_like_link"),
    ("Prize at EVIL.COM now", "looks_like_link"),
    ("evil.com/win", "looks_like_link"),
    ("evil．ｃｏｍ", "looks_like_link"),
    ("www.example", "looks_like_link"),
    ("evil.ru.", "looks_like_link"),
];

#[test]
fn invalid_names_are_rejected_with_a_reason() {
    for (text, reason) in INVALID_NAMES {
        assert_eq!(parse(text), Err(*reason), "{text:?}");
    }
    let stacked = format!("Z{}algo", "\u{301}\u{302}".repeat(20));
    assert_eq!(parse(&stacked), Err("invalid_character"));
    assert_eq!(parse(&"a".repeat(151)), Err("too_long"));
    assert_eq!(parse(&"a".repeat(1_000_000)), Err("too_long"));
}

#[test]
fn spellings_of_one_name_share_a_key() {
    let key = |text| PersonName::parse(text).unwrap().key();
    for (one, other) in [
        ("Kim Min Jun", "ＫＩＭ ＭＩＮＪＵＮ"),
        ("Kim Min-jun", "kim minjun"),
        ("D’Angelo", "d'angelo"),
        ("OʼBrien", "O`Brien"),
        ("O´Brien", "o＇brien"),
        ("‘t Hooft", "'T HOOFT"),
        ("Kaʻiulani", "Ka'iulani"),
        ("Jean‐Luc", "Jean–Luc"),
        ("Gal·la", "Gal•la"),
        ("Gaŀla", "Gal·la"),
        ("迪丽热巴·迪力木拉提", "迪丽热巴.迪力木拉提"),
        ("レオナルド・ディカプリオ", "ﾚｵﾅﾙﾄﾞ･ﾃﾞｨｶﾌﾟﾘｵ"),
        ("葛\u{E0100}城", "葛城"),
        ("علی\u{200C}رضا", "علیرضا"),
        ("Jose\u{301}", "JOSÉ"),
        ("Straße", "STRASSE"),
        ("Işıl İbrahim", "IŞIL IBRAHIM"),
        ("ΟΔΥΣΣΕΥΣ", "Οδυσσευς"),
        ("Martin Luther King, Jr.", "Martin Luther King Jr"),
        ("שלום ג׳ורג׳", "שלום ג'ורג'"),
    ] {
        assert_eq!(key(one), key(other), "{one:?} {other:?}");
    }
    for (one, other) in [("김민준", "김민주"), ("José", "Jose"), ("John Smith II", "John Smith III"), ("Ø", "O")]
    {
        assert_ne!(key(one), key(other), "{one:?} {other:?}");
    }
}

/// Names stored under an earlier rule, which accepted fewer names, stay valid.
#[test]
fn name_stored_under_an_earlier_rule_has_the_key_of_the_typed_name() {
    for (stored, typed) in [("علیرضا", "علی\u{200C}رضا"), ("Jean-Luc", "Jean\u{2010}Luc"), ("O’Neill", "O'Neill")]
    {
        assert_eq!(PersonName::from_stored(stored).key(), PersonName::parse(typed).unwrap().key());
    }
}

proptest! {
    #[test]
    fn parsing_is_idempotent(text in "\\PC{0,60}") {
        if let Ok(name) = PersonName::parse(&text) {
            prop_assert_eq!(PersonName::parse(name.as_str()), Ok(name));
        }
    }

    #[test]
    fn key_is_never_empty_and_length_is_bounded(text in "\\PC{0,60}") {
        if let Ok(name) = PersonName::parse(&text) {
            prop_assert!(!name.key().is_empty());
            prop_assert!(name.as_str().chars().count() <= 150 && name.as_str().len() <= 600);
        }
    }
}
