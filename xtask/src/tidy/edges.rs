//! The edges between crates that ARCHITECTURE.md allows; any other is a finding.

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::command::{cargo, output};

/// Crate, and the crates of ours that it may name.
const ALLOWED: &[(&str, &[&str])] = &[
    ("loggia-syntax", &[]),
    ("loggia-lexicon", &["loggia-syntax"]),
    ("loggia-codegen", &["loggia-lexicon", "loggia-syntax"]),
    ("loggia-xrpc", &["loggia-syntax"]),
    ("loggia-api", &["loggia-xrpc", "loggia-syntax"]),
    (
        "loggia-xrpc-server",
        &["loggia-xrpc", "loggia-lexicon", "loggia-syntax"],
    ),
    ("loggia-xrpc-client", &["loggia-xrpc", "loggia-syntax"]),
    ("loggia-identity", &["loggia-syntax"]),
    ("loggia-auth", &["loggia-syntax", "loggia-identity"]),
    (
        "loggia-callers",
        &[
            "loggia-auth",
            "loggia-identity",
            "loggia-syntax",
            "loggia-xrpc",
            "loggia-xrpc-client",
            "loggia-xrpc-server",
        ],
    ),
    ("loggia-delivery", &["loggia-syntax"]),
    (
        "loggia-firehose",
        &["loggia-syntax", "loggia-api", "loggia-xrpc"],
    ),
    ("loggia-space", &["loggia-syntax"]),
    ("loggia-reducer", &[]),
    (
        "loggia-storage",
        &["loggia-syntax", "loggia-delivery", "loggia-space"],
    ),
    (
        "loggia-server",
        &[
            "loggia-api",
            "loggia-auth",
            "loggia-callers",
            "loggia-delivery",
            "loggia-firehose",
            "loggia-identity",
            "loggia-lexicon",
            "loggia-reducer",
            "loggia-space",
            "loggia-storage",
            "loggia-syntax",
            "loggia-xrpc",
            "loggia-xrpc-client",
            "loggia-xrpc-server",
        ],
    ),
    (
        "loggia-cli",
        &[
            "loggia-auth",
            "loggia-codegen",
            "loggia-delivery",
            "loggia-identity",
            "loggia-lexicon",
            "loggia-server",
            "loggia-syntax",
            "loggia-xrpc-client",
        ],
    ),
    (
        "loggia",
        &[
            "loggia-auth",
            "loggia-callers",
            "loggia-delivery",
            "loggia-identity",
            "loggia-lexicon",
            "loggia-syntax",
            "loggia-xrpc",
            "loggia-xrpc-client",
            "loggia-xrpc-server",
        ],
    ),
];

/// Crates of other people that only some of ours may name.
const RESERVED: &[(&str, &[&str])] = &[
    (
        "axum",
        &["loggia-xrpc-server", "loggia-callers", "loggia-server"],
    ),
    ("reqwest", &["loggia-xrpc-client"]),
    ("hickory-resolver", &["loggia-xrpc-client"]),
    ("tokio-tungstenite", &["loggia-xrpc-client"]),
    ("sqlx", &["loggia-storage"]),
    ("rusqlite", &["loggia-storage"]),
];

/// Crates that may name whatever they need.
const FREE: &[&str] = &[
    "loggia-bench",
    "loggia-services",
    "loggia-tests",
    "xtask",
    "guestbook",
    "projection-client",
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// Every edge that is not allowed.
pub fn check() -> Result<Vec<String>> {
    let json = output(&mut cargo(&["metadata", "--format-version=1", "--no-deps"]))?;
    let metadata: Metadata = serde_json::from_str(&json).context("reading cargo metadata")?;
    let checked = metadata
        .packages
        .iter()
        .filter(|package| !FREE.contains(&package.name.as_str()));
    Ok(checked.flat_map(findings).collect())
}

fn findings(package: &Package) -> Vec<String> {
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package.name) else {
        return vec![format!(
            "crate {} has no line in xtask/src/tidy/edges.rs",
            package.name
        )];
    };
    let built = package
        .dependencies
        .iter()
        .filter(|edge| edge.kind.is_none());
    built
        .filter_map(|edge| refusal(&package.name, &edge.name, allowed))
        .collect()
}

fn refusal(from: &str, to: &str, allowed: &[&str]) -> Option<String> {
    let ours = ALLOWED.iter().any(|(name, _)| *name == to);
    if ours && !allowed.contains(&to) {
        return Some(format!(
            "{from} must not depend on {to} (ARCHITECTURE.md, allowed edges)"
        ));
    }
    let (_, holders) = RESERVED.iter().find(|(name, _)| *name == to)?;
    (!holders.contains(&from))
        .then(|| format!("only {} may name {to}, not {from}", holders.join(" and ")))
}
