//! Text in the form that rustfmt gives it.

/// rustfmt's `max_width`.
const WIDTH: usize = 100;

/// rustfmt's `fn_call_width` and `array_width`: arguments wider than this stand one on a line.
const ARGUMENTS: usize = 60;

/// rustfmt's `struct_lit_width`.
const LITERAL: usize = 18;

/// Rust text that grows line by line.
pub(crate) struct Text {
    out: String,
    indent: usize,
}

impl Text {
    pub(crate) fn new() -> Self {
        Self {
            out: String::new(),
            indent: 0,
        }
    }

    /// A line at the present depth.
    pub(crate) fn line(&mut self, line: &str) {
        self.out.extend(std::iter::repeat_n(' ', self.indent));
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// An empty line, unless there is one already or nothing to set apart.
    pub(crate) fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A line that opens a block.
    pub(crate) fn open(&mut self, line: &str) {
        self.line(line);
        self.indent += 4;
    }

    /// A line that closes a block.
    pub(crate) fn close(&mut self, line: &str) {
        self.indent -= 4;
        self.line(line);
    }

    /// A line that closes one block and opens the next.
    pub(crate) fn reopen(&mut self, line: &str) {
        self.close(line);
        self.indent += 4;
    }

    /// How many columns are left at the present depth.
    pub(crate) fn room(&self) -> usize {
        WIDTH - self.indent
    }

    /// `head` and `value` on one line if they fit, else `value` on the next one if it fits there.
    pub(crate) fn fitting(&mut self, head: &str, value: &str, tail: &str) {
        let here = width(head) + width(value) + width(tail) <= self.room();
        let below = 4 + width(value) + width(tail) <= self.room();
        if here || !below {
            self.line(&format!("{head}{value}{tail}"));
        } else {
            self.open(head.trim_end());
            self.line(&format!("{value}{tail}"));
            self.indent -= 4;
        }
    }

    /// A declaration `name: type,` whose type may have to stand on the next line or be broken.
    pub(crate) fn declaration(&mut self, head: &str, ty: &str) {
        let below = !head.is_empty() && width(ty) + 5 <= self.room();
        match ty.strip_suffix('>').and_then(|ty| ty.split_once('<')) {
            Some((outer, inner)) if width(head) + width(ty) >= self.room() && !below => {
                self.open(&format!("{head}{outer}<"));
                self.declaration("", inner);
                self.close(">,");
            }
            _ => self.fitting(head, ty, ","),
        }
    }

    /// An enum's variant that holds one value.
    pub(crate) fn variant(&mut self, name: &str, ty: &str) {
        if width(name) + width(ty) + 3 <= self.room() {
            self.line(&format!("{name}({ty}),"));
        } else {
            self.open(&format!("{name}("));
            self.line(&format!("{ty},"));
            self.close("),");
        }
    }

    /// A method call as the value of a field: broken before the method where it is too long.
    pub(crate) fn method_call(
        &mut self,
        object: &str,
        method: &str,
        arguments: &[&str],
        tail: &str,
    ) {
        let joined = arguments.join(", ");
        let whole = width(object) + width(method) + width(&joined) + width(tail) + 3;
        // A chain that ends in `?` is given two columns less than the rest.
        if width(&joined) > ARGUMENTS || whole + 2 <= self.room() {
            self.call(&format!("{object}.{method}"), arguments, tail);
        } else {
            self.open(object);
            self.line(&format!(".{method}({joined}){tail}"));
            self.indent -= 4;
        }
    }

    /// `Self { … }` with its fields on one line where they are short.
    pub(crate) fn literal(&mut self, fields: &[String]) {
        let joined = fields.join(", ");
        if width(&joined) <= LITERAL {
            self.line(&format!("Self {{ {joined} }}"));
            return;
        }
        self.open("Self {");
        for field in fields {
            self.line(&format!("{field},"));
        }
        self.close("}");
    }

    /// A call, with its arguments on one line or each on its own.
    pub(crate) fn call(&mut self, head: &str, arguments: &[&str], tail: &str) {
        let joined = arguments.join(", ");
        let whole = width(head) + width(&joined) + width(tail) + 2;
        if width(&joined) <= ARGUMENTS && whole <= self.room() {
            self.line(&format!("{head}({joined}){tail}"));
        } else {
            self.open(&format!("{head}("));
            for argument in arguments {
                self.line(&format!("{argument},"));
            }
            self.close(&format!("){tail}"));
        }
    }

    /// A match arm whose body is an expression.
    pub(crate) fn arm(&mut self, pattern: &str, body: &str) {
        if width(pattern) + width(body) + 5 <= self.room() {
            self.line(&format!("{pattern} => {body},"));
        } else {
            self.open(&format!("{pattern} => {{"));
            self.line(body);
            self.close("}");
        }
    }

    /// A list of string literals.
    pub(crate) fn list(&mut self, head: &str, values: &[String], tail: &str) {
        let literals: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
        let joined = literals.join(", ");
        if width(&joined) <= ARGUMENTS && width(head) + width(&joined) + width(tail) <= self.room()
        {
            self.line(&format!("{head}{joined}{tail}"));
        } else {
            self.open(head);
            for literal in literals {
                self.line(&format!("{literal},"));
            }
            self.close(tail);
        }
    }

    /// A list of numbers.
    pub(crate) fn numbers(&mut self, head: &str, values: &[i64], tail: &str) {
        let numbers: Vec<String> = values.iter().map(i64::to_string).collect();
        let joined = numbers.join(", ");
        if width(&joined) <= ARGUMENTS {
            self.line(&format!("{head}{joined}{tail}"));
            return;
        }
        self.open(head);
        let room = self.room();
        let mut line = String::new();
        for number in numbers {
            if !line.is_empty() && width(&line) + width(&number) + 2 > room {
                self.line(line.trim_end());
                line.clear();
            }
            line.push_str(&number);
            line.push_str(", ");
        }
        self.line(line.trim_end());
        self.close(tail);
    }

    /// Everything, without empty lines at the end.
    pub(crate) fn finish(mut self) -> String {
        while self.out.ends_with("\n\n") {
            self.out.pop();
        }
        self.out
    }
}

/// Columns as rustfmt counts them, near enough: characters.
fn width(text: &str) -> usize {
    text.chars().count()
}
