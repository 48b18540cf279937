//! The entities, and their mapping to the types that the other crates use. `migration` defines the tables; a test selects
//! each entity from a migrated database.

pub mod account;
pub mod audit;
pub mod contact_change;
pub mod contact_usage;
pub mod delivery;
pub mod delivery_attempt;
pub mod device;
pub mod lease;
pub mod lockout;
pub mod notice_usage;
pub mod password_census;
pub mod process_keys;
pub mod proof;
pub mod provider_verification;
pub mod refresh_token;
pub mod revocation;
pub mod session;
pub mod verification;

use super::text::Text;
use platform::fault::Fault;

/// The type of a column, and the type of the same field outside this crate.
trait Stored<T> {
    fn from_field(field: T) -> Self;
    fn into_field(self) -> T;
}

impl<T> Stored<T> for T {
    fn from_field(field: T) -> Self {
        field
    }

    fn into_field(self) -> T {
        self
    }
}

impl<T> Stored<T> for Text<T> {
    fn from_field(field: T) -> Self {
        Self(field)
    }

    fn into_field(self) -> T {
        self.0
    }
}

impl<T> Stored<Option<T>> for Option<Text<T>> {
    fn from_field(field: Option<T>) -> Self {
        field.map(Text)
    }

    fn into_field(self) -> Option<T> {
        self.map(|text| text.0)
    }
}

/// Maps a row to a type of another crate, and values of that type to rows to insert. Both have the listed fields.
macro_rules! map_row {
    (Model => $type:ident { $($field:ident),+ $(,)? }) => {
        impl From<Model> for $type {
            fn from(row: Model) -> Self {
                let Model { $($field),+ } = row;
                Self { $($field: $crate::entity::Stored::into_field($field)),+ }
            }
        }

        impl sea_orm::IntoActiveModel<ActiveModel> for $type {
            fn into_active_model(self) -> ActiveModel {
                let Self { $($field),+ } = self;
                ActiveModel { $($field: sea_orm::ActiveValue::Set($crate::entity::Stored::from_field($field))),+ }
            }
        }
    };
}

use map_row;

/// Rows as the type that they map to.
pub(crate) trait Mapped<T> {
    fn mapped(self) -> T;
}

impl<M, T: From<M>> Mapped<Option<T>> for Option<M> {
    fn mapped(self) -> Option<T> {
        self.map(T::from)
    }
}

impl<M, T: From<M>> Mapped<Vec<T>> for Vec<M> {
    fn mapped(self) -> Vec<T> {
        self.into_iter().map(T::from).collect()
    }
}

impl<M: Mapped<T>, T> Mapped<Result<T, Fault>> for Result<M, Fault> {
    fn mapped(self) -> Result<T, Fault> {
        self.map(Mapped::mapped)
    }
}
