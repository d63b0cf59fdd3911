//! Long texts of the command line.

pub(crate) const ABOUT: &str = "\
Convolution arithmetic, asked and seen.

Settings are written in the spelling of a framework, or in this library's own:

  conv <VERB> [FRAMEWORK OPERATION] --settings

`a,b` means per axis, `before:after` per side. Every size is computed by conv-core, which firmware uses too.
Exit codes: 0; 1 for an illegal setting or a file that cannot be used, with a sentence; 2 for usage.";

pub(crate) const EXAMPLES: &str = "\
Examples:
  conv size --input 32 --kernel 3 --stride 2 --pad 1
  conv size torch ConvTranspose2d --input 16 --kernel_size 3 --stride 2 --padding 1 --output_padding 1
  conv translate keras Conv2D --input 32 --kernel_size 3 --strides 2 --padding same --to onnx
  conv explain --input 5,5 --kernel 3,3 --at 1,2";

pub(crate) const SIZE: &str = "\
Examples:
  conv size --input 224,160 --kernel 7 --stride 2 --pad 3
  conv size --transposed --input 16 --kernel 3 --stride 2 --pad 1 --output-padding 1
  conv size onnx ConvTranspose --input 3,3 --kernel_shape 3,3 --strides 3,2 --output_shape 10,8
  conv size tensorflow conv2d --input 96 --filters 3 --strides 2 --padding SAME --json";

pub(crate) const SOLVE: &str = "\
Examples:
  conv solve --input 32 --to 16 --kernels 3,4 --strides 2
  conv solve --transposed --input 16 --kernel 3 --stride 2 --pad 1
  conv solve tensorflow conv1d_transpose --input 4 --filters 3 --strides 2 --output_shape 8";

pub(crate) const TRANSLATE: &str = "\
Examples:
  conv translate torch ConvTranspose2d --input 16 --kernel_size 3 --stride 2 --padding 1 --output_padding 1
  conv translate keras Conv2D --input 32 --kernel_size 3 --strides 2 --padding same --to torch";

pub(crate) const MACS: &str = "\
Examples:
  conv macs torch Conv2d --input 224 --kernel_size 7 --stride 2 --padding 3 --in_channels 3 --out_channels 64
  conv macs --chain network.txt

A chain is a text with a layer a line, as it would stand behind `conv macs`; only the first has an input:
  torch Conv2d --input 32 --kernel_size 3 --padding 1 --in_channels 3 --out_channels 16
  torch ConvTranspose2d --kernel_size 2 --stride 2 --in_channels 16 --out_channels 8";

pub(crate) const MATRIX: &str = "\
Examples:
  conv matrix --input 5 --kernel 3 --stride 2 --pad 1
  conv matrix --transposed --input 3 --kernel 3 --stride 2 --pad 1 --weights 1,2,3
  conv matrix --input 4,4 --kernel 3,3 -o matrix.svg";

pub(crate) const EXPLAIN: &str = "\
Examples:
  conv explain --input 5,5 --kernel 3,3 --stride 2 --pad 1 --at 0,0
  conv explain --input 5 --kernel 3 --data 1,2,3,4,5 --weights 1,0,-1 --at 1
  conv explain --input 3 --kernel 2 --data 5,1,7 --weights 2,-1 --at 0 --bias 7 \\
    --input-scale 0.5 --weight-scale 0.25 --output-scale 1 --input-zero-point -3 \\
    --output-zero-point 10";

pub(crate) const DRAW: &str = "\
Examples:
  conv draw --input 5,5 --kernel 3 --stride 2 --pad 1 -o conv.gif
  conv draw torch ConvTranspose2d --input 3 --kernel_size 3 --stride 2 --padding 1 --view polyphase -o phases.png
  conv draw --input 9 --kernel 2 --dilation 2 --pad causal -o causal.svg
  conv draw --guide guide";

pub(crate) const APPLY: &str = "\
Examples:
  conv apply photo.png --kernel gaussian:2 --boundary reflect -o blur.png
  conv apply photo.png --kernel sobel-x --absolute --scale 0.25 -o edges.png
  conv apply sound.wav --kernel decimator:4 --stride 4 -o quarter.wav
  conv apply array.npy --kernel -1,0,1 -o slope.npy";
