//! Devices by name. This is the only file that knows which backends were compiled in.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

/// A device as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceName {
    /// `cpu`: burn's own CPU backend, flex.
    Cpu,
    /// `ndarray`: the CPU backend before it.
    NdArray,
    /// `wgpu` for the best GPU there is, `wgpu:1` for the second discrete one.
    Wgpu(Option<usize>),
    /// `cuda` for the first NVIDIA GPU, `cuda:1` for the second.
    Cuda(Option<usize>),
}

impl DeviceName {
    /// One of each kind.
    pub(crate) const ALL: [Self; 4] =
        [Self::Cpu, Self::NdArray, Self::Wgpu(None), Self::Cuda(None)];

    /// What the device runs on, in a word or two.
    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Cpu => "CPU, by burn's flex backend",
            Self::NdArray => "CPU, by burn's older ndarray backend",
            Self::Wgpu(_) => "GPU, through Vulkan, Metal or DirectX 12",
            Self::Cuda(_) => "NVIDIA GPU, through CUDA",
        }
    }

    /// The cargo feature that compiles the device in.
    pub(crate) const fn feature(self) -> &'static str {
        match self {
            Self::Cpu => "flex",
            Self::NdArray => "ndarray",
            Self::Wgpu(_) => "wgpu",
            Self::Cuda(_) => "cuda",
        }
    }

    /// Whether the device was compiled in.
    pub(crate) const fn is_built(self) -> bool {
        match self {
            Self::Cpu => cfg!(feature = "flex"),
            Self::NdArray => cfg!(feature = "ndarray"),
            Self::Wgpu(_) => cfg!(feature = "wgpu"),
            Self::Cuda(_) => cfg!(feature = "cuda"),
        }
    }

    /// The device.
    ///
    /// # Errors
    ///
    /// When it was not compiled in.
    pub(crate) fn open(self) -> anyhow::Result<Device> {
        match self {
            #[cfg(feature = "flex")]
            Self::Cpu => Ok(Device::flex()),
            #[cfg(feature = "ndarray")]
            #[expect(
                deprecated,
                reason = "upstream would rather have flex used; we offer both"
            )]
            Self::NdArray => Ok(Device::ndarray()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu(index) => {
                use burn::tensor::DeviceKind;
                Ok(Device::wgpu(index.map_or(
                    DeviceKind::DefaultDevice,
                    DeviceKind::DiscreteGpu,
                )))
            }
            #[cfg(feature = "cuda")]
            Self::Cuda(index) => Ok(Device::cuda(index.unwrap_or(0))),
            #[cfg(not(all(
                feature = "flex",
                feature = "ndarray",
                feature = "wgpu",
                feature = "cuda"
            )))]
            missing => {
                let feature = missing.feature();
                anyhow::bail!(
                    "this ulmfit was built without {feature}; build it with \
                     `cargo build --release -p ulmfit-cli --features {feature}`"
                )
            }
        }
    }
}

impl Default for DeviceName {
    /// The first device that was compiled in.
    fn default() -> Self {
        Self::ALL
            .into_iter()
            .find(|name| name.is_built())
            .unwrap_or(Self::Cpu)
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::NdArray => f.write_str("ndarray"),
            Self::Wgpu(None) => f.write_str("wgpu"),
            Self::Wgpu(Some(index)) => write!(f, "wgpu:{index}"),
            Self::Cuda(None) => f.write_str("cuda"),
            Self::Cuda(Some(index)) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let unknown = || "the devices are cpu, ndarray, wgpu, wgpu:i, cuda and cuda:i".to_owned();
        let (kind, index) = match name.split_once(':') {
            Some((kind, index)) => (kind, Some(index.parse().map_err(|_| unknown())?)),
            None => (name, None),
        };
        match (kind, index) {
            ("cpu", None) => Ok(Self::Cpu),
            ("ndarray", None) => Ok(Self::NdArray),
            ("wgpu", index) => Ok(Self::Wgpu(index)),
            ("cuda", index) => Ok(Self::Cuda(index)),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in ["cpu", "ndarray", "wgpu", "wgpu:1", "cuda", "cuda:0"] {
            assert_eq!(name.parse::<DeviceName>().unwrap().to_string(), name);
        }
        for name in ["gpu", "cpu:0", "cuda:", "cuda:x", "cuda:-1", ""] {
            assert!(name.parse::<DeviceName>().is_err(), "{name}");
        }
    }

    #[test]
    fn a_device_that_is_missing_says_how_to_get_it() {
        for name in DeviceName::ALL.into_iter().filter(|name| !name.is_built()) {
            let message = name.open().unwrap_err().to_string();
            assert!(
                message.contains(&format!("--features {}", name.feature())),
                "{message}"
            );
        }
    }
}
