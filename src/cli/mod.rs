//! The command line: serve, migrate, schema, admin, doctor, backup, keys, stats.

/// Like `println!`, but a closed pipe (`countersign doctor | head -1`) is not an error.
macro_rules! print_line {
    ($($text:tt)*) => {
        $crate::cli::out::line(format_args!($($text)*))
    };
}

mod admin;
mod backup;
mod descriptors;
mod doctor;
mod keys;
mod log_targets;
mod out;
mod serve;
mod stats;
mod table;
mod vars;

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::mpsc,
};

use clap::{Parser, Subcommand};

use self::vars::{Source, Variables};
use crate::app::{self, Settings};
use platform::{config::Environment, telemetry};

/// Verification codes by SMS, voice and e-mail over GraphQL, with live status.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "Settings come from the environment and from .env: countersign serve --help lists them."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Check the configuration, print all errors and exit.
    #[arg(long, global = true)]
    check_config: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API. This is the default command.
    #[command(after_long_help = app::settings_help())]
    Serve,
    /// Apply pending database migrations.
    Migrate,
    /// Print the GraphQL schema.
    Schema,
    /// Check configuration and connectivity. Sends no messages and changes nothing.
    Doctor,
    /// Copy the embedded database into a new file while the server runs.
    Backup {
        /// The file to create; an existing file is never overwritten.
        file: std::path::PathBuf,
    },
    /// Show statistics of verifications and providers from the database.
    Stats(stats::Stats),
    /// List, generate and replace keys.
    Keys {
        #[command(subcommand)]
        command: keys::Command,
    },
    /// Manage accounts from the command line.
    Admin(admin::Arguments),
}

/// Runs the command of the arguments.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.command.unwrap_or(Command::Serve) {
        Command::Schema => {
            out::text(&crate::graphql::sdl());
            ExitCode::SUCCESS
        }
        Command::Keys { command: keys::Command::Make { files: false } } => {
            keys::print_new();
            ExitCode::SUCCESS
        }
        command => match settings(cli.check_config || matches!(command, Command::Serve | Command::Doctor)) {
            Err(refused) => refused,
            Ok((settings, source)) if cli.check_config => {
                for warning in settings.warnings.iter().chain(&settings.key_warnings) {
                    print_line!("warning: {warning}");
                }
                print_line!("The configuration is valid: {}.", source.description());
                warn(&source);
                ExitCode::SUCCESS
            }
            Ok((settings, source)) => block_on(command, settings, source),
        },
    }
}

fn block_on(command: Command, settings: Settings, source: Source) -> ExitCode {
    // `serve` writes it to the log.
    if !matches!(command, Command::Serve) {
        warn(&source);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return print_error(&format!("can't start: {error}")),
    };
    let result = runtime.block_on(async {
        match command {
            Command::Serve | Command::Schema => serve::serve(settings, source).await,
            Command::Migrate => serve::migrate(settings).await,
            Command::Doctor => doctor::run_checks(settings).await,
            Command::Backup { file } => backup::back_up(&settings.config.store, &file).await,
            Command::Stats(stats) => stats::show(&settings.config.store, &stats).await,
            Command::Keys { command } => keys::run(&settings, command).await,
            Command::Admin(arguments) => admin::run(settings, arguments).await,
        }
    });
    // Blocking tasks (a prompt, a DNS lookup) are not waited for.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result.map_or_else(|reason| print_error(&reason), |()| ExitCode::SUCCESS)
}

/// The settings and their source. Errors are printed, one per line. `serves`: also checks the files that only `serve`
/// needs.
fn settings(serves: bool) -> Result<(Settings, Source), ExitCode> {
    let Variables { vars, source } = vars::read().map_err(|reason| print_error(&reason))?;
    let read = Settings::from_vars(vars).and_then(|mut settings| {
        if serves {
            settings.check_tls().map_err(|refusal| vec![refusal])?;
        }
        Ok(settings)
    });
    let mut settings = match read {
        Ok(settings) => settings,
        Err(refusals) => {
            for refusal in refusals {
                eprintln!("{refusal}");
            }
            warn(&source);
            eprintln!("countersign: the configuration is invalid ({}); see .env.example", source.description());
            return Err(ExitCode::FAILURE);
        }
    };
    settings.warnings.extend(source.repeated());
    if let Some(vars::Exposed { what, is_ours }) = source.exposed() {
        if *is_ours && settings.config.http.environment == Environment::Production {
            return Err(print_error(&format!("{what}: run chmod 600 on it")));
        }
        settings.warnings.push(format!("{what}: run chmod 600 on the original file"));
    }
    Ok((settings, source))
}

fn warn(source: &Source) {
    if let Some(warning) = source.warning() {
        eprintln!("countersign: {warning}");
    }
}

/// Prints an error to standard error. The write may block if standard error is not read, so the program waits for it
/// for at most `telemetry::FLUSH`.
fn print_error(reason: &str) -> ExitCode {
    let line = format!("countersign: {reason}\n");
    let (written, wait) = mpsc::channel();
    std::thread::spawn(move || written.send(io::stderr().write_all(line.as_bytes())));
    let _ = wait.recv_timeout(telemetry::FLUSH);
    ExitCode::FAILURE
}

/// The error of a command that needs an embedded database which does not exist.
fn no_database(file: &Path) -> String {
    format!(
        "the database {} does not exist: run this in the folder of the service, or set DATA_DIR (or DATABASE_URL) as the \
         service does",
        std::path::absolute(file).as_deref().unwrap_or(file).display()
    )
}
