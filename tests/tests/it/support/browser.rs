//! A headless Chromium with a fresh profile, driven over a pipe.

use serde_json::{Value, json};

use super::node_program::NodeProgram;

/// A browser with one page. It ends with the test.
pub struct Browser {
    driver: NodeProgram,
}

impl Browser {
    /// Starts it and waits until it takes commands.
    pub fn start() -> Self {
        let driver = NodeProgram::start("the browser's driver", "browser", "drive.mjs", &[]);
        let mut browser = Self { driver };
        assert_eq!(browser.outcome(), "ready", "Chromium starts");
        browser
    }

    /// Opens a URL; the HTTP status of the page where that ends.
    pub fn goto(&mut self, url: &str) -> u64 {
        let status = self.command("goto", &json!({ "url": url }));
        status.as_u64().expect("a status")
    }

    /// Types into the field with this label.
    pub fn fill(&mut self, label: &str, text: &str) {
        self.command("fill", &json!({ "label": label, "text": text }));
    }

    /// Clicks the button with this name.
    pub fn click(&mut self, button: &str) {
        self.command("click", &json!({ "button": button }));
    }

    /// Waits until the page's URL starts with this.
    pub fn arrive(&mut self, at: &str) {
        self.command("arrive", &json!({ "at": at }));
    }

    /// What the page shows.
    pub fn text(&mut self) -> String {
        let text = self.command("text", &json!({}));
        text.as_str().expect("text").to_owned()
    }

    /// Every cookie that the browser has.
    pub fn cookies(&mut self) -> Vec<Value> {
        let cookies = self.command("cookies", &json!({}));
        cookies.as_array().expect("a list").clone()
    }

    fn command(&mut self, name: &str, fields: &Value) -> Value {
        let mut command = fields.clone();
        command["command"] = name.into();
        self.driver.say(&command);
        self.outcome()
    }

    #[track_caller]
    fn outcome(&mut self) -> Value {
        let outcome = self.driver.line();
        match outcome.get("error").and_then(Value::as_str) {
            Some(error) => panic!("{error}"),
            None => outcome["value"].clone(),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closing the pipe lets the driver close Chromium and end.
        self.driver.end();
    }
}
