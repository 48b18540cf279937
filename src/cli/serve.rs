//! `serve` and `migrate`.

use std::time::Duration;

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use super::vars::Source;
use crate::{
    app::{App, Settings, World},
    store::{Migrating, Store},
    telemetry::{self, FLUSH},
    vitals::Vitals,
};

/// Serves until SIGTERM or Ctrl-C, then stops gracefully; a second signal stops at once.
pub async fn serve(settings: Settings, source: Source) -> Result<(), String> {
    let log = telemetry::logs::start(&settings.config.telemetry)?;
    tracing::info!("{}", source.says());
    for warning in source.warning().iter().chain(&settings.warnings) {
        tracing::warn!("{warning}");
    }
    for target in &settings.config.telemetry.unknown_targets {
        tracing::warn!("LOG: there is no target {target}: nothing is logged under it");
    }
    let served = serve_logged(settings).await;
    log.flush(FLUSH);
    served
}

async fn serve_logged(settings: Settings) -> Result<(), String> {
    let collector = telemetry::traces::start(&settings.config.telemetry.traces)?;
    let listen = settings.config.http.listen;
    let listener =
        TcpListener::bind(listen).await.map_err(|error| format!("LISTEN_ADDR: can't listen on {listen}: {error}"))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| format!("can't wait for signals: {error}"))?;
    let grace = settings.config.http.shutdown_grace;
    let app = App::start(settings, World::real(), listener).await?;
    app.announce();
    let fell = tokio::select! {
        _ = terminate.recv() => false,
        _ = tokio::signal::ctrl_c() => false,
        () = app.fallen() => true,
    };
    tracing::info!("stopping: no new work, {}s for what is under way", grace.as_secs());
    let stopped = async {
        app.stop().await;
        if let Some(collector) = collector {
            collector.stop().await;
        }
    };
    tokio::select! {
        () = stopped => match fell {
            true => Err("stopped, since a part of the program panicked".to_owned()),
            false => Ok(()),
        },
        () = tokio::time::sleep(grace + Duration::from_secs(3)) => Err("could not stop in time".to_owned()),
        _ = terminate.recv() => Err("stopped at once".to_owned()),
        _ = tokio::signal::ctrl_c() => Err("stopped at once".to_owned()),
    }
}

/// Applies what is pending.
pub async fn migrate(settings: Settings) -> Result<(), String> {
    let cannot = |fault: crate::fault::Fault| fault.words();
    let store = Store::open(&settings.config.store, &Vitals::default()).await.map_err(cannot)?;
    let applied = store
        .migrate_telling(|Migrating { name, number, of }| println!("{number}/{of} {name} ..."))
        .await
        .map_err(cannot)?;
    store.close().await;
    match applied {
        0 => println!("Nothing was pending."),
        1 => println!("Applied 1 migration."),
        applied => println!("Applied {applied} migrations."),
    }
    Ok(())
}
