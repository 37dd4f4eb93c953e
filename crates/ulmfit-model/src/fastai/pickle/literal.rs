//! The opcodes that stand for a value by themselves.

use super::input::Input;
use super::opcodes as op;
use super::value::Value;

/// The value that an opcode stands for; `None` if it does something else.
pub(super) fn read<'a>(opcode: u8, input: &mut Input<'a>) -> Result<Option<Value<'a>>, String> {
    Ok(Some(match opcode {
        op::NONE => Value::Unread,
        op::NEWTRUE => Value::Bool(true),
        op::NEWFALSE => Value::Bool(false),
        op::BININT => Value::Int(i32::from_le_bytes(input.array()?).into()),
        op::BININT1 => Value::Int(input.byte()?.into()),
        op::BININT2 => Value::Int(u16::from_le_bytes(input.array()?).into()),
        op::LONG1 => Value::Int(input.long()?),
        op::BINFLOAT => {
            input.take(8)?;
            Value::Unread
        }
        op::BINUNICODE => {
            let length = u32::from_le_bytes(input.array()?);
            Value::Str(input.text(length as usize)?)
        }
        op::SHORT_BINUNICODE => {
            let length = input.byte()?;
            Value::Str(input.text(length.into())?)
        }
        op::BINBYTES => {
            let length = u32::from_le_bytes(input.array()?);
            input.take(length as usize)?;
            Value::Unread
        }
        op::SHORT_BINBYTES => {
            let length = input.byte()?;
            input.take(length.into())?;
            Value::Unread
        }
        op::EMPTY_LIST => Value::List(Vec::new()),
        op::EMPTY_TUPLE => Value::Tuple(Vec::new()),
        op::EMPTY_DICT => Value::Dict(Vec::new()),
        _ => return Ok(None),
    }))
}
