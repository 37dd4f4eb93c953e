//! A classifier's head in a checkpoint: batch norms and linear layers in turn, whose places in
//! fastai's modules depend on its version and on which dropouts are zero.

use std::collections::{BTreeMap, BTreeSet};

use super::container::{Tensors, shown};
use super::layout::{Planned, Source};
use super::misfit::Refusal;
use super::survey::Survey;

const PREFIX: &str = "1.layers.";

/// Whether there is a head at all.
pub(super) fn is_there(tensors: &Tensors<'_>) -> bool {
    tensors.keys().any(|name| name.starts_with(PREFIX))
}

/// A module of the head by its place: `0.2`, `4` or `1.bn`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(usize),
    Name(String),
}

/// The features of the hidden layer and the classes, and where each weight comes from.
pub(super) fn plan(
    survey: &mut Survey<'_>,
    tensors: &Tensors<'_>,
    d_embedding: usize,
) -> Result<([usize; 2], Vec<Planned>), Refusal> {
    let (norms, linears) = modules(tensors);
    let ([norm_0, norm_1], [linear_0, linear_1]) = (&norms[..], &linears[..]) else {
        return Err(Refusal::from(format!(
            "has a head of {} batch norms and {} linear layers; heads of two each can be imported, \
             which is fastai's own",
            norms.len(),
            linears.len()
        )));
    };
    let rows = |linear: &str| match tensors.get(format!("{linear}.weight").as_str()) {
        // Without elements it may state any number of rows, for each of which a missing bias gets a zero.
        Some(weight) if weight.shape.contains(&0) => Err(Refusal::from(format!(
            "has no elements in {}.weight, whose shape is {:?}; save the classifier again with learn.save",
            shown(linear),
            weight.shape
        ))),
        weight => Ok(weight
            .and_then(|weight| weight.shape.first().copied())
            .unwrap_or(0)),
    };
    let sizes = [3 * d_embedding, rows(linear_0)?, rows(linear_1)?];
    let mut planned = Vec::new();
    for (index, (norm, linear)) in [(norm_0, linear_0), (norm_1, linear_1)]
        .into_iter()
        .enumerate()
    {
        let [d_input, d_output] = [sizes[index], sizes[index + 1]];
        let block = format!("head.blocks.{index}");
        for (theirs, ours) in [
            ("weight", "gamma"),
            ("bias", "beta"),
            ("running_mean", "running_mean"),
            ("running_var", "running_var"),
        ] {
            let from = survey.expect(&[format!("{norm}.{theirs}")], &[d_input]);
            planned.push((
                format!("{block}.norm.{ours}"),
                vec![d_input],
                Source::Copy(from),
            ));
        }
        survey.ignore(format!("{norm}.num_batches_tracked"));
        let weight = survey.expect(&[format!("{linear}.weight")], &[d_output, d_input]);
        planned.push((
            format!("{block}.weight"),
            vec![d_output, d_input],
            Source::Copy(weight),
        ));
        // fastai 2 leaves the bias out.
        let bias = survey.accept(&format!("{linear}.bias"), &[d_output]);
        let bias = bias.map_or(Source::Zeros, Source::Copy);
        planned.push((format!("{block}.bias"), vec![d_output], bias));
    }
    Ok(([sizes[1], sizes[2]], planned))
}

/// The batch norms and the linear layers, each in order, by what is in front of their tensors.
fn modules(tensors: &Tensors<'_>) -> (Vec<String>, Vec<String>) {
    let mut modules: BTreeMap<Vec<Part>, (&str, BTreeSet<&str>)> = BTreeMap::new();
    for name in tensors.keys() {
        let Some((module, field)) = name.rsplit_once('.') else {
            continue;
        };
        let Some(place) = module.strip_prefix(PREFIX) else {
            continue;
        };
        let place = place.split('.').map(|part| match part.parse() {
            Ok(number) => Part::Number(number),
            Err(_) => Part::Name(part.to_owned()),
        });
        let entry = modules.entry(place.collect());
        entry.or_insert((module, BTreeSet::new())).1.insert(field);
    }
    let (mut norms, mut linears) = (Vec::new(), Vec::new());
    for (module, fields) in modules.into_values() {
        let is_norm = ["running_mean", "running_var"]
            .iter()
            .any(|field| fields.contains(field));
        let modules = if is_norm { &mut norms } else { &mut linears };
        modules.push(module.to_owned());
    }
    (norms, linears)
}

#[cfg(test)]
mod tests {
    use safetensors::Dtype;
    use safetensors::tensor::TensorView;

    use crate::fastai::{FastaiModel, FastaiPart};

    /// A classifier of fastai 2 on an encoder of two words, one feature and one layer.
    fn read(d_head: usize, n_classes: usize) -> Result<FastaiPart, String> {
        let encoder = [
            ("encoder.weight", vec![2, 1]),
            ("rnns.0.module.weight_ih_l0", vec![4, 1]),
            ("rnns.0.weight_hh_l0_raw", vec![4, 1]),
            ("rnns.0.module.bias_ih_l0", vec![4]),
            ("rnns.0.module.bias_hh_l0", vec![4]),
        ];
        let encoder = encoder.map(|(name, shape)| (format!("0.module.{name}"), shape));
        let mut tensors = Vec::from(encoder);
        for (block, [d_input, d_output]) in [[3, d_head], [d_head, n_classes]].iter().enumerate() {
            let layers = format!("1.layers.{block}");
            for norm in ["weight", "bias", "running_mean", "running_var"] {
                tensors.push((format!("{layers}.0.{norm}"), vec![*d_input]));
            }
            tensors.push((format!("{layers}.2.weight"), vec![*d_output, *d_input]));
        }
        let zeros = [0; 64];
        let views = tensors.into_iter().map(|(name, shape)| {
            let bytes = 4 * shape.iter().product::<usize>();
            let view = TensorView::new(Dtype::F32, shape, &zeros[..bytes]);
            (name, view.expect("a tensor"))
        });
        let bytes = safetensors::serialize(views, None).expect("a file");
        let model = FastaiModel::from_bytes(&bytes);
        model.map(|it| it.part).map_err(|error| error.to_string())
    }

    #[test]
    fn a_head_without_elements_is_refused_before_its_biases_are_made() {
        let (d_head, n_classes) = (2, 3);
        let part = FastaiPart::Classifier { d_head, n_classes };
        assert_eq!(read(d_head, n_classes), Ok(part));
        for (d_head, n_classes) in [(0, 1 << 61), (0, 3), (2, 0)] {
            let reason = read(d_head, n_classes).expect_err("it is refused");
            assert!(
                reason.starts_with("has no elements in 1.layers."),
                "{reason}"
            );
        }
    }
}
