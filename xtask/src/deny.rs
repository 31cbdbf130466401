//! Licenses and advisories of every dependency, from files alone.
//!
//! `xtask/deny.toml` lists the licenses we accept and the advisories (RustSec) that concern crates in
//! our tree. Whoever updates Cargo.lock updates the list; the check itself needs no network.

use anyhow::{Context, Result, bail};
use semver::{Version, VersionReq};
use serde::Deserialize;

use crate::command::{cargo, output};
use crate::root;

#[derive(Deserialize)]
struct Rules {
    /// When somebody last compared the list with the RustSec database.
    reviewed: String,
    licenses: Vec<String>,
    #[serde(default)]
    clarified: Vec<Clarified>,
    #[serde(default)]
    advisory: Vec<Advisory>,
}

/// A crate whose manifest does not state its license as an SPDX expression.
#[derive(Deserialize)]
struct Clarified {
    name: String,
    license: String,
    reason: String,
}

#[derive(Deserialize)]
struct Advisory {
    id: String,
    package: String,
    /// Versions that are safe; a version that fits none of them is a finding.
    safe: Vec<VersionReq>,
    /// Why a finding is accepted for now.
    accepted: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: Version,
    license: Option<String>,
    source: Option<String>,
}

/// Fails with every package that has a license we do not accept or a known advisory.
pub fn run() -> Result<()> {
    let text =
        std::fs::read_to_string(root().join("xtask/deny.toml")).context("xtask/deny.toml")?;
    let rules: Rules = toml::from_str(&text).context("xtask/deny.toml")?;
    let json = output(&mut cargo(&["metadata", "--format-version=1", "--locked"]))?;
    let metadata: Metadata = serde_json::from_str(&json).context("reading cargo metadata")?;
    let foreign: Vec<_> = metadata
        .packages
        .iter()
        .filter(|p| p.source.is_some())
        .collect();

    let mut findings: Vec<String> = foreign
        .iter()
        .filter_map(|package| license_finding(package, &rules))
        .collect();
    findings.extend(
        foreign
            .iter()
            .flat_map(|package| advisory_findings(package, &rules)),
    );
    for finding in &findings {
        eprintln!("deny: {finding}");
    }
    if !findings.is_empty() {
        bail!(
            "deny found {} dependencies to replace or to clarify in xtask/deny.toml",
            findings.len()
        );
    }
    eprintln!(
        "deny: {} dependencies, {} advisories known (list of {})",
        foreign.len(),
        rules.advisory.len(),
        rules.reviewed,
    );
    Ok(())
}

fn license_finding(package: &Package, rules: &Rules) -> Option<String> {
    let clarified = rules
        .clarified
        .iter()
        .find(|entry| entry.name == package.name);
    let stated = package.license.as_deref();
    let license = clarified.map(|entry| entry.license.as_str()).or(stated);
    let Some(license) = license else {
        return Some(format!(
            "{} {} states no license",
            package.name, package.version
        ));
    };
    // Old manifests separate alternatives by a slash.
    let expression = match spdx::Expression::parse(&license.replace('/', " OR ")) {
        Ok(expression) => expression,
        Err(error) => return Some(format!("{}: license `{license}`: {error}", package.name)),
    };
    let accepted = expression.evaluate(|requirement| {
        rules
            .licenses
            .iter()
            .any(|name| requirement.license.to_string() == *name)
    });
    let why = clarified.map_or(String::new(), |entry| format!(" ({})", entry.reason));
    (!accepted).then(|| {
        format!(
            "{} {} is under {license}{why}",
            package.name, package.version
        )
    })
}

fn advisory_findings(package: &Package, rules: &Rules) -> Vec<String> {
    let concerning = rules.advisory.iter().filter(|advisory| {
        advisory.package == package.name
            && advisory.accepted.is_none()
            && !advisory
                .safe
                .iter()
                .any(|safe| safe.matches(&package.version))
    });
    concerning
        .map(|advisory| format!("{} {}: {}", package.name, package.version, advisory.id))
        .collect()
}
