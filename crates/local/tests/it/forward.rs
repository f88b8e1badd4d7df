//! What reaches another endpoint of a role's request: what was judged, and nothing else.

use local::{Config, Source};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::{ACCOUNT, Attempts, Endpoint, raw};

/// An endpoint that answers everything with `{}`, and the requests it got.
async fn behind() -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (heard, hears) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut got = vec![0; 65_536];
            // Requests of this size come in one piece or two.
            let mut length = stream.read(&mut got).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            length += stream.try_read(&mut got[length..]).unwrap_or(0);
            heard.send(String::from_utf8_lossy(&got[..length]).into_owned()).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").await.unwrap();
        }
    });
    (url, hears)
}

#[tokio::test]
async fn only_what_was_judged_is_passed_on() {
    let (url, mut hears) = behind().await;
    let endpoint = Endpoint::start(Config { source: Source::Endpoint(url), ..Config::default() }).await;
    let iam = endpoint.iam("eu-west-1", Attempts::One);
    let trust = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}}});
    iam.create_role().role_name("r").assume_role_policy_document(trust.to_string()).send().await.unwrap();
    let mine = format!("arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/mine");
    let policy = json!({"Statement": {"Effect": "Allow", "Action": ["dynamodb:Scan"], "Resource": mine}}).to_string();
    iam.put_role_policy().role_name("r").policy_name("p").policy_document(policy).send().await.unwrap();
    let assume = endpoint.sts("eu-west-1", Attempts::One).assume_role().role_session_name("test");
    let issued = assume.role_arn(format!("arn:aws:iam::{ACCOUNT}:role/r")).send().await.unwrap().credentials.unwrap();
    let (key, token) = (issued.access_key_id(), issued.session_token());
    let scope = format!("{key}/20260101/eu-west-1/dynamodb/aws4_request");
    let signed =
        format!("Authorization: AWS4-HMAC-SHA256 Credential={scope}, Signature=x\r\nX-Amz-Security-Token: {token}");
    let target = "X-Amz-Target: DynamoDB_20120810.Scan";
    let twice = r#"{"TableName":"theirs","TableName":"mine"}"#;

    let answer = raw(&endpoint, &format!("POST /?TableName=theirs HTTP/1.1\r\n{target}\r\n{signed}"), twice).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let escaped = scope.replace('/', "%2F");
    let query = format!("X-Amz-Credential={escaped}&X-Amz-Security-Token={token}&X-Amz-Signature=x");
    let answer = raw(&endpoint, &format!("POST /?{query} HTTP/1.1\r\n{target}\r\nX-Other: {token}"), twice).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    for _ in 0..2 {
        let got = hears.recv().await.unwrap();
        assert!(got.starts_with("POST / HTTP/1.1\r\n"), "{got}");
        assert!(got.ends_with("\r\n\r\n{\"TableName\":\"mine\"}"), "{got}");
        assert!(!got.contains(key) && !got.contains(token) && !got.contains("theirs"), "{got}");
        assert!(got.contains("Credential=local/20260102/eu-west-1/dynamodb/aws4_request"), "{got}");
    }

    let other = "X-Amz-Target: DynamoDB_20120810.DeleteTable";
    let account = "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/dynamodb/aws4_request";
    for head in [
        format!("POST / HTTP/1.1\r\n{target}\r\n{other}\r\n{signed}"),
        format!("POST / HTTP/1.1\r\n{target}\r\n{account}\r\n{signed}"),
        format!("POST /?{query} HTTP/1.1\r\n{target}\r\n{account}"),
        format!("POST /?X-Amz-Security-Token=x&X-Amz-Security-Token={token} HTTP/1.1\r\n{target}\r\n{account}"),
    ] {
        let answer = raw(&endpoint, &head, twice).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{head}: {answer}");
    }
    assert!(hears.try_recv().is_err(), "nothing of those was passed on");
}
