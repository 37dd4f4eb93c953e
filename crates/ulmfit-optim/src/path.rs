//! The path of the parameter that a traversal is at, such as `rnns.0.weight_hh`.

/// Names entered and not yet left.
#[derive(Debug, Default)]
pub(crate) struct ParamPath {
    names: Vec<String>,
}

impl ParamPath {
    pub(crate) fn enter(&mut self, name: &str) {
        self.names.push(name.to_string());
    }

    pub(crate) fn exit(&mut self) {
        self.names.pop();
    }

    pub(crate) fn join(&self) -> String {
        self.names.join(".")
    }
}
