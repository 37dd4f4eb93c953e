//! Devices by name. This is the only file that knows which backends were compiled in.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

/// A device as the command line names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DeviceName {
    /// `cpu`: burn's own CPU backend, flex.
    Cpu,
    /// `cpu:portable`: the same without our kernels, by burn's own operations, to compare with.
    CpuPortable,
    /// `ndarray`: the CPU backend before it.
    NdArray,
    /// `wgpu`: a GPU through its graphics driver.
    Wgpu(Adapter),
    /// `cuda` for the first NVIDIA GPU, `cuda:1` for the second.
    Cuda(Option<usize>),
}

/// Which of the adapters that wgpu finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adapter {
    /// `wgpu`: the best GPU there is, or a driver in software where there is none.
    Best,
    /// `wgpu:1`: the second discrete GPU.
    Discrete(usize),
    /// `wgpu:cpu`: a driver in software, such as Mesa's lavapipe.
    Software,
}

impl DeviceName {
    /// One of each kind.
    pub(crate) const ALL: [Self; 4] = [
        Self::Cpu,
        Self::NdArray,
        Self::Wgpu(Adapter::Best),
        Self::Cuda(None),
    ];

    /// What the device runs on, in a word or two.
    pub(crate) const fn description(self) -> &'static str {
        match self {
            Self::Cpu => "CPU, by burn's flex backend",
            Self::CpuPortable => "CPU, by burn's flex backend without our kernels",
            Self::NdArray => "CPU, by burn's older ndarray backend",
            Self::Wgpu(_) => "GPU, through Vulkan, Metal or DirectX 12",
            Self::Cuda(_) => "NVIDIA GPU, through CUDA",
        }
    }

    /// The cargo feature that compiles the device in.
    pub(crate) const fn feature(self) -> &'static str {
        match self {
            Self::Cpu | Self::CpuPortable => "flex",
            Self::NdArray => "ndarray",
            Self::Wgpu(_) => "wgpu",
            Self::Cuda(_) => "cuda",
        }
    }

    /// Whether the device was compiled in.
    pub(crate) const fn is_built(self) -> bool {
        match self {
            Self::Cpu | Self::CpuPortable => cfg!(feature = "flex"),
            Self::NdArray => cfg!(feature = "ndarray"),
            Self::Wgpu(_) => cfg!(feature = "wgpu"),
            Self::Cuda(_) => cfg!(feature = "cuda"),
        }
    }

    /// The device.
    ///
    /// # Errors
    ///
    /// When it was not compiled in, or when no graphics driver offers it.
    pub(crate) fn open(self) -> anyhow::Result<Device> {
        match self {
            #[cfg(feature = "flex")]
            Self::Cpu => Ok(Device::flex()),
            #[cfg(feature = "flex")]
            Self::CpuPortable => {
                ulmfit_kernels::use_portable_kernels(true);
                Ok(Device::flex())
            }
            #[cfg(feature = "ndarray")]
            #[expect(
                deprecated,
                reason = "upstream would rather have flex used; we offer both"
            )]
            Self::NdArray => Ok(Device::ndarray()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu(adapter) => adapter.open(),
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

#[cfg(feature = "wgpu")]
impl Adapter {
    /// The adapter, once it is known to be there: burn opens a device at its first use, where a
    /// missing one is a panic.
    fn open(self) -> anyhow::Result<Device> {
        use burn::tensor::{DeviceKind, DeviceType};

        let device = Device::wgpu(match self {
            Self::Best => DeviceKind::DefaultDevice,
            Self::Discrete(index) => DeviceKind::DiscreteGpu(index),
            Self::Software => DeviceKind::Cpu,
        });
        let found = Device::enumerate(DeviceType::Wgpu).into_vec();
        anyhow::ensure!(
            !found.is_empty(),
            "wgpu finds no graphics driver; install that of your GPU, or one that computes on the \
             CPU (Debian's mesa-vulkan-drivers)"
        );
        anyhow::ensure!(
            self == Self::Best || found.contains(&device),
            "wgpu finds no device {}; `--device wgpu` takes the best there is",
            DeviceName::Wgpu(self)
        );
        Ok(device)
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
            Self::CpuPortable => f.write_str("cpu:portable"),
            Self::NdArray => f.write_str("ndarray"),
            Self::Wgpu(Adapter::Best) => f.write_str("wgpu"),
            Self::Wgpu(Adapter::Discrete(index)) => write!(f, "wgpu:{index}"),
            Self::Wgpu(Adapter::Software) => f.write_str("wgpu:cpu"),
            Self::Cuda(None) => f.write_str("cuda"),
            Self::Cuda(Some(index)) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let unknown = || {
            "the devices are cpu, cpu:portable, ndarray, wgpu, wgpu:i, wgpu:cpu, cuda and cuda:i"
                .to_owned()
        };
        let index = |text: &str| text.parse().map_err(|_| unknown());
        match name.split_once(':') {
            None => match name {
                "cpu" => Ok(Self::Cpu),
                "ndarray" => Ok(Self::NdArray),
                "wgpu" => Ok(Self::Wgpu(Adapter::Best)),
                "cuda" => Ok(Self::Cuda(None)),
                _ => Err(unknown()),
            },
            Some(("cpu", "portable")) => Ok(Self::CpuPortable),
            Some(("wgpu", "cpu")) => Ok(Self::Wgpu(Adapter::Software)),
            Some(("wgpu", text)) => Ok(Self::Wgpu(Adapter::Discrete(index(text)?))),
            Some(("cuda", text)) => Ok(Self::Cuda(Some(index(text)?))),
            Some(_) => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in [
            "cpu",
            "cpu:portable",
            "ndarray",
            "wgpu",
            "wgpu:1",
            "wgpu:cpu",
            "cuda",
            "cuda:0",
        ] {
            assert_eq!(name.parse::<DeviceName>().unwrap().to_string(), name);
        }
        for name in [
            "gpu", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:cpu", "wgpu:gpu", "",
        ] {
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
