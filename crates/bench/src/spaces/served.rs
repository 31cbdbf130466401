//! What a whole server is asked for.

use serde_json::{Value, json};

use crate::delivery::xrpc::Served;

const CREATE_SPACE: &str = "com.atproto.simplespace.createSpace";
const CREATE: &str = "com.atproto.space.createRecord";
const APPLY: &str = "com.atproto.space.applyWrites";
const REPO: &str = "com.atproto.space.getRepo";
const OPS: &str = "com.atproto.space.listRepoOps";
const POSTS: &str = "com.example.forum.post";
/// Records of one call, as many as are allowed.
const BATCH: usize = 200;

/// Opens a space that everybody reads; its name.
pub fn open(server: &mut Served, skey: &str) -> String {
    let rule = |name: &str| json!({ "$type": format!("com.atproto.simplespace.defs#{name}") });
    let input = json!({
        "spaceType": "com.example.forum",
        "skey": skey,
        "readPolicy": rule("publicPolicy"),
        "writePolicy": rule("publicPolicy"),
        "appAccess": rule("open"),
    });
    server.send(vec![server.request(CREATE_SPACE, &input.to_string())], None);
    format!("at://{}/space/com.example.forum/{skey}", server.did())
}

/// Writes so many records one by one; how many a second.
pub fn write(server: &mut Served, space: &str, count: usize) -> f64 {
    let record = |number: usize| {
        let input = json!({
            "space": space,
            "repo": server.did(),
            "collection": POSTS,
            "record": { "$type": POSTS, "text": format!("post {number}") },
        });
        server.request(CREATE, &input.to_string())
    };
    let requests = (0..count).map(record).collect();
    count as f64 / server.send(requests, None).seconds
}

/// Writes so many records of so many bytes, in batches.
pub fn fill(server: &mut Served, space: &str, count: usize, bytes: usize) {
    let create = |number: usize| {
        let text = format!("{number:08}").repeat(bytes / 8);
        json!({
            "$type": "com.atproto.space.applyWrites#create",
            "collection": POSTS,
            "rkey": format!("n{number:08}"),
            "value": { "$type": POSTS, "text": text },
        })
    };
    for start in (0..count).step_by(BATCH) {
        let writes: Vec<Value> = (start..count.min(start + BATCH)).map(create).collect();
        let input = json!({ "space": space, "repo": server.did(), "writes": writes });
        server.send(vec![server.request(APPLY, &input.to_string())], None);
    }
}

/// The whole repository; how many bytes it is.
pub fn snapshot(server: &Served, space: &str) -> usize {
    server.read_all(REPO, &of(server, space))
}

/// So many pages, each as if it were the first; how many a second.
pub fn pages(server: &mut Served, space: &str, count: usize) -> f64 {
    let query = of(server, space);
    let requests = (0..count).map(|_| server.query(OPS, &query));
    let requests = requests.collect();
    count as f64 / server.send(requests, None).seconds
}

/// The params that name the repository, encoded.
fn of(server: &Served, space: &str) -> String {
    let encoded = |text: &str| {
        text.replace('%', "%25")
            .replace(':', "%3A")
            .replace('/', "%2F")
    };
    format!("space={}&repo={}", encoded(space), encoded(server.did()))
}
