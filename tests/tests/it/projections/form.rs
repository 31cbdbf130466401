//! A form with parts, as browsers and curl send it.

pub struct Form(String);

const BOUNDARY: &str = "----7d1c2b3a4f5e";

impl Form {
    pub fn new() -> Self {
        Self(String::new())
    }

    /// Adds a part; one with a name of a file is a file.
    pub fn part(mut self, name: &str, file: Option<&str>, content: &str) -> Self {
        let file = file.map_or(String::new(), |file| format!("; filename=\"{file}\""));
        self.0.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
        ));
        self
    }

    /// Its content type and its bytes.
    pub fn end(self) -> (String, String) {
        let body = format!("{}--{BOUNDARY}--\r\n", self.0);
        (format!("multipart/form-data; boundary={BOUNDARY}"), body)
    }
}
