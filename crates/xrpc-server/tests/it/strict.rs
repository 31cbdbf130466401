//! What is refused because two readers might read it in two ways.

use crate::bodies::uploads;
use crate::methods::service;
use crate::support::{Server, answer, error, error_with};

#[tokio::test]
async fn json_in_another_charset_is_told_what_to_send() {
    let server = Server::start(service().into_router()).await;
    let put = async |content_type: &str| {
        let request = server
            .post("dev.test.put")
            .header("content-type", content_type);
        answer(request.body(r#"{"title":"a"}"#.to_owned())).await
    };
    let latin = "application/json; charset=iso-8859-1";
    let message = format!(
        "Content-Type \"{latin}\" names a charset that is not understood; send JSON in UTF-8 and \
         leave the charset out"
    );
    assert_eq!(
        put(latin).await,
        error(415, "UnsupportedMediaType", &message)
    );
    for fine in [
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
    ] {
        let put = put(fine).await;
        assert!(put.starts_with("200\n"), "{put}");
    }
}

#[tokio::test]
async fn two_content_types_or_authorizations_are_refused() {
    let server = Server::start(service().into_router()).await;
    for (name, title, values) in [
        (
            "content-type",
            "Content-Type",
            ["application/json", "application/json"],
        ),
        ("authorization", "Authorization", ["Bearer a", "Bearer b"]),
    ] {
        let request = server.post_json("dev.test.put", r#"{"title":"a"}"#);
        let request = values
            .iter()
            .fold(request, |it, value| it.header(name, *value));
        let message = format!("{title} is sent more than once; send it once");
        assert_eq!(
            answer(request).await,
            error(400, "InvalidRequest", &message)
        );
    }
}

#[tokio::test]
async fn the_content_type_must_fit() {
    let server = Server::start(uploads().into_router()).await;
    let json = r#"{"title":"a"}"#;
    assert_eq!(
        answer(server.post("dev.test.put").body(json)).await,
        error(
            400,
            "InvalidRequest",
            "Content-Type is missing; this method takes application/json"
        )
    );
    assert_eq!(
        answer(
            server
                .post("dev.test.put")
                .header("content-type", "text/plain")
                .body(json)
        )
        .await,
        error(
            400,
            "InvalidRequest",
            "Content-Type \"text/plain\" does not fit; this method takes application/json"
        )
    );
    let charset = "Application/JSON; charset=utf-8";
    let put = server
        .post("dev.test.put")
        .header("content-type", charset)
        .body(json);
    assert!(answer(put).await.starts_with("200\n"));
    let touch = server.post("dev.test.touch").body("x");
    assert_eq!(
        answer(touch).await,
        error_with(
            400,
            &["connection: close"],
            "InvalidRequest",
            "this method takes no body"
        )
    );
}
