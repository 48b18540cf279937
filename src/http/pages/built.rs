//! The files of the web build: where they are found, their URLs, and their content security policies.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use axum::{http::StatusCode, response::Response};
use bytes::Bytes;

use super::page;
use graphql_http::{Code, Media, Refusal, http_response};

/// Policy for GraphiQL: its editor writes styles at run time and embeds fonts in its style sheet. Scripts and workers
/// are only loaded from this origin, and nothing from other origins.
const EDITOR: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; worker-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Policy for the demo: stricter, with Trusted Types.
const DEMO: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

/// For files whose names contain a hash of their content.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// A file of the build.
pub struct File {
    /// Path below the root, such as `demo/assets/index-1.js`.
    path: String,
    content: Content,
}

enum Content {
    /// Read for each request, so that a new build is served at once.
    OnDisk(PathBuf),
    #[cfg(feature = "embed-web")]
    Embedded(&'static [u8]),
}

/// All files of the build, found once at startup, so that requests can't name any other file. None if there is no
/// build.
///
/// # Errors
/// A message for the operator if the folder exists and can't be read.
pub fn find(folder: &Path) -> Result<Option<Vec<File>>, String> {
    if folder.join("index.html").is_file() {
        let files = on_disk(folder);
        return files.map(Some).map_err(|error| format!("WEB_DIST: can't read {}: {error}", folder.display()));
    }
    Ok(embedded())
}

#[cfg(feature = "embed-web")]
fn embedded() -> Option<Vec<File>> {
    let files = super::embedded::files();
    Some(files.map(|(path, content)| File { path, content: Content::Embedded(content) }).collect())
}

#[cfg(not(feature = "embed-web"))]
fn embedded() -> Option<Vec<File>> {
    None
}

fn on_disk(root: &Path) -> io::Result<Vec<File>> {
    let (mut found, mut folders) = (Vec::new(), vec![(String::new(), root.to_owned())]);
    while let Some((prefix, folder)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (kind, on_disk) = (entry.file_type()?, entry.path());
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            if kind.is_dir() {
                folders.push((format!("{prefix}{name}/"), on_disk));
            } else if kind.is_file() {
                found.push(File { path: format!("{prefix}{name}"), content: Content::OnDisk(on_disk) });
            }
        }
    }
    Ok(found)
}

impl File {
    /// The URL paths of the file; folders serve their index. None for hidden files, and for names with braces, which
    /// have a meaning in routes.
    pub fn addresses(&self) -> Vec<String> {
        let mut parts = self.path.split('/');
        if parts.any(|part| part.starts_with('.') || part.contains(['{', '}'])) {
            return Vec::new();
        }
        match self.path.rsplit_once('/').unwrap_or(("", &self.path)) {
            ("", "index.html") => vec!["/".to_owned()],
            (folder, "index.html") => vec![format!("/{folder}"), format!("/{folder}/")],
            _ => vec![format!("/{}", self.path)],
        }
    }

    pub async fn response(&self) -> Response {
        let content = match &self.content {
            Content::OnDisk(path) => tokio::fs::read(path).await.map(Bytes::from),
            #[cfg(feature = "embed-web")]
            Content::Embedded(bytes) => Ok(Bytes::from_static(bytes)),
        };
        let Ok(content) = content else {
            let gone = Refusal::http(StatusCode::NOT_FOUND, Code::NotFound, "Not found.");
            return http_response::refusal(Media::Json, gone);
        };
        page(self.kind(), self.cache(), self.policy(), content)
    }

    fn kind(&self) -> &'static str {
        match self.path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => "text/html; charset=utf-8",
            Some("js" | "mjs") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("json" | "map") => "application/json",
            Some("webmanifest") => "application/manifest+json",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("ico") => "image/x-icon",
            Some("woff2") => "font/woff2",
            Some("ttf") => "font/ttf",
            Some("wasm") => "application/wasm",
            Some("txt") => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }

    fn cache(&self) -> &'static str {
        let mut folders = self.path.rsplit('/').skip(1);
        match self.path.ends_with(".html") {
            true => "no-store",
            false if folders.next() == Some("assets") => IMMUTABLE,
            false => "no-cache",
        }
    }

    /// A worker is subject to the policy of its own file, not to that of its page, so every file has one.
    fn policy(&self) -> &'static str {
        if self.path.starts_with("demo/") { DEMO } else { EDITOR }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    fn built(names: &[&str]) -> (tempfile::TempDir, Vec<File>) {
        let root = tempfile::tempdir().unwrap();
        for name in names {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, *name).unwrap();
        }
        let files = find(root.path()).unwrap().unwrap();
        (root, files)
    }

    #[test]
    fn files_have_one_address_and_folders_serve_their_index() {
        let (_root, files) =
            built(&["index.html", "demo/index.html", "demo/assets/a-1.js", ".hidden", ".git/x", "a{b}.js"]);
        let mut addresses: Vec<_> = files.iter().flat_map(File::addresses).collect();
        addresses.sort();
        assert_eq!(addresses, ["/", "/demo", "/demo/", "/demo/assets/a-1.js"]);
    }

    #[tokio::test]
    async fn pages_are_not_cached_and_hashed_files_are() {
        let (_root, files) = built(&["index.html", "icon.svg", "assets/a-1.js", "demo/assets/b-2.css"]);
        for (path, kind, cache) in [
            ("index.html", "text/html; charset=utf-8", "no-store"),
            ("icon.svg", "image/svg+xml", "no-cache"),
            ("assets/a-1.js", "text/javascript; charset=utf-8", IMMUTABLE),
            ("demo/assets/b-2.css", "text/css; charset=utf-8", IMMUTABLE),
        ] {
            let response = files.iter().find(|file| file.path == path).unwrap().response().await;
            let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            assert_eq!(header(header::CONTENT_TYPE), kind, "{path}");
            assert_eq!(header(header::CACHE_CONTROL), cache, "{path}");
            let trusted = header(header::CONTENT_SECURITY_POLICY).contains("require-trusted-types-for 'script'");
            assert_eq!(trusted, path.starts_with("demo/"), "{path}");
        }
    }

    #[tokio::test]
    async fn removed_file_is_not_found() {
        let (root, files) = built(&["index.html"]);
        fs::remove_file(root.path().join("index.html")).unwrap();
        assert_eq!(files[0].response().await.status(), StatusCode::NOT_FOUND);
    }
}
