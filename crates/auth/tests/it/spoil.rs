//! Claims with one fault.

use serde_json::Value;

/// Every claim missing, null, of another type, and there twice: what was done, and the JSON.
pub fn spoiled(claims: &Value) -> Vec<(String, String)> {
    let members = claims.as_object().expect("an object");
    let mut all = Vec::new();
    for (name, value) in members {
        let mut missing = members.clone();
        missing.remove(name);
        all.push((format!("{name} missing"), Value::from(missing).to_string()));

        let other = match value {
            Value::String(_) => Value::from(7),
            Value::Number(number) => Value::from(number.to_string()),
            _ => Value::from("text"),
        };
        for wrong in [
            Value::Null,
            other,
            serde_json::json!([value]),
            serde_json::json!({}),
        ] {
            let mut changed = members.clone();
            changed.insert(name.clone(), wrong.clone());
            all.push((
                format!("{name} is {wrong}"),
                Value::from(changed).to_string(),
            ));
        }

        let twice = format!("{{{}:{value},", Value::from(name.as_str()));
        all.push((
            format!("{name} twice"),
            claims.to_string().replacen('{', &twice, 1),
        ));
    }
    let nested = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    for (what, member) in [
        ("an unknown member twice", r#""x":1,"x":2"#.to_owned()),
        (
            "a member twice further down",
            r#""x":[{"y":1,"y":1}]"#.into(),
        ),
        ("deep nesting", format!(r#""x":{nested}"#)),
    ] {
        let json = claims.to_string().replacen('{', &format!("{{{member},"), 1);
        all.push((what.into(), json));
    }
    all
}
