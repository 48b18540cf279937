//! The expected behaviour, from the text of the requirement:
//!
//! > A successor is confirmed once its refresh token was presented or its access token was seen by this service. Within
//! > the grace of the rotation, from the same client network: the same successor again. After it: unconfirmed, a new
//! > successor replaces it; confirmed, or itself replaced, or two steps old: the family is ended.
//!
//! and the decisions beyond it: another network has to wait for the end of the grace period, and so does a token that
//! was replaced within it; of two steps within the grace period the newest token is returned.

/// The operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// A tab of the owner refreshes, and the response arrives.
    Refresh,
    /// The same, and the response is lost.
    Lost,
    /// The same, and the response is still in flight: another tab may be faster.
    Held,
    /// The oldest response in flight arrives.
    Deliver,
    /// The newest response in flight arrives before an older one.
    DeliverNewest,
    /// The owner's page uses its access token with the service.
    Use,
    /// An attacker copies the owner's tokens.
    Copy,
    /// The attacker refreshes.
    AttackerRefresh,
    /// The attacker uses the access token.
    AttackerUse,
    /// Every grace period ends.
    Grace,
    /// The owner changes networks.
    Move,
}

impl Op {
    pub const ALL: [Op; 11] = [
        Op::Refresh,
        Op::Lost,
        Op::Held,
        Op::Deliver,
        Op::DeliverNewest,
        Op::Use,
        Op::Copy,
        Op::AttackerRefresh,
        Op::AttackerUse,
        Op::Grace,
        Op::Move,
    ];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Network {
    Home,
    Mobile,
    Attackers,
}

/// The attacker's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attacker {
    Elsewhere,
    AtHome,
}

/// The number of a token in the order of issue, starting at 0.
pub type Token = usize;

/// A refresh with a refresh token.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub token: Token,
    pub network: Network,
    /// The number of grace periods that have passed.
    pub at: usize,
}

/// The required result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    New,
    Same(Token),
    Wait,
    Ended,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Presented(Token),
    Issued { token: Token, to: Request },
    RecordedRequest(Token),
}

/// A client's tokens: the refresh token that it presents, and the access token that its pages use.
#[derive(Clone, Copy, Debug)]
pub struct Store {
    /// The newest token that it received.
    pub token: Token,
    pub access: Token,
}

impl Store {
    fn take(&mut self, token: Token) {
        self.token = self.token.max(token);
        self.access = token;
    }
}

#[derive(Clone, Debug)]
pub struct Model {
    history: Vec<Event>,
    pub owner: Store,
    pub attacker: Option<Store>,
    pub attacker_network: Attacker,
    pub held: Vec<Token>,
    pub at: usize,
    pub network: Network,
    pub ended: bool,
    pub attacker_presented: bool,
    /// A client received the late response to a request that it had given up, and has not received the response to the
    /// next one.
    pub overtaken: bool,
    /// The last result.
    pub answered: Option<Expected>,
}

impl Model {
    pub fn new(attacker_network: Attacker) -> Self {
        Self {
            history: Vec::new(),
            owner: Store { token: 0, access: 0 },
            attacker: None,
            attacker_network,
            held: Vec::new(),
            at: 0,
            network: Network::Home,
            ended: false,
            attacker_presented: false,
            overtaken: false,
            answered: None,
        }
    }

    /// Whether an operation can have an effect here.
    pub fn changes(&self, op: Op, before: Option<Op>) -> bool {
        let unseen = |store: Store| store.access > 0 && !self.seen(store.access);
        match op {
            Op::Refresh | Op::Lost | Op::Held => true,
            Op::Deliver => !self.held.is_empty(),
            Op::DeliverNewest => self.held.len() > 1,
            Op::Use => unseen(self.owner),
            Op::Copy => self.attacker.is_none(),
            Op::AttackerRefresh => self.attacker.is_some(),
            Op::AttackerUse => self.attacker.is_some_and(unseen),
            Op::Grace | Op::Move => before.is_some_and(|before| before != op),
        }
    }

    /// The request of an operation.
    pub fn request(&self, op: Op) -> Option<Request> {
        let (store, network) = match op {
            Op::Refresh | Op::Lost | Op::Held => (self.owner, self.network),
            Op::AttackerRefresh => match self.attacker_network {
                Attacker::Elsewhere => (self.attacker?, Network::Attackers),
                Attacker::AtHome => (self.attacker?, Network::Home),
            },
            _ => return None,
        };
        Some(Request { token: store.token, network, at: self.at })
    }

    pub fn expected(&self, request: &Request) -> Expected {
        let Some((issued, rotation)) = self.last_issued_to(request.token) else {
            return match self.replaced_at(request.token) {
                None => Expected::New,
                Some(at) if at == request.at => Expected::Wait,
                Some(_) => Expected::Ended,
            };
        };
        if rotation.at < request.at {
            return if self.confirmed(issued) { Expected::Ended } else { Expected::New };
        }
        let mut newest = (issued, rotation);
        loop {
            if newest.1.network != request.network {
                return Expected::Wait;
            }
            match self.last_issued_to(newest.0) {
                Some(later) => newest = later,
                None => return Expected::Same(newest.0),
            }
        }
    }

    /// Records a result, and delivers it if the response arrives.
    pub fn respond(&mut self, op: Op, request: &Request, answered: Expected) {
        self.history.push(Event::Presented(request.token));
        self.answered = Some(answered);
        self.attacker_presented |= op == Op::AttackerRefresh;
        let token = match answered {
            Expected::New => {
                let token = self.history.iter().filter(|event| matches!(event, Event::Issued { .. })).count() + 1;
                self.history.push(Event::Issued { token, to: *request });
                token
            }
            Expected::Same(token) => token,
            Expected::Wait => return,
            Expected::Ended => {
                self.ended = true;
                return;
            }
        };
        match (op, &mut self.attacker) {
            (Op::Refresh, _) => self.owner.take(token),
            (Op::Held, _) => self.held.push(token),
            (Op::AttackerRefresh, Some(attacker)) => attacker.take(token),
            _ => {}
        }
    }

    /// Executes an operation without a request.
    pub fn apply(&mut self, op: Op) {
        match op {
            Op::Deliver => {
                let token = self.held.remove(0);
                self.deliver(token);
            }
            Op::DeliverNewest => {
                let token = self.held.pop().unwrap();
                self.deliver(token);
            }
            Op::Use => self.history.push(Event::RecordedRequest(self.owner.access)),
            Op::AttackerUse => self.history.push(Event::RecordedRequest(self.attacker.unwrap().access)),
            Op::Copy => self.attacker = Some(self.owner),
            Op::Grace => self.at += 1,
            Op::Move => {
                self.network = if self.network == Network::Home { Network::Mobile } else { Network::Home };
            }
            Op::Refresh | Op::Lost | Op::Held | Op::AttackerRefresh => {}
        }
    }

    fn deliver(&mut self, token: Token) {
        self.owner.take(token);
        self.overtaken = self.replaced_at(self.owner.token).is_some();
    }

    /// The last token issued for this one, and its request.
    fn last_issued_to(&self, token: Token) -> Option<(Token, Request)> {
        self.history.iter().rev().find_map(|event| match event {
            Event::Issued { token: issued, to } if to.token == token => Some((*issued, *to)),
            _ => None,
        })
    }

    /// When this token was replaced by another one.
    fn replaced_at(&self, token: Token) -> Option<usize> {
        let parent = self.history.iter().find_map(|event| match event {
            Event::Issued { token: issued, to } if *issued == token => Some(to.token),
            _ => None,
        })?;
        self.history.iter().find_map(|event| match event {
            Event::Issued { token: issued, to } if to.token == parent && *issued > token => Some(to.at),
            _ => None,
        })
    }

    fn confirmed(&self, token: Token) -> bool {
        self.seen(token) || self.history.iter().any(|event| matches!(event, Event::Presented(shown) if *shown == token))
    }

    fn seen(&self, token: Token) -> bool {
        self.history.iter().any(|event| matches!(event, Event::RecordedRequest(seen) if *seen == token))
    }
}
