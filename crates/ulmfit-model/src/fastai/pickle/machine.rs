use std::collections::HashMap;

use super::super::tensor::{Storage, StoredTensor};
use super::globals::Global;
use super::input::Input;
use super::literal;
use super::opcodes as op;
use super::value::{Ref, Value, Values};

/// The newest protocol whose opcodes are known.
const NEWEST_PROTOCOL: u8 = 5;
/// Most marks that are open at once: a checkpoint has half a dozen.
const MOST_MARKS: usize = 256;

/// A pickle that was read.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    pub(crate) values: Values<'a>,
    /// What it was made of.
    pub(crate) root: Ref,
    /// The bytes behind it.
    pub(crate) rest: &'a [u8],
}

/// Reads one pickle from the front of `bytes`.
///
/// # Errors
///
/// A sentence without a subject: what is wrong, or which opcode or name is refused.
pub(crate) fn read(bytes: &[u8]) -> Result<Pickle<'_>, String> {
    let mut machine = Machine {
        input: Input { rest: bytes },
        values: Values::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    loop {
        let at = bytes.len() - machine.input.rest.len();
        let opcode = machine.input.byte()?;
        if opcode == op::STOP {
            break;
        }
        machine
            .step(opcode)
            .map_err(|reason| format!("{reason} (at byte {at} of the pickle)"))?;
    }
    let root = machine.pop()?;
    Ok(Pickle {
        values: machine.values,
        root,
        rest: machine.input.rest,
    })
}

struct Machine<'a> {
    input: Input<'a>,
    values: Values<'a>,
    stack: Vec<Ref>,
    /// How high the stack was at each mark that is open.
    marks: Vec<usize>,
    /// By number and not by place, so that a number costs what any other does.
    memo: HashMap<u32, Ref>,
}

impl<'a> Machine<'a> {
    fn step(&mut self, opcode: u8) -> Result<(), String> {
        if let Some(value) = literal::read(opcode, &mut self.input)? {
            return self.push(value);
        }
        match opcode {
            op::PROTO => self.protocol(),
            op::FRAME => self.input.frame(),
            op::MARK => self.mark(),
            op::APPEND => {
                let element = self.pop()?;
                self.append(&[element])
            }
            op::APPENDS => {
                let elements = self.pop_to_mark()?;
                self.append(&elements)
            }
            op::TUPLE => {
                let elements = self.pop_to_mark()?;
                self.push(Value::Tuple(elements))
            }
            op::TUPLE1 => self.tuple(1),
            op::TUPLE2 => self.tuple(2),
            op::TUPLE3 => self.tuple(3),
            op::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])
            }
            op::SETITEMS => {
                let entries = self.pop_to_mark()?;
                self.set(&entries)
            }
            op::GLOBAL => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                self.global(module, name)
            }
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (self.values.str(module), self.values.str(name)) {
                    (Some(module), Some(name)) => self.global(module, name),
                    _ => Err("names a global by something that is no string".to_owned()),
                }
            }
            op::REDUCE | op::NEWOBJ => {
                let (arguments, global) = (self.pop()?, self.pop()?);
                self.make(global, arguments)
            }
            op::BUILD => self.build(),
            op::BINPERSID => {
                let id = self.pop()?;
                let storage = Storage::from_persistent_id(&self.values, id)?;
                self.push(Value::Storage(storage))
            }
            op::BINPUT => {
                let index = self.input.byte()?;
                self.put(index.into())
            }
            op::LONG_BINPUT => {
                let index = u32::from_le_bytes(self.input.array()?);
                self.put(index)
            }
            op::MEMOIZE => self.put(self.memo.len() as u32),
            op::BINGET => {
                let index = self.input.byte()?;
                self.get(index.into())
            }
            op::LONG_BINGET => {
                let index = u32::from_le_bytes(self.input.array()?);
                self.get(index)
            }
            other => Err(format!(
                "uses the opcode {}, which no checkpoint needs and this reader refuses",
                op::name(other)
            )),
        }
    }

    fn protocol(&mut self) -> Result<(), String> {
        match self.input.byte()? {
            2..=NEWEST_PROTOCOL => Ok(()),
            other => Err(format!(
                "is of protocol {other}, and protocols 2 to {NEWEST_PROTOCOL} are read"
            )),
        }
    }

    fn mark(&mut self) -> Result<(), String> {
        if self.marks.len() == MOST_MARKS {
            return Err(format!("is nested more than {MOST_MARKS} levels deep"));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn tuple(&mut self, length: usize) -> Result<(), String> {
        let start = self.stack.len().checked_sub(length);
        let start = start.filter(|start| self.marks.last().is_none_or(|mark| mark <= start));
        let elements = self.stack.split_off(start.ok_or_else(stack_is_empty)?);
        self.push(Value::Tuple(elements))
    }

    fn append(&mut self, new: &[Ref]) -> Result<(), String> {
        let list = self.top()?;
        match self.values.get_mut(list) {
            Value::List(elements) => {
                elements.extend_from_slice(new);
                Ok(())
            }
            _ => Err("appends to something that is no list".to_owned()),
        }
    }

    /// Sets keys and values, which take turns.
    fn set(&mut self, new: &[Ref]) -> Result<(), String> {
        let dict = self.top()?;
        let Value::Dict(entries) = self.values.get_mut(dict) else {
            return Err("sets an entry of something that is no dictionary".to_owned());
        };
        let (pairs, rest) = new.as_chunks::<2>();
        if !rest.is_empty() {
            return Err("sets a key without a value".to_owned());
        }
        entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), String> {
        let global = Global::find(module, name).ok_or_else(|| refused(module, name))?;
        self.push(Value::Global(global))
    }

    /// What a call, or a new object of a class, is read as.
    fn make(&mut self, global: Ref, arguments: Ref) -> Result<(), String> {
        let values = &self.values;
        let (Value::Global(global), Value::Tuple(arguments)) =
            (values.get(global), values.get(arguments))
        else {
            return Err("calls something that is no function".to_owned());
        };
        let value = match (*global, &arguments[..]) {
            (Global::OrderedDict, []) | (Global::DefaultDict, [] | [_]) => Value::Dict(Vec::new()),
            (Global::RebuildTensor, [storage, offset, shape, stride, ..]) => Value::Tensor(
                StoredTensor::rebuilt(values, *storage, *offset, *shape, *stride)?.into(),
            ),
            (Global::RebuildParameter, [data, ..]) => match values.get(*data) {
                Value::Tensor(tensor) => Value::Tensor(tensor.clone()),
                _ => return Err("has a parameter that is no tensor".to_owned()),
            },
            (Global::Size, [size]) => match values.get(*size) {
                Value::Tuple(sizes) if sizes.len() <= StoredTensor::MOST_DIMENSIONS => {
                    Value::Tuple(sizes.clone())
                }
                _ => return Err("has a shape that is no tuple of a few sizes".to_owned()),
            },
            (
                class @ (Global::FastcoreList
                | Global::CategoryMap
                | Global::VocabV1
                | Global::Unread),
                _,
            ) => Value::Object(class, None),
            (global, arguments) => {
                return Err(format!(
                    "calls {global:?} with {} arguments, which no checkpoint does",
                    arguments.len()
                ));
            }
        };
        self.push(value)
    }

    /// Sets the state of an object. That of a dictionary is `PyTorch`'s notes on versions.
    fn build(&mut self) -> Result<(), String> {
        let state = self.pop()?;
        let object = self.top()?;
        match self.values.get_mut(object) {
            Value::Object(_, old) => *old = Some(state),
            Value::Dict(_) | Value::Tensor(_) => {}
            _ => return Err("sets the state of something that has none".to_owned()),
        }
        Ok(())
    }

    fn put(&mut self, index: u32) -> Result<(), String> {
        let value = self.top()?;
        self.memo.insert(index, value);
        Ok(())
    }

    fn get(&mut self, index: u32) -> Result<(), String> {
        let value = self.memo.get(&index).copied();
        let value = value.ok_or_else(|| format!("asks for note {index}, which it never made"))?;
        self.stack.push(value);
        Ok(())
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), String> {
        self.stack.push(self.values.add(value)?);
        Ok(())
    }

    /// What lies on top, above the last mark.
    fn top(&self) -> Result<Ref, String> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack[floor..]
            .last()
            .copied()
            .ok_or_else(stack_is_empty)
    }

    fn pop(&mut self) -> Result<Ref, String> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Ref>, String> {
        let mark = self.marks.pop().ok_or_else(stack_is_empty)?;
        Ok(self.stack.split_off(mark))
    }
}

fn stack_is_empty() -> String {
    "takes more from its stack than it put there".to_owned()
}

/// A name is shown as far as it can be one, whatever it is made of.
fn refused(module: &str, name: &str) -> String {
    let shown = format!("{module}.{name}");
    let mut shown = shown.escape_debug().take(100).collect::<String>();
    if shown.is_empty() {
        shown.push('?');
    }
    let remedy = if module.starts_with("fastai") {
        "; if it is a whole learner, as by export(), load it in fastai and save its weights with \
         learn.save or learn.save_encoder"
    } else {
        ""
    };
    format!("names {shown}, which is not part of any weights and is refused{remedy}")
}
