//! The variables that the program was started with: the environment's, and those of `.env` that it does not have.

use std::collections::BTreeMap;

/// Reads them.
///
/// # Errors
/// `.env` is there and can't be read.
pub fn read() -> Result<BTreeMap<String, String>, String> {
    let mut vars = BTreeMap::new();
    match dotenvy::dotenv_iter() {
        Ok(lines) => {
            for line in lines {
                let (name, value) = line.map_err(|error| match error {
                    // The error would quote the line, and with it perhaps a secret.
                    dotenvy::Error::LineParse(_, place) => {
                        format!(".env has a line that can't be read, near its character {place}")
                    }
                    _ => ".env can't be read".to_owned(),
                })?;
                vars.insert(name, value);
            }
        }
        Err(error) if error.not_found() => {}
        Err(_) => return Err(".env can't be read".to_owned()),
    }
    vars.extend(
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    Ok(vars)
}
