//! Text tables for the terminal.

/// Renders aligned columns with a header line. Columns that contain only numbers are right-aligned, others
/// left-aligned.
pub fn table(headers: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |row: &[String], column: usize| row.get(column).map_or("", String::as_str).to_owned();
    let widths: Vec<_> = (0..headers.len())
        .map(|column| {
            let cells = rows.iter().map(|row| cell(row, column).chars().count());
            cells.chain([headers[column].chars().count()]).max().unwrap_or_default()
        })
        .collect();
    let numbers: Vec<_> = (0..headers.len())
        .map(|column| {
            rows.iter().all(|row| cell(row, column).starts_with(|sign: char| sign.is_ascii_digit() || sign == '-'))
        })
        .collect();
    let line = |cells: &[String]| {
        let padded = (0..headers.len()).map(|column| {
            let (text, width) = (cell(cells, column), widths[column]);
            if numbers[column] { format!("{text:>width$}") } else { format!("{text:<width$}") }
        });
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let headers: Vec<_> = headers.iter().map(|head| (*head).to_owned()).collect();
    std::iter::once(headers.as_slice()).chain(rows.iter().map(Vec::as_slice)).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_left_aligned_and_numbers_right_aligned() {
        let rows = [["sms", "12", "-"], ["voice", "7", "50 %"]];
        let rows: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        let shown = table(&["channel", "sent", "verified"], &rows);
        assert_eq!(shown, "channel  sent  verified\nsms        12         -\nvoice       7      50 %\n");
    }

    #[test]
    fn table_without_rows_has_only_the_header() {
        assert_eq!(table(&["channel", "sent"], &[]), "channel  sent\n");
    }
}
