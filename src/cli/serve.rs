//! `serve` and `migrate`.

use std::{
    fs::{File, TryLockError},
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};

use super::{descriptors, log_targets, vars::Source};
use crate::app::{self, App, Settings, World, listen};
use platform::{
    config,
    telemetry::{self, FLUSH},
};
use store::MigrationProgress;

/// Serves until SIGTERM or Ctrl-C, then stops gracefully; a second signal stops at once.
pub async fn serve(settings: Settings, source: Source) -> Result<(), String> {
    let log = telemetry::logs::start(&settings.config.telemetry)?;
    tracing::info!("{}", source.description());
    for warning in source.warning().iter().chain(&settings.warnings) {
        tracing::warn!("{warning}");
    }
    descriptors::raise_limit(&settings.config);
    if let Some(warning) = descriptors::warning(&settings.config) {
        tracing::warn!("{warning}");
    }
    for target in log_targets::unknown(&settings.config.telemetry.filter) {
        tracing::warn!("LOG: the target {target} does not exist, so it has no effect");
    }
    let served = serve_logged(settings).await;
    log.flush(FLUSH);
    served
}

async fn serve_logged(settings: Settings) -> Result<(), String> {
    let collector = telemetry::traces::start(&settings.config.telemetry.traces)?;
    let _lock = lock_data_dir(&settings.config.store)?;
    let listener = listen("LISTEN_ADDR", settings.config.http.listen).await?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| format!("can't wait for signals: {error}"))?;
    // SIGHUP of a closed terminal or of `systemctl reload` does not stop the program.
    let mut hangup = signal(SignalKind::hangup()).map_err(|error| format!("can't wait for signals: {error}"))?;
    let grace = settings.config.http.shutdown_grace;
    // During startup there are no requests to finish.
    let app = tokio::select! {
        started = App::start(settings, World::real(), listener) => started?,
        _ = terminate.recv() => return stopped_early(),
        _ = tokio::signal::ctrl_c() => return stopped_early(),
    };
    app.announce();
    let panicked = loop {
        tokio::select! {
            _ = terminate.recv() => break false,
            _ = tokio::signal::ctrl_c() => break false,
            () = app.fallen() => break true,
            _ = hangup.recv() => app.reload(),
        }
    };
    tracing::info!("shutting down: waiting up to {}s for requests in flight", grace.as_secs());
    let stopped = async {
        app.stop().await;
        if let Some(collector) = collector {
            collector.stop().await;
        }
    };
    tokio::select! {
        () = stopped => match panicked {
            true => Err("stopped because a task panicked".to_owned()),
            false => Ok(()),
        },
        () = tokio::time::sleep(grace + Duration::from_secs(3)) => Err("shutdown timed out".to_owned()),
        _ = terminate.recv() => Err("stopped immediately by a second signal".to_owned()),
        _ = tokio::signal::ctrl_c() => Err("stopped immediately by a second signal".to_owned()),
    }
}

/// Locks `DATA_DIR` for this process if the database is embedded: quotas and events are in memory, so only one process
/// may serve. The lock is held until the returned file is dropped or the process ends.
fn lock_data_dir(store: &config::Store) -> Result<Option<File>, String> {
    if !store.is_embedded() {
        return Ok(None);
    }
    let file = store.data_dir.join("lock");
    let cannot = |error: &dyn std::fmt::Display| {
        format!("DATA_DIR: can't lock {}: {error}: use a folder that this user may write to", file.display())
    };
    std::fs::create_dir_all(&store.data_dir).map_err(|error| cannot(&error))?;
    let lock = File::options().create(true).append(true).open(&file).map_err(|error| cannot(&error))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Err(format!(
            "DATA_DIR: another process is serving from {}: use a different folder for this one, or PostgreSQL and Redis \
             for both",
            store.data_dir.display()
        )),
        // A file system without locks: the operator must make sure that there is only one process.
        Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => Ok(None),
        Err(TryLockError::Error(error)) => Err(cannot(&error)),
    }
}

fn stopped_early() -> Result<(), String> {
    tracing::info!("stopped during startup");
    Ok(())
}

/// Applies pending migrations.
pub async fn migrate(settings: Settings) -> Result<(), String> {
    let cannot = |fault: platform::fault::Fault| fault.words();
    let store = app::database(&settings).await?;
    let applied = store
        .migrate_with_progress(|MigrationProgress { name, number, of }| say!("{number}/{of} {name} ..."))
        .await
        .map_err(cannot)?;
    store.close().await;
    match applied {
        0 => say!("No migrations were pending."),
        1 => say!("Applied 1 migration."),
        applied => say!("Applied {applied} migrations."),
    }
    Ok(())
}
