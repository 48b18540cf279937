//! The rows of one session as the server stores them, evaluated by the server's own rule.

use std::time::Duration;

use domain::session::rules::{RefreshDecision, SuccessorState, TokenState, decide_refresh};

use super::model::{Attacker, Expected, Model, Network, Op, Request, Token};

const GRACE: Duration = Duration::from_secs(10);
/// The time of an [`Op::Grace`].
pub const PAUSE: Duration = Duration::from_secs(11);

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    /// When, from where and for which token it was exchanged.
    used: Option<(usize, Network, Token)>,
    replaced: Option<usize>,
    repeated: bool,
}

#[derive(Clone, Debug)]
pub struct StoredRows {
    rows: Vec<Row>,
    seen: Token,
}

impl Default for StoredRows {
    fn default() -> Self {
        Self { rows: vec![Row::default()], seen: 0 }
    }
}

impl StoredRows {
    pub fn refresh(&mut self, request: &Request) -> Expected {
        match decide_refresh(self.presented(request.token, request.network, request.at), GRACE) {
            RefreshDecision::Wait(_) => Expected::Wait,
            RefreshDecision::ReuseDetected => Expected::Ended,
            RefreshDecision::Repeat => self.repeat(request),
            RefreshDecision::Exchange => self.issue(request),
            RefreshDecision::Replace => {
                let (_, _, successor) = self.rows[request.token].used.unwrap();
                self.rows[successor].replaced = Some(request.at);
                self.issue(request)
            }
        }
    }

    /// Records the effect of a token seen in use.
    pub fn record_use(&mut self, op: Op, model: &Model) {
        match op {
            Op::Use => self.seen = self.seen.max(model.owner.access),
            Op::AttackerUse => self.seen = self.seen.max(model.attacker.unwrap().access),
            _ => {}
        }
    }

    fn issue(&mut self, request: &Request) -> Expected {
        let next = self.rows.len();
        self.rows.push(Row::default());
        self.rows[request.token].used = Some((request.at, request.network, next));
        Expected::New
    }

    fn repeat(&mut self, request: &Request) -> Expected {
        let mut token = request.token;
        while let Some((_, _, successor)) = self.rows[token].used {
            if let RefreshDecision::Wait(_) = decide_refresh(self.presented(token, request.network, request.at), GRACE)
            {
                return Expected::Wait;
            }
            token = successor;
        }
        self.rows[token].repeated = true;
        Expected::Same(token)
    }

    fn presented(&self, token: Token, network: Network, now: usize) -> TokenState {
        let since = |at: usize| PAUSE * u32::try_from(now - at).unwrap();
        let row = &self.rows[token];
        match (row.used, row.replaced) {
            (Some((at, from, next)), _) => {
                let successor = match self.rows[next].used {
                    Some(_) => SuccessorState::Presented,
                    None if self.seen >= next => SuccessorState::Confirmed,
                    None => SuccessorState::Unconfirmed,
                };
                TokenState::Exchanged { since: since(at), same_network: from == network, successor }
            }
            (None, Some(at)) => TokenState::Replaced { since: since(at) },
            (None, None) => TokenState::Newest,
        }
    }

    /// An operation with the situation of its token.
    pub fn step(&self, op: Op, model: &Model) -> String {
        let token = match op {
            Op::Refresh | Op::Lost | Op::Held | Op::Copy => Some(model.owner.token),
            Op::AttackerRefresh => model.attacker.map(|attacker| attacker.token),
            Op::Use => Some(model.owner.access),
            Op::AttackerUse => model.attacker.map(|attacker| attacker.access),
            Op::Deliver => model.held.first().copied(),
            Op::DeliverNewest => model.held.last().copied(),
            Op::Grace | Op::Move => None,
        };
        let network = match (op, model.attacker_network) {
            (Op::AttackerRefresh, Attacker::Elsewhere) => Network::Attackers,
            (Op::AttackerRefresh, Attacker::AtHome) => Network::Home,
            _ => model.network,
        };
        let situation = token.map(|token| self.situation(token, network, model.at)).unwrap_or_default();
        let kind = match op {
            Op::Lost | Op::Held => Op::Refresh,
            Op::DeliverNewest => Op::Deliver,
            other => other,
        };
        format!("{kind:?} {situation}")
    }

    /// The state of a token that determines the result for this network, with its successors within the grace period.
    fn situation(&self, token: Token, network: Network, now: usize) -> String {
        let row = &self.rows[token];
        let own = match self.presented(token, network, now) {
            TokenState::Newest => "newest".to_owned(),
            TokenState::Replaced { since } => format!("replaced, late: {}", since > GRACE),
            TokenState::Exchanged { since, successor, .. } if since > GRACE => format!("late, {successor:?}"),
            TokenState::Exchanged { same_network, successor, .. } => {
                let next = row.used.map(|(_, _, next)| self.situation(next, network, now)).unwrap_or_default();
                format!("{same_network} {successor:?} > {next}")
            }
        };
        let successor_is_repeated = row.used.is_some_and(|(_, _, next)| self.rows[next].repeated);
        format!("{own} {} {successor_is_repeated}", row.repeated)
    }
}
