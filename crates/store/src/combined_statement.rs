//! PostgreSQL statements that write several tables at once, with CTEs that read the rows returned by earlier ones.
//!
//! Each is a transaction in itself, in one round trip. SQLite does not support data-modifying CTEs and needs no round
//! trips: there the same rows are written by separate statements.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, Iterable, Value,
    sea_query::{CommonTableExpression, Expr, InsertStatement, IntoCondition, Query, SubQueryStatement},
};

use platform::fault::Fault;

/// A named CTE.
pub(super) fn cte(name: &'static str, statement: impl Into<SubQueryStatement>) -> CommonTableExpression {
    CommonTableExpression::new().table_name(name).query(statement.into()).to_owned()
}

/// The values of a row, in the order in which [`insert_for_each`] binds them.
pub(super) fn bound_values<E: EntityTrait>(mut row: E::ActiveModel) -> impl Iterator<Item = Value> {
    E::Column::iter().filter_map(move |column| row.take(column).into_value())
}

/// Inserts `row` once for each row of the CTE `from` that meets `only`.
pub(super) fn insert_for_each<E: EntityTrait>(
    from: &'static str,
    only: impl IntoCondition,
    mut row: E::ActiveModel,
) -> Result<InsertStatement, Fault> {
    let given = E::Column::iter().filter_map(|column| Some((column, row.take(column).into_value()?)));
    let (columns, values): (Vec<_>, Vec<_>) =
        given.map(|(column, value)| (column, column.save_as(Expr::val(value)))).unzip();
    let row = Query::select().exprs(values).from(from).cond_where(only).to_owned();
    let mut insert = Query::insert();
    insert.into_table(E::default()).columns(columns);
    let inserted = insert.select_from(row).map(|insert| insert.to_owned());
    inserted.map_err(|error| Fault::internal(format!("a row can't be inserted: {error}")))
}
