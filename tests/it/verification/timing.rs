//! EN-03: response times do not distinguish a known contact from an unknown one.

use std::time::Instant;

use serde_json::json;

use crate::support::{
    Account, Setup,
    statistics::{auc, shuffled},
};

const SAMPLES: usize = 300;

/// Three hundred samples of each kind, one per account, in random order, so that drift affects both kinds alike. The
/// standard deviation of the statistic is then 0.024. The required bound of 0.10 is four of these, so chance fails this
/// test about once in ten thousand runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_contact_takes_as_long_as_a_known_one() {
    let app = Setup::new()
        .await
        .with("CLIENT_SENDS_PER_MINUTE", "unlimited")
        .with("PUMPING_MIN_SENDS", "unlimited")
        .start()
        .await;
    let known = |n: usize| format!("+82103333{n:04}");
    let unknown = |n: usize| format!("+82104444{n:04}");
    app.insert_accounts((0..SAMPLES).map(|n| Account::with_phone(&known(n)))).await;
    let client = app.anonymous();
    let order = shuffled((0..SAMPLES).flat_map(|n| [(true, n), (false, n)]));
    let (mut real, mut decoy) = (Vec::new(), Vec::new());
    for (is_known, n) in order {
        let phone = if is_known { known(n) } else { unknown(n) };
        let identity = json!({ "identity": { "name": "홍길동", "birthDate": "1990-03-14", "phone": phone } });
        let started = Instant::now();
        let sent = client.request_password_reset(identity).await;
        let took = started.elapsed().as_secs_f64();
        assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{sent:#}");
        if is_known { &mut real } else { &mut decoy }.push(took);
    }
    let auc = auc(&real, &decoy);
    assert!((auc - 0.5).abs() <= 0.10, "AUC {auc:.3}: response times differ");
    app.stop().await;
}
