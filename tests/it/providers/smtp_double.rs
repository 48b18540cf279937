//! A scripted SMTP server.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// Replies 250, or the reply set for a command; `drop` closes the connection instead.
#[derive(Clone, Default)]
pub struct Server {
    replies: Arc<Mutex<BTreeMap<&'static str, &'static str>>>,
    received: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<usize>>,
    pause: Arc<Mutex<Option<(&'static str, Duration)>>>,
    accepted: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub async fn start() -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self::default();
        let serving = server.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *serving.connections.lock().unwrap() += 1;
                tokio::spawn(serving.clone().serve_connection(stream));
            }
        });
        (server, port)
    }

    /// Sets the reply to this command and removes all others.
    pub fn set_reply(&self, command: &'static str, reply: &'static str) {
        *self.replies.lock().unwrap() = BTreeMap::from([(command, reply)]);
    }

    /// Adds a reply to lines that start with `line`.
    pub fn add_reply(&self, line: &'static str, reply: &'static str) {
        self.replies.lock().unwrap().insert(line, reply);
    }

    /// Sets a delay before the reply to this command.
    pub fn set_delay(&self, command: &'static str, span: Duration) {
        *self.pause.lock().unwrap() = Some((command, span));
    }

    async fn pause(&self, command: &str) {
        let pause = *self.pause.lock().unwrap();
        if let Some((_, span)) = pause.filter(|(at, _)| *at == command) {
            tokio::time::sleep(span).await;
        }
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// The accepted recipients, in order.
    pub fn accepted_recipients(&self) -> Vec<String> {
        self.accepted.lock().unwrap().clone()
    }

    fn reply(&self, command: &str, otherwise: &'static str) -> &'static str {
        self.replies.lock().unwrap().get(command).copied().unwrap_or(otherwise)
    }

    fn recipient_reply(&self, line: &str) -> &'static str {
        let replies = self.replies.lock().unwrap();
        let scripted = replies.iter().find(|(begin, _)| !begin.is_empty() && line.starts_with(**begin));
        scripted.map_or("250 2.1.0 good", |(_, reply)| reply)
    }

    async fn serve_connection(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let write = async |stream: &mut BufReader<TcpStream>, reply: &str| {
            if reply == "drop" {
                return false;
            }
            stream.write_all(format!("{reply}\r\n").as_bytes()).await.is_ok()
        };
        self.pause("CONNECT").await;
        if !write(&mut stream, self.reply("CONNECT", "220 double")).await {
            return;
        }
        let mut in_message = false;
        let mut recipient = String::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            self.received.lock().unwrap().push(line.trim_end().to_owned());
            let reply = match line.split([' ', ':', '\r']).next().unwrap_or_default() {
                "." if in_message => {
                    in_message = false;
                    self.accepted.lock().unwrap().push(std::mem::take(&mut recipient));
                    self.reply("END", "250 2.0.0 queued")
                }
                _ if in_message => continue,
                "EHLO" => self.reply("EHLO", "250-double\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN"),
                "DATA" => {
                    let reply = self.reply("DATA", "354 go on");
                    in_message = reply.starts_with('3');
                    reply
                }
                "AUTH" => self.reply("AUTH", "235 2.7.0 welcome"),
                "QUIT" => "221 bye",
                "RCPT" => {
                    recipient = line.trim_start_matches("RCPT TO:<").trim_end().trim_end_matches('>').to_owned();
                    self.recipient_reply(&line)
                }
                command @ ("MAIL" | "RSET" | "NOOP") => self.reply(command, "250 2.1.0 good"),
                _ => "500 5.5.1 what?",
            };
            let command = line.split([' ', ':', '\r']).next().unwrap_or_default();
            self.pause(if command == "." { "END" } else { command }).await;
            if !write(&mut stream, reply).await {
                return;
            }
        }
    }

    pub fn transcript(&self) -> String {
        std::mem::take(&mut *self.received.lock().unwrap()).join("\n")
    }
}
