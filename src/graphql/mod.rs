//! The face: types, inputs, result unions, resolvers of a few lines. It translates and asks, and decides nothing.
//!
//! A resolver turns strings into values of the rooms below (or answers `InvalidInput`), asks one room once, and turns
//! the outcome, an enum, into a member of its result union by an exhaustive `match`: a new outcome below is a compile
//! error here and a difference in `schema.graphql`, never a forgotten string.

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

/// The schema with its roots.
pub type ApiSchema = Schema<Query, Mutation, Subscription>;

/// The schema, to be given its rooms and its switches.
pub fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription).register_output_type::<problems::Problem>()
}

/// The text of `schema.graphql`.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().include_specified_by().sorted_fields().sorted_arguments().sorted_enum_items();
    let sdl = builder().finish().sdl_with_options(options);
    // Trailing blanks are the exporter's own; without them editors leave the file alone.
    let lines: Vec<_> = sdl.lines().map(str::trim_end).collect();
    let mut sdl = without_specified_directives(&lines.join("\n")).trim().to_owned();
    sdl.push('\n');
    sdl
}

/// Around a description.
const QUOTES: &str = "\"\"\"";

/// Without the definitions of directives that the specification brings: tools know them, and some refuse them twice.
fn without_specified_directives(sdl: &str) -> String {
    let mut kept = String::with_capacity(sdl.len());
    let mut lines = sdl.lines();
    while let Some(line) = lines.next() {
        // A description belongs to the line that follows it.
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
