//! Fictional numbers.

/// Whether the number is in a range reserved by its regulator for films, books and examples (mobile ranges, where they
/// exist).
///
/// | region | range | source |
/// |---|---|---|
/// | North America | any area code, 555-0100 to 555-0199 | ATIS, *555 NXX Line Number Reference Document* |
/// | United Kingdom | 07700 900000 to 900999 | Ofcom, *Telephone numbers for drama use* |
/// | France | 06 39 98 00 00 to 06 39 98 99 99 | Arcep, decision 2018-0881 |
/// | Sweden | 070-174 06 05 to 070-174 06 99 | PTS, *Telefonnummer för användning i böcker och filmer* |
/// | Australia | 0491 570 156 to 0491 570 159 | ACMA, *Phone numbers for use in TV shows, films and creative works* |
/// | Korea | 010-0000-0000 to 010-1999-9999 | no range is reserved, but none of these is ever assigned: within the mobile network the 010 may be omitted, and the remaining digits would be a service number (112) or a prefix (070) |
pub fn is_fictional(country_code: u16, national: &str) -> bool {
    match country_code {
        1 => national.len() == 10 && national[3..].starts_with("55501"),
        33 => national.len() == 9 && national.starts_with("63998"),
        44 => national.len() == 10 && national.starts_with("7700900"),
        46 => national.len() == 9 && national.starts_with("7017406") && &national[7..] >= "05",
        61 => matches!(national, "491570156" | "491570157" | "491570158" | "491570159"),
        82 => national.len() == 10 && (national.starts_with("100") || national.starts_with("101")),
        _ => false,
    }
}
