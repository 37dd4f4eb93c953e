//! The classes and functions of Python that a pickle may name. None is ever called: a name stands for
//! what this reader makes of it, and every other name is refused.

use super::super::element::Element;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    /// `collections.OrderedDict`, read as a dictionary.
    OrderedDict,
    /// `collections.defaultdict`, read as a dictionary.
    DefaultDict,
    /// A type that a `defaultdict` makes its values with.
    Factory,
    /// `torch._utils._rebuild_tensor_v2` and the older one: a tensor from a storage.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`: the tensor that it is given.
    RebuildParameter,
    /// `torch.Size`: the tuple that it is given.
    Size,
    /// The type of a storage's elements.
    Storage(Element),
    /// fastcore's list, whose state has its `items`.
    FastcoreList,
    /// fastai v2's classes of a data set, whose state has their `items`.
    CategoryMap,
    /// fastai 1.0's vocabulary, whose state has its tokens as `itos`.
    VocabV1,
    /// What is in the state of an optimizer, which is not looked at: numbers of `NumPy`.
    Unread,
}

/// The names, by module; several modules have moved.
const NAMES: &[(&str, &str, Global)] = &[
    ("collections", "OrderedDict", Global::OrderedDict),
    ("collections", "defaultdict", Global::DefaultDict),
    ("builtins", "int", Global::Factory),
    ("builtins", "float", Global::Factory),
    ("builtins", "list", Global::Factory),
    ("builtins", "dict", Global::Factory),
    ("__builtin__", "int", Global::Factory),
    ("__builtin__", "long", Global::Factory),
    ("__builtin__", "float", Global::Factory),
    ("__builtin__", "list", Global::Factory),
    ("__builtin__", "dict", Global::Factory),
    ("torch._utils", "_rebuild_tensor_v2", Global::RebuildTensor),
    ("torch._utils", "_rebuild_tensor", Global::RebuildTensor),
    (
        "torch._utils",
        "_rebuild_parameter",
        Global::RebuildParameter,
    ),
    ("torch", "Size", Global::Size),
    ("fastcore.foundation", "L", Global::FastcoreList),
    ("fastai.data.transforms", "CategoryMap", Global::CategoryMap),
    (
        "fastai2.data.transforms",
        "CategoryMap",
        Global::CategoryMap,
    ),
    ("fastai.text.transform", "Vocab", Global::VocabV1),
    ("numpy", "dtype", Global::Unread),
    ("numpy.core.multiarray", "scalar", Global::Unread),
    ("numpy._core.multiarray", "scalar", Global::Unread),
    ("_codecs", "encode", Global::Unread),
];

impl Global {
    /// What the name stands for, if it may be named.
    pub(super) fn find(module: &str, name: &str) -> Option<Self> {
        if module == "torch" || module == "torch.cuda" {
            let element = name.strip_suffix("Storage").and_then(Element::from_torch);
            if let Some(element) = element {
                return Some(Self::Storage(element));
            }
        }
        let known = NAMES
            .iter()
            .find(|(of, called, _)| *of == module && *called == name);
        known.map(|(.., global)| *global)
    }
}
