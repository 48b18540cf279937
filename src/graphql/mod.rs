//! The GraphQL API: types, inputs, result unions, and resolvers of a few lines. It translates and calls services, and
//! contains no business rules.
//!
//! A resolver parses strings into domain values (or returns `InvalidInput`), calls one service once, and maps the
//! outcome, an enum, to a member of its result union by an exhaustive `match`. A new outcome is therefore a compile
//! error here and a difference in `schema.graphql`.

pub mod context;
pub mod cookies;
mod enums;
mod faults;
mod input;
mod mutation;
pub mod outcomes;
mod pages;
mod problems;
mod query;
mod scalars;
mod subscription;
mod token_cookies;
mod types;

use async_graphql::{SDLExportOptions, Schema, SchemaBuilder};

pub use self::{context::Rooms, mutation::Mutation, query::Query, scalars::mistake, subscription::Subscription};

/// The schema type with its root types.
pub type ApiSchema = Schema<Query, Mutation, Subscription>;

/// A schema builder, without services and options.
pub fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription).register_output_type::<problems::Problem>()
}

/// The content of `schema.graphql`.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().include_specified_by().sorted_fields().sorted_arguments().sorted_enum_items();
    let sdl = builder().finish().sdl_with_options(options);
    // The exporter writes trailing spaces, which many editors would remove.
    let lines: Vec<_> = sdl.lines().map(str::trim_end).collect();
    let mut sdl = without_specified_directives(&lines.join("\n")).trim().to_owned();
    sdl.push('\n');
    sdl
}

/// Delimiter of a description.
const QUOTES: &str = "\"\"\"";

/// Removes the definitions of the directives that are part of the specification: tools know them, and some reject a
/// second definition.
fn without_specified_directives(sdl: &str) -> String {
    let mut kept = String::with_capacity(sdl.len());
    let mut lines = sdl.lines();
    while let Some(line) = lines.next() {
        // A description belongs to the next line.
        let mut block = vec![line];
        if line == QUOTES {
            block.extend(lines.by_ref().take_while(|line| *line != QUOTES));
            block.push(QUOTES);
            block.extend(lines.next());
        }
        if block.last().is_some_and(|line| !line.starts_with("directive @")) {
            block.iter().for_each(|line| {
                kept.push_str(line);
                kept.push('\n');
            });
        }
    }
    kept
}
