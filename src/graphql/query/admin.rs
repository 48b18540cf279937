//! Queries of administrators.

use crate::graphql::errors::Result;
use async_graphql::{Context, Object};

use crate::{
    account::report,
    graphql::{
        context::{RequestContext, administrator},
        pages::{Connection, DEFAULT_PAGE_SIZE, bad_request, connection, page_request},
        scalars::DateTime,
        types::{AccountStatus, ReportBucket, User, VerificationReportRow},
    },
};
use platform::texts::Arg;
use store::RowPosition;

#[derive(Default)]
pub struct AdminQuery;

#[Object]
impl AdminQuery {
    /// Administrators only. Accounts, newest first.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only accounts with this status.")] status: Option<AccountStatus>,
        #[graphql(desc = "Part of a username, nickname, name, phone number or e-mail address.")] search: Option<String>,
        #[graphql(
            desc = "Page size. At most 100; larger values are reduced to 100.",
            default_with = "Some(DEFAULT_PAGE_SIZE)"
        )]
        first: Option<i32>,
        #[graphql(desc = "Cursor of the last item of the previous page.")] after: Option<String>,
    ) -> Result<Connection<User>> {
        administrator(ctx).await?;
        let page_request = page_request(ctx, first, after.as_deref())?;
        let page = ctx.services().accounts.users(status.map(Into::into), search.as_deref(), &page_request).await?;
        Ok(connection(
            page,
            &page_request,
            |row| RowPosition { at: row.created_at, id: row.id.as_str().to_owned() },
            |row| User::new(row, None),
        ))
    }

    /// Administrators only. The verification funnel of a period, by purpose and channel, oldest first. The period is
    /// limited to one year with daily buckets and one month with hourly buckets.
    async fn verification_report(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Start of the period, inclusive.")] from: DateTime,
        #[graphql(desc = "End of the period, exclusive.")] to: DateTime,
        #[graphql(desc = "Time span of one row.", default_with = "ReportBucket::Day")] bucket: ReportBucket,
    ) -> Result<Vec<VerificationReportRow>> {
        administrator(ctx).await?;
        let (bucket, zone) = (bucket.into(), ctx.services().time_zone);
        if to.0 < from.0 {
            return Err(bad_request(ctx, "error-bad-request-period-backwards", &[]));
        }
        let longest = report::max_period(bucket);
        if to.0 - from.0 > longest {
            let most = [("most", Arg::Lifetime(longest.to_std().unwrap_or_default()))];
            return Err(bad_request(ctx, "error-bad-request-period-too-long", &most));
        }
        let rows = ctx.services().accounts.verification_report(from.0, to.0, bucket, zone).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
